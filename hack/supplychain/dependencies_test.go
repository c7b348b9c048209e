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

// TestEveryDirectDependencyHasItsReason holds docs/dependencies.md to every go.mod of the repository, both ways.
func TestEveryDirectDependencyHasItsReason(t *testing.T) {
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
				t.Errorf("docs/dependencies.md gives no reason for %s of %s", path, file)
			}
		}
	}
	for _, path := range named {
		if !slices.Contains(needed, path) {
			t.Errorf("docs/dependencies.md gives a reason for %s, which no go.mod needs", path)
		}
	}
	if len(needed) < 15 { // ten of the product alone
		t.Errorf("found only %q", needed)
	}
}

// moduleFiles are the go.mod files of the repository.
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

// direct are the modules that a go.mod requires for its own code, or for the tools that it pins.
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

// modulePath is a module in the first column of a table: a host with a dot, and a path.
var modulePath = regexp.MustCompile(`[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[A-Za-z0-9._-]+)+`)

// namedIn are the modules in the first columns of a text's tables whose row goes on with a reason.
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

func TestWhatADocumentNames(t *testing.T) {
	got := namedIn("github.com/a/text\n| Module | Why |\n|---|---|\n| k8s.io/api, k8s.io/client-go | types |\n| github.com/a/b/v2 | hack | |\n| golang.org/x/time | rate |\n")
	if want := []string{"k8s.io/api", "k8s.io/client-go", "golang.org/x/time"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
