// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// binary is one program of the control plane.
type binary struct {
	name   string
	module string // the nested module that pins it
	pkg    string
}

// binaries in the order in which they are built: the small ones first, so that trouble shows early.
var binaries = []binary{
	{name: "etcd", module: "etcd", pkg: "go.etcd.io/etcd/server/v3"},
	{name: "kubectl", module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kubectl"},
	{name: "kube-apiserver", module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-apiserver"},
	{name: "kube-controller-manager", module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-controller-manager"},
}

// pins maps a nested module to the version of what it pins, such as v1.36.3.
type pins map[string]string

// readPins takes the versions from the nested go.mod files, so that a version stands in one place only.
func readPins(source string) (pins, error) {
	versions := pins{}
	for module, path := range map[string]string{"etcd": "go.etcd.io/etcd/server/v3", "kubernetes": "k8s.io/kubernetes"} {
		text, err := os.ReadFile(filepath.Join(source, module, "go.mod"))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
			if len(fields) >= 2 && fields[0] == path && strings.HasPrefix(fields[1], "v") {
				versions[module] = fields[1]
			}
		}
		if versions[module] == "" {
			return nil, fmt.Errorf("%s/go.mod requires no version of %s", module, path)
		}
	}
	return versions, nil
}

// key names a folder of binaries that can stand for one another.
func (p pins) key() string {
	return fmt.Sprintf("kubernetes-%s-etcd-%s-%s-%s", p["kubernetes"], p["etcd"], runtime.GOOS, runtime.GOARCH)
}

// minor is the Kubernetes release line with its final dot, such as "1.36.".
func (p pins) minor() string {
	parts := strings.SplitN(strings.TrimPrefix(p["kubernetes"], "v"), ".", 3)
	return strings.Join(parts[:2], ".") + "."
}

// ldflags stamps the version, which a build outside the Kubernetes tree lacks, and strips the binary.
func (p pins) ldflags(module string) string {
	if module != "kubernetes" {
		return "-s -w"
	}
	major, minor, _ := strings.Cut(strings.TrimSuffix(p.minor(), "."), ".")
	const version = "-X k8s.io/component-base/version."
	return fmt.Sprintf("-s -w %[1]sgitVersion=%[2]s %[1]sgitMajor=%[3]s %[1]sgitMinor=%[4]s",
		version, p[module], major, minor)
}

// findSource walks up from the working directory to the checkout.
func findSource() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		source := filepath.Join(dir, "hack", "controlplane")
		if _, err := os.Stat(filepath.Join(source, "kubernetes", "go.mod")); err == nil {
			return source, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("run this inside a checkout of accesskey-operator: no hack/controlplane here or above")
		}
		dir = filepath.Dir(dir)
	}
}
