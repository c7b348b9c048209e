// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// bench is a server with one AccessKey, and a client without failures whose cache is a second behind.
type bench struct {
	*testing.T
	server *Server
	cache  *Cache
	client *Client
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, server: NewServer()}
	b.cache = NewCache(b.server, cache.Options{}, func(string) time.Duration { return time.Second })
	b.client = &Client{Server: b.server, Cache: b.cache, Gate: func(_ Call, carryOut func() error) error { return carryOut() }}
	b.must(b.client.Create(t.Context(), &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", Finalizers: []string{v1alpha1.RevokeFinalizer}},
		Spec:       v1alpha1.AccessKeySpec{User: "alice"},
		Status:     v1alpha1.AccessKeyStatus{KeyID: "not taken over"},
	}))
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) stored() *v1alpha1.AccessKey {
	ak, _ := b.server.Get(AccessKey, "team-a", "a").(*v1alpha1.AccessKey)
	return ak
}

// patch changes the AccessKey that the server has, as seen by reader.
func (b *bench) patch(from *v1alpha1.AccessKey, status bool, change func(*v1alpha1.AccessKey)) error {
	b.Helper()
	changed := from.DeepCopy()
	change(changed)
	patch := client.MergeFromWithOptions(from, client.MergeFromWithOptimisticLock{})
	if status {
		return b.client.Status().Patch(b.Context(), changed, patch)
	}
	return b.client.Patch(b.Context(), changed, patch)
}

func setKeyID(ak *v1alpha1.AccessKey) { ak.Status.KeyID = "K1" }
func setUser(ak *v1alpha1.AccessKey)  { ak.Spec.User = "bob" }

func TestStatusAndSpecAreApart(t *testing.T) {
	b := newBench(t)
	if got := b.stored(); got.Status.KeyID != "" || got.Generation != 1 || got.UID == "" {
		t.Errorf("created as %+v", got)
	}
	b.must(b.patch(b.stored(), true, func(ak *v1alpha1.AccessKey) { setKeyID(ak); setUser(ak) }))
	if got := b.stored(); got.Status.KeyID != "K1" || got.Spec.User != "alice" || got.Generation != 1 {
		t.Errorf("after a patch of the status: %+v", got)
	}
	b.must(b.patch(b.stored(), false, setUser))
	if got := b.stored(); got.Status.KeyID != "K1" || got.Spec.User != "bob" || got.Generation != 2 {
		t.Errorf("after a patch of the spec: %+v", got)
	}
}

func TestAStaleWriteIsAConflict(t *testing.T) {
	b := newBench(t)
	old := b.stored()
	b.must(b.patch(old, true, setKeyID))
	if err := b.patch(old, false, setUser); !apierrors.IsConflict(err) {
		t.Errorf("got %v", err)
	}
	before := b.stored().ResourceVersion
	b.must(b.patch(b.stored(), true, func(*v1alpha1.AccessKey) {}))
	if after := b.stored().ResourceVersion; after != before {
		t.Errorf("a patch of nothing made version %s of %s", after, before)
	}
}

func TestAFinalizerHoldsAnObjectAndItsOwn(t *testing.T) {
	b := newBench(t)
	owned := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a",
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(b.stored(), v1alpha1.GroupVersion.WithKind(AccessKey))}}}
	b.must(b.client.Create(t.Context(), owned))
	b.must(b.client.Delete(t.Context(), b.stored()))
	b.server.CollectGarbage()
	if got := b.stored(); got == nil || got.DeletionTimestamp.IsZero() || b.server.Get(Secret, "team-a", "a") == nil {
		t.Fatal("the finalizer held nothing")
	}
	if err := b.patch(b.stored(), false, func(ak *v1alpha1.AccessKey) { ak.Finalizers = append(ak.Finalizers, "late/finalizer") }); !apierrors.IsForbidden(err) {
		t.Errorf("a new finalizer: %v", err)
	}
	b.must(b.patch(b.stored(), false, func(ak *v1alpha1.AccessKey) { ak.Finalizers = nil }))
	b.server.CollectGarbage()
	if b.stored() != nil || b.server.Get(Secret, "team-a", "a") != nil {
		t.Error("something is left")
	}
}

func TestACacheLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		find := func() error {
			return b.client.Get(t.Context(), client.ObjectKey{Namespace: "team-a", Name: "a"}, &v1alpha1.AccessKey{})
		}
		if err := find(); !apierrors.IsNotFound(err) {
			t.Errorf("at once: %v", err)
		}
		time.Sleep(time.Second)
		if !b.cache.Deliver() || find() != nil {
			t.Errorf("after a second: %v", find())
		}
		if err := b.client.Live().Get(t.Context(), client.ObjectKey{Namespace: "team-a", Name: "b"}, &v1alpha1.AccessKey{}); !apierrors.IsNotFound(err) {
			t.Errorf("another: %v", err)
		}
	})
}
