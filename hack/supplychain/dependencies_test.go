// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// TestEveryDirectDependencyHasAReason compares docs/dependencies.md with every go.mod of the repository.
func TestEveryDirectDependencyHasAReason(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := namedIn(string(text))
	var needed []string
	for _, file := range moduleFiles(t) {
		for _, path := range direct(t, file) {
			needed = append(needed, path)
			if !slices.Contains(named, path) {
				t.Errorf("docs/dependencies.md has no reason for %s, which %s requires", path, file)
			}
		}
	}
	for _, path := range named {
		if !slices.Contains(needed, path) {
			t.Errorf("docs/dependencies.md has a reason for %s, which no go.mod requires", path)
		}
	}
	if len(needed) < 15 { // the product alone requires ten
		t.Errorf("found only the dependencies %q", needed)
	}
}

// moduleFiles returns the paths of all go.mod files of the repository.
func moduleFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "go.mod" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// direct returns the modules that a go.mod requires for its own code or for the tools that it pins.
func direct(t *testing.T, file string) []string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", file).Output()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var module struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Tool []struct{ Path string }
	}
	if err := json.Unmarshal(output, &module); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, required := range module.Require {
		isTool := slices.ContainsFunc(module.Tool, func(tool struct{ Path string }) bool {
			return tool.Path == required.Path || strings.HasPrefix(tool.Path, required.Path+"/")
		})
		own := strings.HasPrefix(required.Path, "accesskey.dev/operator")
		if !own && (isTool || !required.Indirect) {
			paths = append(paths, required.Path)
		}
	}
	return paths
}

// modulePath matches a module: a host name with a dot, and a path.
var modulePath = regexp.MustCompile(`[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[A-Za-z0-9._-]+)+`)

// namedIn returns the modules in the first column of table rows whose last column, the reason, is not empty.
func namedIn(text string) []string {
	var paths []string
	for line := range strings.Lines(text) {
		columns := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if strings.HasPrefix(line, "|") && strings.TrimSpace(columns[len(columns)-1]) != "" {
			paths = append(paths, modulePath.FindAllString(columns[0], -1)...)
		}
	}
	return paths
}
