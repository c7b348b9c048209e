// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// TestAPatchIsThatOfTheWholeObjects: with the optimistic lock, and nothing but the change.
func TestAPatchIsThatOfTheWholeObjects(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.AccessKey){
		"a status":                  func(ak *v1alpha1.AccessKey) { ak.Status.KeyID = "K2" },
		"an intent":                 atWork,
		"what a status has no more": func(ak *v1alpha1.AccessKey) { ak.Status.KeyID, ak.Status.ExpiresAt = "", metav1.Time{} },
		"no finalizer":              func(ak *v1alpha1.AccessKey) { ak.Finalizers = nil },
		"another finalizer":         func(ak *v1alpha1.AccessKey) { ak.Finalizers = append(ak.Finalizers, "example.com/mine") },
		"nothing":                   func(*v1alpha1.AccessKey) {},
	} {
		t.Run(name, func(t *testing.T) {
			base := restingAccessKey()
			base.ResourceVersion = "41"
			base.Annotations = map[string]string{"a": "b"}
			changed := base.DeepCopy()
			change(changed)
			want, err := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}).Data(changed)
			if err != nil {
				t.Fatal(err)
			}
			got, err := patchFrom(base).Data(patchable(changed))
			if err != nil || string(got) != string(want) {
				t.Errorf("got %s, %v; want %s", got, err, want)
			}
		})
	}
}

func TestAfterAPatchTheWholeAccessKeyIsKnown(t *testing.T) {
	b := newBench(t)
	p, err := b.r.observe(t.Context(), b.accessKey(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.r.protect(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	p.ak.Status.RenewalTime = metav1.NewTime(noon.Add(time.Hour))
	if err := b.r.patchStatus(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	want := b.accessKey()
	for of, got := range map[string]*v1alpha1.AccessKey{"base": p.base, "ak": p.ak} {
		if got.Spec.User != want.Spec.User || got.UID != want.UID || got.ResourceVersion != want.ResourceVersion ||
			len(got.Finalizers) != 1 || !got.Status.RenewalTime.Equal(&want.Status.RenewalTime) {
			t.Errorf("%s: got %+v, want %+v", of, got, want)
		}
	}
}
