// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

type component struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// TestSBOMMustMatchTheBinary compares SBOMs with the binary of this test.
func TestSBOMMustMatchTheBinary(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func([]component) []component // the first component is the standard library
		want   string
	}{
		"same modules":      {func(all []component) []component { return all }, ""},
		"missing module":    {func(all []component) []component { return all[1:] }, "std " + info.GoVersion + " is linked but not listed"},
		"other version":     {func(all []component) []component { all[0].Version = "go1.0"; return all }, "std go1.0 is listed but not linked\nstd " + info.GoVersion + " is linked but not listed"},
		"additional module": {func(all []component) []component { return append(all, component{"example.com/a", "v1.0.0"}) }, "example.com/a v1.0.0 is listed but not linked"},
		"duplicate module":  {func(all []component) []component { return append(all, all[0]) }, "std " + info.GoVersion + " is listed but not linked"},
		"no modules":        {func([]component) []component { return nil }, "is linked but not listed"},
	} {
		t.Run(name, func(t *testing.T) {
			all := []component{{standardLibrary, info.GoVersion}}
			for _, module := range info.Deps {
				all = append(all, component{module.Path, module.Version})
			}
			encoded, err := json.Marshal(map[string]any{"bomFormat": "CycloneDX", "components": test.change(all)})
			if err != nil {
				t.Fatal(err)
			}
			sbom := filepath.Join(t.TempDir(), "sbom.json")
			if err := os.WriteFile(sbom, encoded, 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err = run([]string{binary, sbom}, &out)
			if err != nil {
				out.WriteString(err.Error())
			}
			if (err == nil) != (test.want == "") || !strings.Contains(out.String(), cmp.Or(test.want, "modules of "+binary)) {
				t.Errorf("got %q, want %q", out.String(), test.want)
			}
		})
	}
}

func TestReplacedModules(t *testing.T) {
	info := &buildinfo.BuildInfo{GoVersion: "go1.26.0", Deps: []*debug.Module{
		{Path: "example.com/a", Version: "v1.0.0"},
		{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.1"}},
	}}
	if got := linked(info); !slices.Equal(got, []string{"std go1.26.0", "example.com/a v1.0.0", "example.com/fork v1.0.1"}) {
		t.Errorf("got %v", got)
	}
}

func TestInvalidInput(t *testing.T) {
	for text, want := range map[string]string{"": "unexpected end", `{"spdxVersion":"SPDX-2.3"}`: "not CycloneDX"} {
		if _, err := components([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if err := run(nil, nil); err == nil || !strings.HasPrefix(err.Error(), "usage: ") {
		t.Errorf("got %v", err)
	}
}
