// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// The mutants program breaks the operator on purpose, in one place at a time, and expects the crash simulation to notice.
// The tree is left alone: go test sees each change as an overlay. Arguments are the names of mutants; none: all.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	survivors := 0
	for _, m := range slices.Concat(mutants, clockMutants) {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], m.name) {
			continue
		}
		verdict, found := m.run(context.Background())
		if !found {
			survivors++
		}
		fmt.Printf("| %s | %s |\n", m.name, verdict)
	}
	if survivors > 0 {
		fmt.Fprintf(os.Stderr, "%d mutants survived\n", survivors)
		os.Exit(1)
	}
}

// mutant is one defect: in a file the old text becomes the new one.
type mutant struct {
	name     string
	file     string
	old, new string
	// more edits of the same file.
	more []edit
	// tests that notice it: what go test -run takes.
	tests string
}

type edit struct{ old, new string }

// broken is how the simulation says which promise is broken, and where.
var broken = regexp.MustCompile(`(?m)^ +--- FAIL: Test\w+/(\S+)|_test\.go:\d+: (?:map\[([^]]*)\]: |without a failure: )?(.*)$`)

// run tests the broken operator, and tells what noticed it.
func (m mutant) run(ctx context.Context) (verdict string, found bool) {
	overlay, err := m.overlay()
	if err != nil {
		return err.Error(), false
	}
	defer os.RemoveAll(filepath.Dir(overlay)) //nolint:errcheck // a folder of the system's for what is temporary
	var output bytes.Buffer
	command := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-vet=off", "-count=1", "-failfast", "-run", m.tests, "./test/crash", "-args", "-seeds=200")
	command.Stdout, command.Stderr = &output, &output
	err = command.Run()
	switch {
	case err == nil:
		return "**survived** " + m.tests, false
	case strings.Contains(output.String(), "[build failed]"), strings.Contains(output.String(), "no tests to run"):
		return "does not compile: " + output.String(), false
	}
	return summary(output.String()), true
}

// summary is the first line that tells of a broken promise.
func summary(output string) string {
	for _, match := range broken.FindAllStringSubmatch(output, -1) {
		if match[3] == "" {
			continue
		}
		text := match[3]
		if match[2] != "" {
			text += " (call " + match[2] + ")"
		}
		return text
	}
	return strings.SplitN(output, "\n", 2)[0]
}

// changed is the file with the defect. Each old text must be in it once.
func (m mutant) changed(root string) (string, error) {
	original, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	text := string(original)
	for _, e := range append([]edit{{m.old, m.new}}, m.more...) {
		if n := strings.Count(text, e.old); n != 1 {
			return "", fmt.Errorf("%s holds the text %d times, not once:\n%s", m.file, n, e.old)
		}
		text = strings.Replace(text, e.old, e.new, 1)
	}
	return text, nil
}

// overlay writes the changed file and what go test wants to know of it.
func (m mutant) overlay() (string, error) {
	text, err := m.changed(".")
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return "", err
	}
	changed, overlay := filepath.Join(folder, "changed.go"), filepath.Join(folder, "overlay.json")
	absolute, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {absolute: changed}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, replace, 0o600)
}
