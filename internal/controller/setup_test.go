// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
)

// TestTheCacheKeepsNoDataOfSecrets: annotations can contain data, such as the configuration that kubectl applied last.
func TestTheCacheKeepsNoDataOfSecrets(t *testing.T) {
	used := metav1.ObjectMeta{
		Namespace: "a", Name: "s", UID: "u", ResourceVersion: "7", Finalizers: []string{"f"}, DeletionTimestamp: ptr.To(metav1.Now()),
		OwnerReferences: []metav1.OwnerReference{{UID: "owner"}},
	}
	full := used
	full.Labels = map[string]string{"a": "b"}
	full.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "the secret"}
	full.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	transforms := CacheOptions(nil).ByObject
	for object, options := range transforms {
		kept, err := options.Transform(&metav1.PartialObjectMetadata{ObjectMeta: full})
		if err != nil || !equality.Semantic.DeepEqual(kept, &metav1.PartialObjectMetadata{ObjectMeta: used}) {
			t.Errorf("of %T, the cache keeps %+v, %v", object, kept, err)
		}
		if other, err := options.Transform("no metadata"); other != "no metadata" || err != nil {
			t.Errorf("the cache keeps %v, %v", other, err)
		}
	}
	if len(transforms) != 1 {
		t.Errorf("there are transforms for %d kinds", len(transforms))
	}
}

func TestTheCacheKeepsNoManagedFieldsAndNoConfigurationOfKubectl(t *testing.T) {
	full := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{
		Name: "a", Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: "{}", v1alpha1.RenewAnnotation: "now"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}}
	want := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Name: "a", Annotations: map[string]string{v1alpha1.RenewAnnotation: "now"}}}
	transform := CacheOptions(nil).DefaultTransform
	if kept, err := transform(full); err != nil || !equality.Semantic.DeepEqual(kept, want) {
		t.Errorf("the cache keeps %+v, %v", kept, err)
	}
	if other, err := transform("no metadata"); other != "no metadata" || err != nil {
		t.Errorf("the cache keeps %v, %v", other, err)
	}
}

func TestTheCacheWatchesTheGivenNamespaces(t *testing.T) {
	if all := CacheOptions(nil).DefaultNamespaces; all != nil {
		t.Errorf("watches %v instead of the whole cluster", all)
	}
	if got := slices.Sorted(maps.Keys(CacheOptions([]string{"b", "a"}).DefaultNamespaces)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("watches %q", got)
	}
}
