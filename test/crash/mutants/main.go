// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// The mutants program breaks the operator in one place at a time and expects the crash simulation to find it. go test sees each
// change as an overlay, so the working tree does not change. Arguments are names of mutants; without any, all run.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
)

func main() {
	survivors := 0
	for _, m := range mutants {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], m.name) {
			continue
		}
		finding, err := m.run(context.Background())
		if err != nil {
			survivors++
			finding = "NOT FOUND: " + err.Error()
		}
		fmt.Printf("%s: %s\n", m.name, finding)
	}
	if survivors > 0 {
		fmt.Fprintf(os.Stderr, "%d mutants were not found\n", survivors)
		os.Exit(1)
	}
}

// mutant is the operator with a deliberate defect.
type mutant struct {
	name string
	// tests that find it, as a pattern of go test -run.
	tests   string
	defects []defect
}

// defect changes one declaration. Its name is folder.name or folder.(Type).name, with a folder under internal.
type defect struct {
	in     string
	change change
}

// finding is how the simulation reports a broken promise.
var finding = regexp.MustCompile(`_test\.go:\d+: (.*)`)

// run tests the broken operator and returns the first finding.
func (m mutant) run(ctx context.Context) (string, error) {
	overlay, err := m.overlay()
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(filepath.Dir(overlay)) //nolint:errcheck // a temporary folder
	command := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-vet=off", "-count=1", "-failfast", "-run", m.tests, "./test/crash", "-args", "-seeds=200")
	output, err := command.CombinedOutput()
	found := finding.FindSubmatch(output)
	switch {
	case err == nil:
		return "", fmt.Errorf("survived %s", m.tests)
	case found == nil:
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return string(found[1]), nil
}

// overlay writes the changed files, and the list of them that go test takes.
func (m mutant) overlay() (string, error) {
	texts, err := m.changed(".")
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return "", err
	}
	replaced := map[string]string{}
	for path, text := range texts {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		replaced[absolute] = filepath.Join(folder, fmt.Sprintf("changed%d.go", len(replaced)))
		if err := os.WriteFile(replaced[absolute], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(folder, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}
