// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package golden compares the generated pages of the documentation with the code. make generate writes them.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated pages of the documentation instead of comparing them")

// Page compares a page with the text that the code gives. With -update, it writes the page.
func Page(t testing.TB, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run 'make generate' and commit", err)
	}
	if line := difference(string(got), want); line > 0 {
		t.Errorf("%s:%d is not what the code says: run 'make generate' and commit", strings.TrimLeft(filepath.ToSlash(path), "./"), line)
	}
}

// Section compares the part of a page between the comments <!-- begin NAME --> and <!-- end NAME -->, as Page does.
func Section(t testing.TB, path, name, want string) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->\n"
	before, rest, begins := strings.Cut(string(page), begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatalf("%s has no lines %q and %q", path, begin, end)
	}
	Page(t, path, before+begin+want+end+after)
}

// difference returns the first line in which two texts differ, or 0.
func difference(got, want string) int {
	if got == want {
		return 0
	}
	lines, wanted := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(lines), len(wanted)) {
		if lines[i] != wanted[i] {
			return i + 1
		}
	}
	return min(len(lines), len(wanted))
}
