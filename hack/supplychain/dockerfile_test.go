// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheDockerfilePinsItsBases checks that each base image has a tag, for people, and a digest.
func TestTheDockerfilePinsItsBases(t *testing.T) {
	pinned := regexp.MustCompile(`^FROM (--platform=\S+ )?\S+:\S+@sha256:[0-9a-f]{64}( AS \w+)?$`)
	bases := 0
	for line := range strings.Lines(read(t, "Dockerfile")) {
		if strings.HasPrefix(line, "FROM ") {
			bases++
			if !pinned.MatchString(strings.TrimSpace(line)) {
				t.Errorf("the Dockerfile has a base image without a tag and a digest: %s", line)
			}
		}
	}
	if bases != 2 {
		t.Errorf("found %d base images", bases)
	}
}

// TestTheDockerfileCopiesWhatIsNotIgnored compares the files that the Dockerfile copies with those that .dockerignore lets through,
// which are those from which make reproducible builds.
func TestTheDockerfileCopiesWhatIsNotIgnored(t *testing.T) {
	var copied, allowed []string
	for line := range strings.Lines(read(t, "Dockerfile")) {
		if sources, found := strings.CutPrefix(line, "COPY "); found && !strings.Contains(sources, "--from") {
			fields := strings.Fields(sources)
			copied = append(copied, fields[:len(fields)-1]...)
		}
	}
	for line := range strings.Lines(read(t, ".dockerignore")) {
		if path, found := strings.CutPrefix(strings.TrimSpace(line), "!"); found {
			allowed = append(allowed, path)
		}
	}
	slices.Sort(copied)
	slices.Sort(allowed)
	if len(copied) < 6 || !slices.Equal(copied, allowed) {
		t.Errorf("the Dockerfile copies %v, and .dockerignore allows %v", copied, allowed)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
