// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// compared are the pages whose outputs a test compares with those of its own run, with the file of that test.
var compared = map[string]string{
	"docs/cli.md":        "test/cli/page_test.go",
	"docs/quickstart.md": "test/e2e/quickstart_test.go",
}

// recorded are the pages whose outputs are from a run by hand: of make demo with KEEP=1, of make simulators, or of a manager at the control
// plane of make control-plane. TestEveryOutputIsCurrent checks what can be checked in them without a run.
var recorded = []string{
	"README.md", "docs/compromise.md", "docs/development.md", "docs/import.md", "docs/install.md", "docs/observability.md", "docs/old-keys.md", "docs/runbooks/*.md",
	"docs/simulators.md", "docs/troubleshooting.md", "docs/uninstall.md",
}

// TestEveryOutputHasASource checks that each page with outputs says where they come from.
func TestEveryOutputHasASource(t *testing.T) {
	used := map[string]bool{}
	everyPage(t, func(page *Page) []problem {
		i := slices.IndexFunc(page.Blocks, Block.ShowsOutput)
		if i < 0 {
			return nil
		}
		source := sourceOf(page.Path)
		if source == "" {
			return []problem{problemf(page.Blocks[i].Line, "no test compares the outputs of this page: add it to compared or to recorded in test/docs/sources_test.go")}
		}
		used[source] = true
		return nil
	})
	for _, page := range recorded {
		if !used[page] {
			t.Errorf("%s shows no output any more: remove it from recorded", page)
		}
	}
	for page, file := range compared {
		source, err := os.ReadFile(filepath.Join(root, file))
		if err != nil || !strings.Contains(string(source), page) || !used[page] {
			t.Errorf("%s does not compare %s any more (%v): correct compared", file, page, err)
		}
	}
}

// sourceOf returns the entry of compared or recorded that covers a page, or nothing.
func sourceOf(page string) string {
	if compared[page] != "" {
		return page
	}
	for _, pattern := range recorded {
		if ok, _ := path.Match(pattern, page); ok {
			return pattern
		}
	}
	return ""
}
