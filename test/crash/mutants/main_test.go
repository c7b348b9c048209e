// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../../.."

// TestTheMutantsFitTheCode expects that each mutant still fits the code and compiles.
func TestTheMutantsFitTheCode(t *testing.T) {
	imports := importer.ForCompiler(token.NewFileSet(), "gc", exported(t))
	for _, m := range mutants {
		texts, err := m.changed(root)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		for path := range texts {
			if err := check(filepath.Dir(path), texts, imports); err != nil {
				t.Errorf("%s: the changed code does not compile: %v", m.name, err)
			}
		}
	}
}

// check type-checks a package with changed files.
func check(folder string, texts map[string]string, imports types.Importer) error {
	listed, err := build.ImportDir(filepath.Join(root, folder), 0)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range listed.GoFiles {
		path := filepath.Join(folder, name)
		text := []byte(texts[path])
		if len(text) == 0 {
			if text, err = os.ReadFile(filepath.Join(root, path)); err != nil {
				return err
			}
		}
		file, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	_, err = (&types.Config{Importer: imports}).Check("accesskey.dev/operator/"+folder, fset, files, nil)
	return err
}

// exported finds the export data of the operator's imports.
func exported(t *testing.T) importer.Lookup {
	command := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}} {{.Export}}{{end}}", "./internal/...")
	command.Dir = root
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
		path, file, _ := strings.Cut(lines.Text(), " ")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}

// TestChanges covers each kind of change, and places that do not exist exactly once.
func TestChanges(t *testing.T) {
	const text = `package p

const limit = 3

var rules = []rule{{"one", one}, {"two", two}}

func f() error {
	if err := ask(limit); err != nil {
		return err
	}
	switch {
	case a && b:
		tell()
	}
	return run(
		1)
}
`
	for _, c := range []struct {
		in     string
		change change
		old    string
		want   string // empty: an error
	}{
		{"limit", set("0"), "limit = 3", "limit = 0"},
		{"rules", without("one"), `{{"one", one}, {`, `{ {`},
		{"f", drop("tell"), "tell()", ""},
		{"f", drop("ask"), "if err := ask(limit); err != nil {\n\t\treturn err\n\t}", ""},
		{"f", condition("ask", "$ && false"), "err != nil {", "err != nil && false {"},
		{"f", condition("b", "true"), "a && b", "true"},
		{"f", before("run", "tell()"), "return run(", "tell()\nreturn run("},
		{"f", after("tell", "tell()"), "tell()", "tell()\ntell()"},
		{"f", replace("run( 1)", "nil"), "run(\n\t\t1)", "nil"},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "p.go", text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		edits, err := c.change(target{c.in, declaration(file, "", c.in), text, file.FileStart})
		if err != nil {
			t.Errorf("%s: %v", c.old, err)
			continue
		}
		e := edits[0]
		got := text[:e.from-file.FileStart] + e.text + text[e.to-file.FileStart:]
		if want := strings.Replace(text, c.old, c.want, 1); got != want {
			t.Errorf("%s:\n%s", c.old, got)
		}
	}
	for name, missing := range map[string]change{"err": drop("err"), "nobody": replace("nobody", "x"), "f": set("1")} {
		file, _ := parser.ParseFile(token.NewFileSet(), "p.go", text, parser.SkipObjectResolution)
		if _, err := missing(target{"f", declaration(file, "", "f"), text, file.FileStart}); err == nil || !strings.Contains(err.Error(), "f ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
