// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// plugin are the fields of krew's manifest that installation depends on.
type plugin struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Spec       struct {
		Version          string `json:"version"`
		Homepage         string `json:"homepage"`
		ShortDescription string `json:"shortDescription"`
		Description      string `json:"description"`
		Caveats          string `json:"caveats"`
		Platforms        []struct {
			Selector metav1.LabelSelector `json:"selector"`
			URI      string               `json:"uri"`
			SHA256   string               `json:"sha256"`
			Bin      string               `json:"bin"`
		} `json:"platforms"`
	} `json:"spec"`
}

func TestTheManifestNamesEachArchive(t *testing.T) {
	r := release{Version: "v0.1.0", Homepage: "https://home.example", URL: "https://downloads.example/v0.1.0"}
	for _, platform := range platforms {
		packed, _, err := pack(platform, []byte("program for "+platform[0]), []byte("licence"))
		if err != nil {
			t.Fatal(err)
		}
		r.Archives = append(r.Archives, packed)
	}
	var text bytes.Buffer
	if err := r.render(&text); err != nil {
		t.Fatal(err)
	}
	var p plugin
	if err := yaml.UnmarshalStrict(text.Bytes(), &p); err != nil {
		t.Fatalf("%v in\n%s", err, &text)
	}
	if about := []string{p.Kind, p.Metadata.Name, p.Spec.Version, p.Spec.Homepage}; !slices.Equal(about, []string{"Plugin", "accesskey", "v0.1.0", "https://home.example"}) {
		t.Errorf("the manifest is about %q", about)
	}
	if len(p.Spec.Platforms) != len(platforms) {
		t.Fatalf("%d platforms, want %d", len(p.Spec.Platforms), len(platforms))
	}
	for i, platform := range p.Spec.Platforms {
		labels := platform.Selector.MatchLabels
		got := archive{labels["os"], labels["arch"], strings.TrimPrefix(platform.URI, r.URL+"/"), platform.Bin, platform.SHA256}
		if got != r.Archives[i] {
			t.Errorf("got %+v, want %+v", got, r.Archives[i])
		}
	}
}

func TestAnArchiveHasThePluginAndItsLicence(t *testing.T) {
	packed, data, err := pack([2]string{"windows", "amd64"}, []byte("program"), []byte("licence"))
	if err != nil {
		t.Fatal(err)
	}
	again, _, _ := pack([2]string{"windows", "amd64"}, []byte("program"), []byte("licence"))
	if packed != again || packed.Name != "kubectl-accesskey_windows_amd64.tar.gz" {
		t.Errorf("got %+v, and then %+v", packed, again)
	}
	compressed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for files := tar.NewReader(compressed); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
	if !slices.Equal(names, []string{"kubectl-accesskey.exe", "LICENSE"}) {
		t.Errorf("the archive has %v", names)
	}
}

func TestARequestWithoutVersionIsRefused(t *testing.T) {
	for _, r := range []release{{}, {Version: "0.1.0", URL: "u", Homepage: "h"}, {Version: "v0.1.0", Homepage: "h"}} {
		if err := r.write(t.TempDir()); err == nil || !strings.Contains(err.Error(), "-version") {
			t.Errorf("%+v: got %v", r, err)
		}
	}
}

// TestThePluginBuildsForEveryPlatform looks only for packages that a platform does not have, because a compilation takes minutes.
func TestThePluginBuildsForEveryPlatform(t *testing.T) {
	for _, platform := range platforms {
		list := exec.Command("go", "list", "-deps", "../../cmd/kubectl-accesskey")
		list.Env = append(os.Environ(), "GOOS="+platform[0], "GOARCH="+platform[1])
		if out, err := list.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", platform, err, out)
		}
	}
}
