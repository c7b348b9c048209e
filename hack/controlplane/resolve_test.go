// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var testPins = pins{"kubernetes": "v1.36.3", "etcd": "v3.6.8"}

// newTestProvider returns a provider with empty folders. Its build writes a program and records the name.
func newTestProvider(t *testing.T) (p *provider, built *[]string) {
	t.Helper()
	root := t.TempDir()
	built = &[]string{}
	return &provider{
		wanted: binaries,
		assets: filepath.Join(root, "assets"),
		store:  filepath.Join(root, "store"),
		cache:  filepath.Join(root, "cache"),
		pins:   testPins,
		log:    io.Discard,
		space:  func(context.Context, string) error { return nil },
		build: func(_ context.Context, b binary, dir string) error {
			*built = append(*built, b.name)
			writeProgram(t, dir, b.name)
			return nil
		},
	}, built
}

func writeProgram(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *provider) storeFolder(version string) string {
	return filepath.Join(p.store, version+"-"+runtime.GOOS+"-"+runtime.GOARCH)
}

// fillStore creates a folder like setup-envtest: read-only and without kube-controller-manager.
func fillStore(t *testing.T, p *provider, version string) {
	t.Helper()
	dir := p.storeFolder(version)
	writeProgram(t, dir, "etcd", "kube-apiserver", "kubectl")
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
}

func allNames() []string {
	var names []string
	for _, b := range binaries {
		names = append(names, b.name)
	}
	return names
}

func TestSourcesOfTheBinaries(t *testing.T) {
	const kcm = "kube-controller-manager"
	for name, test := range map[string]struct {
		prepare func(t *testing.T, p *provider)
		built   []string                            // the binaries that must be built
		from    func(p *provider) map[string]string // the folders of some binaries, if there are several
		as      func(p *provider) string            // the expected directory, if it is a single source
	}{
		"all binaries are built if there are none": {
			prepare: func(*testing.T, *provider) {},
			built:   allNames(),
			as:      (*provider).built,
		},
		"finished builds are reused": {
			prepare: func(t *testing.T, p *provider) { writeProgram(t, p.built(), allNames()...) },
			as:      (*provider).built,
		},
		"a complete KUBEBUILDER_ASSETS is used as it is": {
			prepare: func(t *testing.T, p *provider) {
				writeProgram(t, p.assets, allNames()...)
				fillStore(t, p, "1.36.2")
				writeProgram(t, p.built(), allNames()...)
			},
			as: func(p *provider) string { return p.assets },
		},
		"KUBEBUILDER_ASSETS comes first, then the store, then our build": {
			prepare: func(t *testing.T, p *provider) {
				writeProgram(t, p.assets, "kube-apiserver")
				fillStore(t, p, "1.36.2")
			},
			built: []string{kcm},
			from: func(p *provider) map[string]string {
				return map[string]string{
					"kube-apiserver": p.assets, "etcd": p.storeFolder("1.36.2"), "kubectl": p.storeFolder("1.36.2"), kcm: p.built(),
				}
			},
		},
		"the newest patch version in the store is used": {
			prepare: func(t *testing.T, p *provider) {
				for _, version := range []string{"1.35.9", "1.36.2", "1.36.10", "1.37.0", "1.36.x"} {
					fillStore(t, p, version)
				}
			},
			built: []string{kcm},
			from: func(p *provider) map[string]string {
				return map[string]string{"etcd": p.storeFolder("1.36.10"), kcm: p.built()}
			},
		},
		"a folder that setup-envtest has not finished is ignored": {
			prepare: func(t *testing.T, p *provider) { writeProgram(t, p.storeFolder("1.36.2"), "etcd") },
			built:   allNames(),
			as:      (*provider).built,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, built := newTestProvider(t)
			test.prepare(t, p)
			dir, err := p.directory(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(*built, test.built) {
				t.Errorf("built %v, want %v", *built, test.built)
			}
			if test.as != nil && dir != test.as(p) {
				t.Errorf("directory %s, want %s", dir, test.as(p))
			}
			if test.from != nil {
				for name, want := range test.from(p) {
					if got, _ := os.Readlink(filepath.Join(dir, name)); got != filepath.Join(want, name) {
						t.Errorf("%s is a link to %s, want %s", name, got, want)
					}
				}
			}
			for _, b := range binaries {
				if !usable(filepath.Join(dir, b.name)) {
					t.Errorf("%s is not in %s", b.name, dir)
				}
			}
		})
	}
}

func TestTheProgramsOfANodeAreBuiltBesideTheControlPlane(t *testing.T) {
	p, built := newTestProvider(t)
	writeProgram(t, p.built(), allNames()...)
	p.wanted = slices.Concat(binaries, nodeBinaries)
	dir, err := p.directory(t.Context())
	if want := []string{"kube-scheduler", "kube-proxy", "kubelet"}; err != nil || dir != p.built() || !slices.Equal(*built, want) {
		t.Errorf("built %v in %s (%v), want %v in %s", *built, dir, err, want, p.built())
	}
}

func TestDirectoryOfLinksIsRepairedAndReused(t *testing.T) {
	p, _ := newTestProvider(t)
	fillStore(t, p, "1.36.2")
	first, err := p.directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(first, "kubectl")); err != nil {
		t.Fatal(err)
	}
	second, err := p.directory(t.Context())
	if err != nil || second != first || !usable(filepath.Join(second, "kubectl")) {
		t.Errorf("got %s (%v), want %s with kubectl", second, err, first)
	}
}

func TestUsable(t *testing.T) {
	dir := t.TempDir()
	for name, file := range map[string]struct {
		content string
		mode    os.FileMode
		want    bool
	}{"program": {"text", 0o755, true}, "empty": {"", 0o755, false}, "not-executable": {"text", 0o644, false}} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(file.content), file.mode); err != nil {
			t.Fatal(err)
		}
		if got := usable(path); got != file.want {
			t.Errorf("usable(%s) = %v", name, got)
		}
	}
	if usable(filepath.Join(dir, "absent")) {
		t.Error("an absent file is usable")
	}
}

func TestEmptyKubebuilderAssetsCauseAWarning(t *testing.T) {
	p, _ := newTestProvider(t)
	var log bytes.Buffer
	p.log = &log
	_, err := p.directory(t.Context())
	if err != nil || !strings.Contains(log.String(), "which contains none of the binaries") {
		t.Errorf("got %v and log:\n%s", err, &log)
	}
}

func TestPinsAreReadFromTheNestedModules(t *testing.T) {
	pins, err := readPins(".")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(pins["kubernetes"], "v1.") || !strings.HasPrefix(pins["etcd"], "v3.") {
		t.Errorf("got %v", pins)
	}
	want := "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1" +
		" -X k8s.io/component-base/version.gitMinor=36"
	if got := testPins.ldflags("kubernetes"); got != want {
		t.Errorf("ldflags %q, want %q", got, want)
	}
}

func TestNothingIsBuiltWithoutSpace(t *testing.T) {
	p, built := newTestProvider(t)
	full := errors.New("no space")
	p.space = func(context.Context, string) error { return full }
	if _, err := p.directory(t.Context()); !errors.Is(err, full) || len(*built) > 0 {
		t.Errorf("got %v and built %v, want %v and nothing built", err, *built, full)
	}
}
