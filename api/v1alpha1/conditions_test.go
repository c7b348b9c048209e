// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// constant of conditions.go.
type constant struct{ name, value, doc string }

// constants of conditions.go by the prefix of their names, such as Reason.
func constants(t *testing.T) map[string][]constant {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "conditions.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]constant{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			value, err := strconv.Unquote(spec.Values[i].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			prefix := regexp.MustCompile("^(Condition|Reason|Event)?").FindString(name.Name)
			all[prefix] = append(all[prefix], constant{name.Name, value, spec.Doc.Text()})
		}
		return true
	})
	return all
}

func TestEveryConditionReasonAndEventIsDocumentedAndUnique(t *testing.T) {
	all := constants(t)
	for _, odd := range all[""] {
		t.Errorf("%s is neither a condition nor a reason nor an event", odd.name)
	}
	// The API server accepts these reasons of conditions.
	reason := regexp.MustCompile(`^[A-Z][A-Za-z]{0,127}$`)
	for _, prefix := range []string{"Condition", "Reason", "Event"} {
		if len(all[prefix]) < 4 {
			t.Errorf("found only %d of %s…", len(all[prefix]), prefix)
		}
		seen := map[string]string{}
		for _, c := range all[prefix] {
			if other, taken := seen[c.value]; taken {
				t.Errorf("%s and %s are both %q", c.name, other, c.value)
			}
			seen[c.value] = c.name
			if c.name != prefix+c.value || !reason.MatchString(c.value) {
				t.Errorf("%s is %q", c.name, c.value)
			}
			if said, ok := strings.CutPrefix(c.doc, c.name); !ok || len(said) < 20 {
				t.Errorf("%s has no documentation: %q", c.name, c.doc)
			}
		}
	}
}
