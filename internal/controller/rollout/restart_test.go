// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/secret"
)

func TestStampNamesAreDistinctKeysOfAnnotations(t *testing.T) {
	long := strings.Repeat("a", 62)
	seen := map[string]bool{}
	for _, name := range []string{"backup", "team.backup", long + "b", long + "bc", long + "bd", strings.Repeat("a.", 126) + "a", strings.Repeat("a", 51) + "." + long} {
		got := stampName(name)
		if problems := validation.IsQualifiedName(v1alpha1.RestartAnnotationPrefix + got); len(problems) > 0 {
			t.Errorf("%s: %s", got, problems)
		}
		if seen[got] {
			t.Errorf("%s is used twice", got)
		}
		seen[got] = true
		if manager := secret.FieldManager + "/" + got; len(manager) > 128 {
			t.Errorf("the field manager %s is too long", manager)
		}
		if len(name) <= 63 && got != name {
			t.Errorf("%s became %s", name, got)
		}
	}
}

func TestOnlyTheStampIsApplied(t *testing.T) {
	ak := newAccessKey()
	for kind, want := range map[v1alpha1.WorkloadKind]map[string]any{
		v1alpha1.WorkloadStatefulSet: {"template": map[string]any{"metadata": map[string]any{"annotations": map[string]any{"restart.accesskey.dev/backup": stamp}}}},
		v1alpha1.WorkloadRollout:     {"restartAt": "2026-03-01T12:00:01Z"},
	} {
		got := stamped(ak, workload{v1alpha1.Workload{Kind: kind, Name: "db"}, "uid"})
		wanted := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": kinds[kind].GroupVersion().String(), "kind": string(kind),
			"metadata": map[string]any{"namespace": "team-a", "name": "db", "uid": "uid"}, "spec": want,
		}}
		if !equal(got, wanted) {
			t.Errorf("got %v, want %v", got.Object, wanted.Object)
		}
	}
}

func equal(a, b *unstructured.Unstructured) bool {
	left, err := a.MarshalJSON()
	right, err2 := b.MarshalJSON()
	return err == nil && err2 == nil && string(left) == string(right)
}
