// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// declared parses the name of a declaration: the folder under internal, the receiver's type, the name.
var declared = regexp.MustCompile(`^([\w/]+)\.(?:\((\w+)\)\.)?(\w+)$`)

// changed returns the source of the files that the mutant changes, by path.
func (m mutant) changed(root string) (map[string]string, error) {
	texts := map[string]string{}
	edits := map[string][]edit{} // by path
	bases := map[string]token.Pos{}
	for _, d := range m.defects {
		path, t, err := find(root, d.in)
		if err != nil {
			return nil, err
		}
		more, err := d.change(t)
		if err != nil {
			return nil, err
		}
		texts[path], bases[path], edits[path] = t.text, t.base, append(edits[path], more...)
	}
	for path, each := range edits {
		slices.SortFunc(each, func(a, b edit) int { return cmp.Compare(b.from, a.from) }) // the last first
		for _, e := range each {
			texts[path] = texts[path][:e.from-bases[path]] + e.text + texts[path][e.to-bases[path]:]
		}
	}
	return texts, nil
}

// find finds a declaration in the operator's code.
func find(root, name string) (path string, t target, err error) {
	parts := declared.FindStringSubmatch(name)
	if parts == nil {
		return "", t, fmt.Errorf("%q is not folder.name or folder.(Type).name", name)
	}
	folder := filepath.Join("internal", parts[1])
	files, err := build.ImportDir(filepath.Join(root, folder), 0)
	if err != nil {
		return "", t, err
	}
	for _, file := range files.GoFiles {
		path := filepath.Join(folder, file)
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return "", t, err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			return "", t, err
		}
		if node := declaration(parsed, parts[2], parts[3]); node != nil {
			return path, target{name, node, string(text), parsed.FileStart}, nil
		}
	}
	return "", t, fmt.Errorf("%s is not declared", name)
}

// declaration finds a function, method, constant or variable in a file. It returns nil if there is none.
func declaration(file *ast.File, receiver, name string) (found ast.Node) {
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Name.Name == name && receiverOf(decl) == receiver {
				return decl
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				if values, ok := spec.(*ast.ValueSpec); ok && receiver == "" && values.Names[0].Name == name {
					return values
				}
			}
		}
	}
	return nil
}

func receiverOf(decl *ast.FuncDecl) string {
	if decl.Recv == nil {
		return ""
	}
	receiver := decl.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	name, _ := receiver.(*ast.Ident)
	return name.Name
}
