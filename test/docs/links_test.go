// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryLinkLeadsSomewhere checks that the file and the heading of each link exist, and that the address of each external link is
// complete. It uses no network.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	all := pages(t)
	everyPage(t, func(page *Page) []problem { return deadLinks(page, all) })
}

func deadLinks(page *Page, all []*Page) (problems []problem) {
	for _, link := range page.Links {
		if fault := faultOf(link.Text, page, all); fault != "" {
			problems = append(problems, problemf(link.Line, "the link to %s: %s", link.Text, fault))
		}
	}
	return problems
}

// faultOf returns what is wrong with a link, and what to do.
func faultOf(link string, from *Page, all []*Page) string {
	target, err := url.Parse(link)
	switch {
	case err != nil:
		return err.Error() + "; correct the address"
	case target.Scheme == "https" || target.Scheme == "http":
		if !strings.Contains(target.Hostname(), ".") && target.Hostname() != "localhost" {
			return "this is no address of a host; correct it"
		}
		return ""
	case target.Scheme != "":
		return "write an https address, or a path relative to this page"
	case strings.HasPrefix(target.Path, "/"):
		return "write a path relative to this page, because pages are also read outside of the repository"
	}
	return faultInside(target, from, all)
}

// faultInside returns what is wrong with a link to a file of the repository.
func faultInside(target *url.URL, from *Page, all []*Page) string {
	to := from
	if target.Path != "" {
		file := path.Join(path.Dir(from.Path), target.Path)
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			return "there is no file " + file + "; correct the path"
		}
		i := slices.IndexFunc(all, func(p *Page) bool { return p.Path == file })
		if i < 0 {
			return ""
		}
		to = all[i]
	}
	if target.Fragment != "" && !slices.Contains(to.Anchors, target.Fragment) {
		return to.Path + " has no heading with this anchor; its anchors are " + strings.Join(to.Anchors, ", ")
	}
	return ""
}

func TestADeadLinkIsFound(t *testing.T) {
	other := Parse("docs/other.md", []byte("# Other\n\n## Twice, `code` & more\n\n## Twice, `code` & more\n\n<a id=\"own\"></a>\n"))
	for link, dead := range map[string]bool{
		"other.md":                     true, // it is no file of the repository
		"install.md":                   false,
		"install.md#no-such-heading":   true,
		"../README.md":                 false,
		"../docs":                      false,
		"README.md/x":                  true,
		"#here":                        false,
		"#there":                       true,
		"/docs/install.md":             true,
		"https://example.com/a#b":      false,
		"https://":                     true,
		"https://example":              true,
		"ftp://example.com":            true,
		"https://example.com/%zz":      true,
		"services/README.md#limits-of": true,
	} {
		page := Parse("docs/page.md", []byte("# Here\n\ntext\n[link]("+link+")\n"))
		found := deadLinks(page, append(pages(t), page, other))
		if got := len(found) > 0; got != dead {
			t.Errorf("%s: found %v", link, found)
		} else if dead && found[0].line != 4 {
			t.Errorf("%s: found in line %d", link, found[0].line)
		}
	}
	for fragment, known := range map[string]bool{"other": true, "twice-code--more": true, "twice-code--more-1": true, "twice-code--more-2": false, "own": true} {
		if slices.Contains(other.Anchors, fragment) != known {
			t.Errorf("%s: the anchors are %q", fragment, other.Anchors)
		}
	}
}
