// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// word is a word that the documentation, comments and messages don't use, because there is a better one.
type word struct {
	pattern *regexp.Regexp
	// instead is what to write.
	instead string
	// except matches the lines in which the word is right, and the comment beside it says why.
	except *regexp.Regexp
}

func avoid(pattern, instead string) word {
	return word{pattern: regexp.MustCompile(`(?i)\b(?:` + pattern + `)\b`), instead: instead}
}

func (w word) unless(except string) word {
	w.except = regexp.MustCompile(except)
	return w
}

// words has one word for one thing: the word of the field, instead of the project's own.
var words = []word{
	avoid(`renew(?:s|ed|ing)? (?:a|the|its|each|every) (?:key|pair)s?`, "rotate"),
	avoid(`(?:give|gives|given|giving|gave) (?:it |them )?up`, "revoke a key, release a lease, stop trying").unless("giving up on a single server request"), // client-go
	avoid(`(?:take|takes|taken|taking|took) (?:it |them )?back`, "roll back"),
	avoid(`strangers?(?:'s)?`, "foreign").unless(`^(?:reader|admin) (?:is|are) .*stranger`), // variables with this name
	avoid(`usurp\w*`, "replaced externally"),
	avoid(`outlived`, "stale"),
	avoid(`youth|young(?:er|est)?`, "list lag, new"),
	avoid(`judg(?:e|es|ed|ing|ement|ment)|verdicts?`, "classify, decide, result").unless("^(?:verdict|judge|update) "),
	avoid(`mend(?:s|ed|ing)?`, "fix, repair"),
	avoid(`lets? go of|let go`, "remove the finalizer, release"),
	avoid(`can(?:not|'t) be had`, "is not available, cannot be restricted"),
	avoid(`(?:tell|tells|told|telling) of`, "report"),
	avoid(`(?:be|is|are|was|were|been|being) told`, "configure, receive, learn, ask").unless("(?i)stor(?:y|ies)"), // the crash tests tell stories
	avoid(`for ever`, "without end, permanently"),
	avoid(`(?:go|goes|went|going) by`, "use, follow").unless(`\.go by`),
	avoid(`(?:is|are) theirs`, "belongs to"),
	avoid(`not un(?:able|common|known|like|likely|reasonable|safe|usual)`, "say it without the double negation"),
}

// TestPlainWords checks the documentation, the comments of all code, from which also the descriptions in the CRDs are made, and the
// messages of the product.
func TestPlainWords(t *testing.T) {
	everyPage(t, func(page *Page) []problem { return badWords(page.Prose) })
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "words_test.go") {
			return err
		}
		relative, _ := filepath.Rel(root, path) // both are below the working folder
		for _, p := range badWords(phrases(t, path, filepath.ToSlash(relative))) {
			t.Errorf("%s:%d: %s", relative, p.line, p.text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// product matches the files whose texts are messages for users.
var product = regexp.MustCompile(`^(?:api|cmd|internal)/.*[^t]\.go$`)

// phrases returns the lines of the comments of a Go file, and its texts if they can be messages.
func phrases(t *testing.T, path, relative string) (lines []Text) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			for i, line := range strings.Split(comment.Text, "\n") {
				lines = append(lines, Text{files.Position(comment.Pos()).Line + i, strings.TrimPrefix(line, "// ")})
			}
		}
	}
	if !product.MatchString(relative) || strings.HasSuffix(relative, "_test.go") {
		return lines
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			message, _ := strconv.Unquote(literal.Value) // the parser has accepted it
			lines = append(lines, Text{files.Position(literal.Pos()).Line, message})
		}
		return true
	})
	return lines
}

func badWords(lines []Text) (problems []problem) {
	for _, line := range lines {
		for _, w := range words {
			if found := w.pattern.FindString(line.Text); found != "" && (w.except == nil || !w.except.MatchString(line.Text)) {
				problems = append(problems, problemf(line.Line, "%q: say it otherwise (%s) in: %s", found, w.instead, line.Text))
			}
		}
	}
	return append(problems, frontedClauses(lines)...)
}

// clause begins a sentence with a clause as its subject, as in "Who comes first is served first".
var clause = regexp.MustCompile(`(?:^|[.:] )((?:Who|Whoever|What) [^?]*?[.;](?: |$))`)

func frontedClauses(lines []Text) (problems []problem) {
	for i, line := range lines {
		sentence := line.Text
		if i+1 < len(lines) && lines[i+1].Line == line.Line+1 {
			sentence += " " + lines[i+1].Text
		}
		at := clause.FindStringIndex(sentence)
		if at != nil && at[0] < len(line.Text) {
			problems = append(problems, problemf(line.Line, "the sentence begins with a clause: begin it with its subject: %s", line.Text))
		}
	}
	return problems
}

func TestABadWordIsFound(t *testing.T) {
	for text, want := range map[string]string{
		"The key is revoked.":                               "",
		"The key is given up.":                              "revoke",
		"Nobody is told of it.":                             "report",
		"`is told` is code.":                                "",
		"What remains is deleted.":                          "begins with a clause",
		"The rest stays. Whoever deletes it\nis wrong.":     "begins with a clause",
		"What remains? The rest.":                           "",
		"The operator renews the pair.":                     "rotate",
		"The annotation requests a rotation, not a renewal": "",
	} {
		found := badWords(Parse("docs/page.md", []byte("# Page\n\n"+text+"\n")).Prose)
		if (len(found) == 0) != (want == "") || len(found) > 0 && !strings.Contains(found[0].text, want) {
			t.Errorf("%s: found %v, want %q", text, found, want)
		}
	}
}
