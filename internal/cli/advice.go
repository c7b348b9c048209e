// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"regexp"
	"slices"
	"strings"

	"accesskey.dev/operator/docs"
)

// advice is what the documentation says about a reason of a condition.
type advice struct{ meaning, todo string }

var (
	link = regexp.MustCompile(`\[([^]]+)\]\([^)]*\)`)
	code = regexp.MustCompile("`([^`]+)`")
)

// adviceOn returns what docs/reasons.md says about a reason: its row in the table of the section that is named after the type of the
// condition. status selects between rows of the same reason, such as "Unknown `Replacing`".
func adviceOn(condition, status, reason string) (advice, bool) {
	_, section, found := strings.Cut(docs.Reasons, "\n## "+condition+"\n")
	if !found {
		return advice{}, false
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) < 2 || !isAbout(cells[0], status, reason) {
			continue
		}
		found := advice{meaning: plainText(cells[1])}
		if len(cells) > 2 {
			found.todo = plainText(cells[2])
		}
		return found, true
	}
	return advice{}, false
}

// isAbout reports whether the first cell of a row names a reason, and no other status.
func isAbout(cell, status, reason string) bool {
	names := code.FindAllStringSubmatch(cell, -1)
	if !slices.ContainsFunc(names, func(name []string) bool { return name[1] == reason }) {
		return false
	}
	first, _, _ := strings.Cut(strings.TrimSpace(cell), " ")
	return strings.HasPrefix(first, "`") || first == status
}

// plainText returns a cell of a Markdown table without its links and its marks of code.
func plainText(cell string) string {
	return strings.TrimSpace(code.ReplaceAllString(link.ReplaceAllString(cell, "$1"), "$1"))
}
