// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// difference returns the lines that were removed, with a minus sign, and those that were added, with a plus sign. Of objects that
// were removed it returns only their names.
func difference(before, after []*unstructured.Unstructured) (all []string) {
	old, fresh := lines(before), lines(after)
	for object, fields := range old {
		if _, exists := fresh[object]; !exists {
			all = append(all, "- "+object)
			continue
		}
		for field := range fields {
			if !fresh[object][field] {
				all = append(all, "- "+object+": "+field)
			}
		}
	}
	for object, fields := range fresh {
		if _, existed := old[object]; !existed {
			all = append(all, "+ "+object)
		}
		for field := range fields {
			if !old[object][field] {
				all = append(all, "+ "+object+": "+field)
			}
		}
	}
	return all
}

// expectDifference compares a difference with the lines that a test wants, in any order. The line "+ KIND NAME …" stands for a new
// object with any fields, beside those that are listed.
func expectDifference(t *testing.T, before, after []*unstructured.Unstructured, want string) {
	t.Helper()
	wanted, seen := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			wanted[line] = true
		}
	}
	for _, line := range difference(before, after) {
		object, _, _ := strings.Cut(line, ": ")
		if whole := object + " …"; wanted[whole] {
			seen[whole], wanted[line] = true, true
		}
		seen[line] = true
		if !wanted[line] {
			t.Errorf("unexpected: %s", line)
		}
	}
	for line := range wanted {
		if !seen[line] {
			t.Errorf("missing:    %s", line)
		}
	}
}

// lines returns every field of the objects as a line of text, by the names of the objects.
func lines(objects []*unstructured.Unstructured) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, each := range objects {
		name := each.GetKind() + " " + each.GetName()
		if each.GetNamespace() != "" && each.GetNamespace() != namespace {
			name += " in " + each.GetNamespace()
		}
		name = strings.Replace(name, "Deployment accesskey-operator", "Deployment", 1)
		all[name] = map[string]bool{}
		content := each.DeepCopy()
		for _, field := range []string{"name", "namespace"} {
			unstructured.RemoveNestedField(content.Object, "metadata", field)
		}
		delete(content.Object, "kind")
		flatten("", content.Object, func(line string) { all[name][abbreviated.Replace(line)] = true })
	}
	return all
}

// abbreviated makes the lines about Pods shorter.
var abbreviated = strings.NewReplacer("spec.template.spec.containers.manager", "manager", "spec.template.spec", "pod", "spec.template.metadata", "pod.metadata")

// flatten adds a line for each field of a value. Elements of a list that have a name are known by it. Others are one line each, and
// their order does not matter.
func flatten(path string, value any, add func(line string)) {
	switch value := value.(type) {
	case map[string]any:
		for key, field := range value {
			flatten(strings.TrimPrefix(path+"."+key, "."), field, add)
		}
	case []any:
		for _, element := range value {
			fields, _ := element.(map[string]any)
			if name, ok := fields["name"].(string); ok {
				flatten(path+"."+name, element, add)
			} else {
				text, _ := json.Marshal(element) // it was JSON
				add(fmt.Sprintf("%s[] = %s", path, bytes.Trim(text, `"`)))
			}
		}
	default:
		add(fmt.Sprintf("%s = %v", path, value))
	}
}
