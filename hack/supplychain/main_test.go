// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"debug/buildinfo"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// component of an SBOM.
type component struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// componentsOf a binary, the standard library first.
func componentsOf(info *buildinfo.BuildInfo) []component {
	all := []component{{standardLibrary, info.GoVersion}}
	for path, version := range linked(info) {
		if path != standardLibrary {
			all = append(all, component{path, version})
		}
	}
	return all
}

// writeSBOM with these components, and return its path.
func writeSBOM(t *testing.T, all []component) string {
	t.Helper()
	encoded, err := json.Marshal(map[string]any{"bomFormat": "CycloneDX", "components": all})
	if err != nil {
		t.Fatal(err)
	}
	sbom := filepath.Join(t.TempDir(), "sbom.json")
	if err := os.WriteFile(sbom, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	return sbom
}

// TestAnSBOMIsThatOfItsBinary looks at the one binary that is at hand: this test's own.
func TestAnSBOMIsThatOfItsBinary(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func([]component) []component
		want   string
	}{
		"as it is":                      {func(all []component) []component { return all }, ""},
		"one that is missing":           {func(all []component) []component { return all[1:] }, "std " + info.GoVersion + " is linked and not listed"},
		"one of another version":        {func(all []component) []component { all[0].Version = "go1.0"; return all }, "std is linked as " + info.GoVersion + " and listed as go1.0"},
		"one too many":                  {func(all []component) []component { return append(all, component{"example.com/a", "v1.0.0"}) }, "example.com/a v1.0.0 is listed and not linked"},
		"one that is listed for twice":  {func(all []component) []component { return append(all, all[0]) }, "std is listed twice"},
		"none, since it is another one": {func([]component) []component { return nil }, "is linked and not listed"},
	} {
		t.Run(name, func(t *testing.T) {
			sbom := writeSBOM(t, test.change(componentsOf(info)))
			var out strings.Builder
			err := run([]string{binary, sbom}, &out)
			if test.want == "" && (err != nil || !strings.Contains(out.String(), "those of")) {
				t.Errorf("got %q, %v", out.String(), err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestAModuleThatIsReplacedGoesByItsReplacement(t *testing.T) {
	info := &buildinfo.BuildInfo{GoVersion: "go1.26.0", Deps: []*debug.Module{
		{Path: "example.com/a", Version: "v1.0.0"},
		{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.1"}},
	}}
	want := map[string]string{standardLibrary: "go1.26.0", "example.com/a": "v1.0.0", "example.com/fork": "v1.0.1"}
	if got := linked(info); !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestWhatIsNoSBOMIsRefused(t *testing.T) {
	for text, want := range map[string]string{"": "unexpected end", `{"spdxVersion":"SPDX-2.3"}`: "not CycloneDX"} {
		if _, err := components([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if err := run(nil, nil); err == nil || !strings.HasPrefix(err.Error(), "usage: ") {
		t.Errorf("got %v", err)
	}
}
