// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// change breaks a declaration. An expression, written as in the code but on one line, identifies the place. In new code, $ stands
// for the old code.
type change func(target) ([]edit, error)

// edit replaces the source between two positions.
type edit struct {
	from, to token.Pos
	text     string
}

// drop removes the statement that mentions an expression.
func drop(mentions string) change {
	return func(t target) ([]edit, error) { return t.edited(t.statements(mentions), mentions, "") }
}

// before and after add a statement before or after the one that mentions an expression.
func before(mentions, statement string) change {
	return func(t target) ([]edit, error) { return t.edited(t.statements(mentions), mentions, statement+"\n$") }
}

func after(mentions, statement string) change {
	return func(t target) ([]edit, error) { return t.edited(t.statements(mentions), mentions, "$\n"+statement) }
}

// condition changes the condition of the if or the case that mentions an expression there.
func condition(mentions, becomes string) change {
	return func(t target) ([]edit, error) { return t.edited(t.conditions(mentions), mentions, becomes) }
}

// replace replaces an expression.
func replace(expression, becomes string) change {
	return func(t target) ([]edit, error) { return t.edited(t.expressions(expression), expression, becomes) }
}

// without removes the element of a composite literal that mentions an expression.
func without(mentions string) change {
	return func(t target) ([]edit, error) {
		edits, err := t.edited(t.elements(mentions), mentions, "")
		if err == nil {
			edits[0].to++ // the comma
		}
		return edits, err
	}
}

// set changes the value of a constant or variable.
func set(value string) change {
	return func(t target) ([]edit, error) {
		spec, ok := t.node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return nil, fmt.Errorf("%s is not a constant or variable with a value", t.name)
		}
		return t.edited([]ast.Node{spec.Values[0]}, t.name, value)
	}
}

// target is the declaration that a change is for.
type target struct {
	name string
	node ast.Node
	// text of the file, which begins at base.
	text string
	base token.Pos
}

// edited replaces the node that was found, if there is exactly one.
func (t target) edited(found []ast.Node, mentions, text string) ([]edit, error) {
	if len(found) != 1 {
		return nil, fmt.Errorf("%s has %d places for this change that mention %s, not one", t.name, len(found), mentions)
	}
	old := t.text[found[0].Pos()-t.base : found[0].End()-t.base]
	return []edit{{found[0].Pos(), found[0].End(), strings.ReplaceAll(text, "$", old)}}, nil
}

// source returns a node's source on one line.
func (t target) source(n ast.Node) string {
	return strings.Join(strings.Fields(t.text[n.Pos()-t.base:n.End()-t.base]), " ")
}

// statements returns those that mention an expression, but not in a nested block.
func (t target) statements(expression string) (found []ast.Node) {
	ast.Inspect(t.node, func(n ast.Node) bool {
		var list []ast.Stmt
		switch n := n.(type) {
		case *ast.BlockStmt:
			list = n.List
		case *ast.CaseClause:
			list = n.Body
		}
		for _, s := range list {
			if _, isCase := s.(*ast.CaseClause); !isCase && t.mentions(s, expression) {
				found = append(found, s)
			}
		}
		return true
	})
	return found
}

// conditions returns those of ifs and cases that mention an expression. The init statement of an if counts.
func (t target) conditions(expression string) (found []ast.Node) {
	ast.Inspect(t.node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			if t.mentions(n.Cond, expression) || n.Init != nil && t.mentions(n.Init, expression) {
				found = append(found, n.Cond)
			}
		case *ast.CaseClause:
			for _, each := range n.List {
				if t.mentions(each, expression) {
					found = append(found, each)
				}
			}
		}
		return true
	})
	return found
}

func (t target) expressions(expression string) (found []ast.Node) {
	ast.Inspect(t.node, func(n ast.Node) bool {
		if each, ok := n.(ast.Expr); ok && t.source(each) == expression {
			found = append(found, each)
			return false
		}
		return true
	})
	return found
}

// elements returns those of the outermost composite literals that mention an expression.
func (t target) elements(expression string) (found []ast.Node) {
	ast.Inspect(t.node, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		for _, element := range literal.Elts {
			if t.mentions(element, expression) {
				found = append(found, element)
			}
		}
		return false
	})
	return found
}

// mentions reports whether a node contains an expression outside of nested blocks.
func (t target) mentions(n ast.Node, expression string) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if _, isBlock := n.(*ast.BlockStmt); isBlock {
			return false
		}
		if each, ok := n.(ast.Expr); ok && t.source(each) == expression {
			found = true
		}
		return !found
	})
	return found
}
