// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// oldFunctions are the CEL functions that Kubernetes 1.29 has. An API server accepts new rules only if they also work in the
// version before its own, so that it can be rolled back. The operator supports 1.30 and newer.
// Source: k8s.io/apiserver/pkg/cel/environment/base.go
var oldFunctions = []string{
	// CEL itself and its macros
	"all", "bool", "bytes", "contains", "double", "duration", "dyn", "endsWith", "exists", "exists_one", "filter", "getHours", "getMinutes", "getSeconds",
	"getMilliseconds", "has", "int", "map", "matches", "size", "startsWith", "string", "timestamp", "type", "uint",
	// strings
	"charAt", "format", "indexOf", "join", "lastIndexOf", "lowerAscii", "quote", "replace", "split", "substring", "trim", "upperAscii",
	// lists and sets
	"isSorted", "max", "min", "sum",
	// URLs and regular expressions
	"find", "findAll", "getEscapedPath", "getHost", "getHostname", "getPort", "getQuery", "getScheme", "isURL", "url",
	// optional values
	"hasValue", "optMap", "orValue", "value",
}

var (
	celText = regexp.MustCompile(`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"`)
	celCall = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)\s*\(`)
	// celLibrary is the library of named formats (1.32), which is a variable.
	celLibrary = regexp.MustCompile(`\bformat\s*\.`)
)

// newFunctions returns what a CEL expression uses that Kubernetes 1.29 does not have.
func newFunctions(expression string) (unknown []string) {
	code := celText.ReplaceAllString(expression, "''")
	unknown = celLibrary.FindAllString(code, -1)
	for _, call := range celCall.FindAllStringSubmatch(code, -1) {
		if !slices.Contains(oldFunctions, call[1]) && call[1] != "in" {
			unknown = append(unknown, call[1])
		}
	}
	return unknown
}

func TestManifestsUseNoNewFunctionsOfCEL(t *testing.T) {
	paths, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil || len(paths) != 3 {
		t.Fatalf("%d CRDs, %v", len(paths), err)
	}
	policies, err := filepath.Glob("../../config/policy/*.yaml")
	if err != nil || len(policies) == 0 {
		t.Fatalf("%d policies, %v", len(policies), err)
	}
	for _, path := range slices.Concat(paths, policies) {
		found := 0
		for _, document := range documents(t, path) {
			expressions(document, func(expression string) {
				found++
				if unknown := newFunctions(expression); len(unknown) > 0 {
					t.Errorf("%s: %s uses %q, which Kubernetes 1.30 does not accept", path, expression, unknown)
				}
			})
		}
		if found == 0 && filepath.Base(path) != "kustomization.yaml" {
			t.Errorf("%s has no expressions", path)
		}
	}
}

func documents(t *testing.T, path string) (all []any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		var document any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(path, err)
		}
		all = append(all, document)
	}
}

// expressions visits the CEL expressions of CRDs and policies.
func expressions(node any, visit func(string)) {
	switch node := node.(type) {
	case []any:
		for _, each := range node {
			expressions(each, visit)
		}
	case map[string]any:
		for name, each := range node {
			if text, ok := each.(string); ok && slices.Contains([]string{"rule", "expression", "messageExpression"}, name) {
				visit(text)
			} else {
				expressions(each, visit)
			}
		}
	}
}

func TestNewFunctionsOfCELAreFound(t *testing.T) {
	for expression, want := range map[string][]string{
		"!format.dns1123Subdomain().validate(self).hasValue()": {"format.", "dns1123Subdomain", "validate"},
		"isIP(self)":                       {"isIP"},
		"isSemver(self) && has(self.user)": {"isSemver"},
		"self.matches('^ip(x)$') && self.all(k, k in ['isIP(x)'])": nil,
		`'%s'.format([self]) == "cidr('x')"`:                       nil,
	} {
		if got := newFunctions(expression); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", expression, got, want)
		}
	}
}
