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

// binary is a program of the control plane.
type binary struct {
	name   string
	module string // the nested module that pins it
	pkg    string
}

// binaries are built in this order. The small ones come first, so problems show early.
var binaries = []binary{
	{name: "etcd", module: "etcd", pkg: "go.etcd.io/etcd/server/v3"},
	{name: "kubectl", module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kubectl"},
	{name: "kube-apiserver", module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-apiserver"},
	{name: "kube-controller-manager", module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-controller-manager"},
}

// nodeBinaries are the programs that a real node needs in addition.
var nodeBinaries = []binary{
	{name: "kube-scheduler", module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-scheduler"},
	{name: "kube-proxy", module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-proxy"},
	{name: "kubelet", module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kubelet"},
}

// pins maps a nested module to the version that it pins, such as v1.36.3.
type pins map[string]string

// readPins reads the versions from the nested go.mod files, which are the only place that defines them.
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
			return nil, fmt.Errorf("%s/go.mod does not require %s", module, path)
		}
	}
	return versions, nil
}

// key returns the name of the folder for these versions and this platform.
func (p pins) key() string {
	return fmt.Sprintf("kubernetes-%s-etcd-%s-%s-%s", p["kubernetes"], p["etcd"], runtime.GOOS, runtime.GOARCH)
}

// minor returns the Kubernetes minor version with a trailing dot, such as "1.36.".
func (p pins) minor() string {
	parts := strings.SplitN(strings.TrimPrefix(p["kubernetes"], "v"), ".", 3)
	return strings.Join(parts[:2], ".") + "."
}

// ldflags returns linker flags that strip the binary and set the version. A build outside the Kubernetes tree does not set it.
func (p pins) ldflags(module string) string {
	if module != "kubernetes" {
		return "-s -w"
	}
	major, minor, _ := strings.Cut(strings.TrimSuffix(p.minor(), "."), ".")
	const version = "-X k8s.io/component-base/version."
	return fmt.Sprintf("-s -w %[1]sgitVersion=%[2]s %[1]sgitMajor=%[3]s %[1]sgitMinor=%[4]s",
		version, p[module], major, minor)
}

// findSource finds hack/controlplane in the working directory or a parent directory.
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
			return "", errors.New("no hack/controlplane in this directory or above: run this in a checkout of accesskey-operator")
		}
		dir = filepath.Dir(dir)
	}
}
