// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// report is bench.json.
type report struct {
	Machine string    `json:"machine"`
	Started time.Time `json:"started"`
	// Clients that made the AccessKeys. Unrelated Secrets that were in the cluster, and the size of each.
	Clients     int     `json:"clients"`
	Unrelated   int     `json:"unrelatedSecrets"`
	UnrelatedKB int     `json:"unrelatedSecretKB"`
	Rounds      []round `json:"rounds"`
}

// machine says on what it ran.
func machine() string {
	model, memory := "unknown processor", ""
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		memory = fmt.Sprintf(", %.0f GiB of memory", float64(statusKB(string(text), "MemTotal"))/(1<<20))
	}
	return fmt.Sprintf("%s, %d processors%s, %s/%s, %s", model, runtime.NumCPU(), memory, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// floor is the mean of a round's floors, keys a second.
func (r round) floor() float64 {
	all := 0.0
	for _, f := range r.Floors {
		all += f.KeysPerSecond
	}
	return all / float64(max(len(r.Floors), 1))
}

// show prints an earlier report.
func show(path string) error {
	encoded, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var r report
	if err := json.Unmarshal(encoded, &r); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(r.Rounds) == 0 {
		return fmt.Errorf("%s has no rounds", path)
	}
	fmt.Print(r.text())
	return nil
}

// text is the report for people.
func (r report) text() string { return r.table() + "\n" + r.model() }

// write writes the report as JSON, as a plot and as a table.
func (r report) write(folder string) error {
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	plot, err := r.plot()
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "bench.json"), append(encoded, '\n'), 0o644),
		os.WriteFile(filepath.Join(folder, "bench.svg"), plot, 0o644),
		os.WriteFile(filepath.Join(folder, "bench.txt"), []byte(r.text()), 0o644),
	)
}
