// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestTheStampOfTheBuildIsShown runs "make build", because that is where the variables have their names.
func TestTheStampOfTheBuildIsShown(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "manager")
	build := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-C", "..", "build", "BIN="+filepath.Dir(binary), "VERSION=v1.2.3", "COMMIT=abc", "DATE=2026-11-28T20:00:00Z")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), binary, "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), "accesskey-operator v1.2.3 (commit abc of 2026-11-28T20:00:00Z, go1.") {
		t.Errorf("got %s, %v", out, err)
	}
}

func TestABinaryWithoutAStampSaysSo(t *testing.T) {
	if got := build(); !regexp.MustCompile(`^accesskey-operator dev \(commit .+ of unknown date, go1\.\S+, \w+/\w+\)$`).MatchString(got) {
		t.Errorf("got %s", got)
	}
}

func TestTheVersionIsAMetric(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(buildInfo())
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "accesskey_build_info" {
		t.Errorf("got %v, %v", families, err)
	}
}
