// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"testing"
)

const root = "../.."

// problem is what is wrong in a line of a page, and what to do about it.
type problem struct {
	line int
	text string
}

func problemf(line int, format string, arguments ...any) problem {
	return problem{line, fmt.Sprintf(format, arguments...)}
}

// everyPage runs a check on every page of the repository.
func everyPage(t *testing.T, check func(*Page) []problem) {
	t.Helper()
	for _, page := range pages(t) {
		for _, p := range check(page) {
			t.Errorf("%s:%d: %s", page.Path, p.line, p.text)
		}
	}
}

func pages(t *testing.T) []*Page {
	t.Helper()
	all, err := Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Fatalf("found only %d pages", len(all))
	}
	return all
}
