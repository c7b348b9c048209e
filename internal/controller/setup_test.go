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
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
)

func TestTheCacheKeepsOnlyManagedSecretsAndOnlyDigests(t *testing.T) {
	for object, options := range CacheOptions(nil).ByObject {
		if _, ok := object.(*corev1.Secret); !ok {
			t.Fatalf("there are rules for %T", object)
		}
		if !options.Label.Matches(labels.Set{"app.kubernetes.io/managed-by": "accesskey-operator"}) ||
			options.Label.Matches(labels.Set{"app.kubernetes.io/managed-by": "Helm"}) || options.Label.Matches(labels.Set{}) {
			t.Errorf("keeps %s", options.Label)
		}
		kept, err := options.Transform(&corev1.Secret{Data: map[string][]byte{"a": []byte(secretValue)}})
		if err != nil || string(kept.(*corev1.Secret).Data["a"]) == secretValue {
			t.Errorf("keeps %+v, %v", kept, err)
		}
		return
	}
	t.Error("there are no rules for Secrets")
}

func TestTheCacheWatchesWhatItIsToldTo(t *testing.T) {
	if all := CacheOptions(nil).DefaultNamespaces; all != nil {
		t.Errorf("watches %v instead of the whole cluster", all)
	}
	got := slices.Sorted(maps.Keys(CacheOptions([]string{"team-b", "team-a"}).DefaultNamespaces))
	if !slices.Equal(got, []string{"team-a", "team-b"}) {
		t.Errorf("watches %q", got)
	}
}

func TestTheCacheKeepsNeitherWhoManagesTheFieldsNorWhatWasApplied(t *testing.T) {
	ak := restingAccessKey()
	ak.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	ak.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "{}", "a": "b"}
	for range 2 { // a transform can be applied again
		kept, err := CacheOptions(nil).DefaultTransform(ak)
		if err != nil || kept != any(ak) || ak.ManagedFields != nil || !maps.Equal(ak.Annotations, map[string]string{"a": "b"}) || ak.Spec.User == "" {
			t.Errorf("keeps %+v, %v", kept, err)
		}
	}
	if kept, err := CacheOptions(nil).DefaultTransform("no object"); kept != "no object" || err != nil {
		t.Errorf("keeps %v, %v", kept, err)
	}
}

func TestOfTheMetadataOfSecretsOnlyWhatIsUsedIsKept(t *testing.T) {
	used := metav1.ObjectMeta{
		Namespace: "team-a", Name: "credentials", ResourceVersion: "7",
		Finalizers: []string{"accesskey.dev/in-use"}, DeletionTimestamp: ptr.To(metav1.NewTime(noon)),
	}
	full := used
	full.UID = "uid"
	full.Labels = map[string]string{"a": "b"}
	full.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: secretValue}
	full.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	kept, err := stripMetadata(&metav1.PartialObjectMetadata{ObjectMeta: full})
	if err != nil || !equality.Semantic.DeepEqual(kept.(*metav1.PartialObjectMetadata).ObjectMeta, used) {
		t.Errorf("got %+v, %v", kept, err)
	}
	other := &corev1.ConfigMap{}
	if same, err := stripMetadata(other); same != any(other) || err != nil {
		t.Errorf("what is no metadata became %v, %v", same, err)
	}
}
