// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

// TestTheMutantsFitTheCode: a change of the code may leave one behind, which make mutants would find only hours later.
func TestTheMutantsFitTheCode(t *testing.T) {
	for _, m := range slices.Concat(mutants, clockMutants) {
		text, err := m.changed("../../..")
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.file, text, parser.SkipObjectResolution); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}
