// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package docs checks the documentation against the repository: links, blocks of code, names of things that exist in the code, and
// words. The checks are pure functions of a page, so that a test can show each of them a page that is wrong.
package docs

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// Page is a Markdown file.
type Page struct {
	// Path is relative to the root of the repository, with slashes.
	Path string
	// Anchors are what a link to a part of the page can name.
	Anchors []string
	Links   []Text
	Blocks  []Block
	// Code is the text in backquotes, and Prose is the text outside of all code, by lines.
	Code, Prose []Text
}

// Text is a piece of a page.
type Text struct {
	Line int
	Text string
}

// Block is a block of code, without the indent of its fence.
type Block struct {
	// Line is that of the first line of the code.
	Line           int
	Language, Text string
}

// Pages reads every Markdown file below a folder, except for those of other projects and of build results.
func Pages(root string) (pages []*Page, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "bin", "testdata"}, entry.Name()) {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		pages = append(pages, Parse(filepath.ToSlash(relative), source))
		return err
	})
	return pages, err
}

// Parse reads a page.
func Parse(path string, source []byte) *Page {
	r := reader{page: &Page{Path: path}, source: source}
	document := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	_ = ast.Walk(document, r.visit) // visit returns no error
	return r.page
}

// reader collects the pieces of a page.
type reader struct {
	page   *Page
	source []byte
	// line is that of the block or of the text that was visited last.
	line int
	// end is where the prose ended that was visited last.
	end int
}

func (r *reader) visit(node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	if node.Type() == ast.TypeBlock && node.Lines().Len() > 0 {
		r.line = r.lineAt(node.Lines().At(0).Start)
	}
	switch node := node.(type) {
	case *ast.Heading:
		r.page.Anchors = append(r.page.Anchors, unused(anchor(r.content(node)), r.page.Anchors))
	case *ast.FencedCodeBlock:
		r.page.Blocks = append(r.page.Blocks, Block{r.line, string(node.Language(r.source)), string(node.Lines().Value(r.source))})
	case *ast.HTMLBlock:
		r.html(string(node.Lines().Value(r.source)))
	case *ast.CodeSpan:
		r.page.Code = append(r.page.Code, Text{r.firstLine(node), r.content(node)})
		return ast.WalkSkipChildren, nil
	default:
		r.inline(node)
	}
	return ast.WalkContinue, nil
}

// inline collects links and prose.
func (r *reader) inline(node ast.Node) {
	switch node := node.(type) {
	case *ast.Link:
		r.page.Links = append(r.page.Links, Text{r.firstLine(node), string(node.Destination)})
	case *ast.Image:
		r.page.Links = append(r.page.Links, Text{r.firstLine(node), string(node.Destination)})
	case *ast.AutoLink:
		r.page.Links = append(r.page.Links, Text{r.line, string(node.URL(r.source))})
	case *ast.RawHTML:
		r.html(string(node.Segments.Value(r.source)))
	case *ast.Text:
		r.line = r.lineAt(node.Segment.Start)
		r.prose(node)
	}
}

var (
	attribute = regexp.MustCompile(`\b(?:href|src|srcset)="([^"]*)"`)
	named     = regexp.MustCompile(`\b(?:id|name)="([^"]*)"`)
)

// html collects the links and the anchors of a piece of HTML.
func (r *reader) html(source string) {
	for _, found := range attribute.FindAllStringSubmatch(source, -1) {
		r.page.Links = append(r.page.Links, Text{r.line, found[1]})
	}
	for _, found := range named.FindAllStringSubmatch(source, -1) {
		r.page.Anchors = append(r.page.Anchors, found[1])
	}
}

// content returns the text of a node without its marks.
func (r *reader) content(node ast.Node) string {
	var content strings.Builder
	_ = ast.Walk(node, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if part, ok := node.(*ast.Text); ok && entering {
			content.Write(part.Segment.Value(r.source))
			if part.SoftLineBreak() {
				content.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return content.String()
}

// firstLine returns the line of the first text in a node.
func (r *reader) firstLine(node ast.Node) int {
	line := r.line
	_ = ast.Walk(node, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if part, ok := node.(*ast.Text); ok && entering {
			line = r.lineAt(part.Segment.Start)
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	return line
}

func (r *reader) lineAt(offset int) int { return 1 + bytes.Count(r.source[:offset], []byte("\n")) }

// prose adds a text to its line. If something is between it and the text before it, such as code, that is replaced by the mark …
func (r *reader) prose(node *ast.Text) {
	content := string(node.Segment.Value(r.source))
	last := len(r.page.Prose) - 1
	switch {
	case last < 0 || r.page.Prose[last].Line != r.line:
		r.page.Prose = append(r.page.Prose, Text{r.line, content})
	case node.Segment.Start == r.end:
		r.page.Prose[last].Text += content
	default:
		r.page.Prose[last].Text += "…" + content
	}
	r.end = node.Segment.Stop
}

// anchor returns the anchor that GitHub gives a heading: in lower case, with hyphens for spaces, and without other punctuation.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// unused adds a number to an anchor that another heading of the page has already.
func unused(name string, anchors []string) string {
	for i := 0; ; i++ {
		candidate := name
		if i > 0 {
			candidate += "-" + strconv.Itoa(i)
		}
		if !slices.Contains(anchors, candidate) {
			return candidate
		}
	}
}
