// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
)

// bench is a server with one AccessKey, and a client without failures whose cache lags by a second.
type bench struct {
	*testing.T
	server *Server
	cache  *Cache
	client *Client
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchWith(t, cache.Options{})
}

func newBenchWith(t *testing.T, options cache.Options) *bench {
	t.Helper()
	b := &bench{T: t, server: NewServer()}
	b.cache = NewCache(b.server, options, func(string) time.Duration { return time.Second })
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

// patch changes the stored AccessKey.
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

func TestStatusIsASubresource(t *testing.T) {
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

func TestAFinalizerKeepsAnObjectAndWhatItOwns(t *testing.T) {
	b := newBench(t)
	owned := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a",
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(b.stored(), v1alpha1.GroupVersion.WithKind(AccessKey))}}}
	b.must(b.client.Create(t.Context(), owned))
	b.must(b.client.Delete(t.Context(), b.stored()))
	b.server.CollectGarbage()
	if got := b.stored(); got == nil || got.DeletionTimestamp.IsZero() || b.server.Get(Secret, "team-a", "a") == nil {
		t.Fatal("the finalizer kept nothing")
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

// metadata returns an object to read the metadata of a Secret into.
func metadata(name string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: Secret},
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name},
	}
}

func metadataList() *metav1.PartialObjectMetadataList {
	return &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "SecretList"}}
}

// createSecret creates a Secret that AccessKey a controls.
func (b *bench) createSecret(name, color string) {
	b.Helper()
	b.must(b.client.Create(b.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-a", Name: name, Labels: map[string]string{"color": color}, Annotations: map[string]string{"long": "text"},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(b.stored(), v1alpha1.GroupVersion.WithKind(AccessKey))},
		},
		Data: map[string][]byte{"key": []byte(color)},
	}))
}

func TestSecretsAreReadLiveAndTheirMetadataFromTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		key := client.ObjectKey{Namespace: "team-a", Name: "s"}
		if err := b.client.Get(t.Context(), key, metadata("s")); !apierrors.IsNotFound(err) { // starts the informer
			t.Fatal(err)
		}
		b.createSecret("s", "red")
		b.createSecret("other", "blue")

		secret, list := &corev1.Secret{}, &corev1.SecretList{}
		b.must(b.client.Get(t.Context(), key, secret))
		b.must(b.client.List(t.Context(), list, client.InNamespace("team-a"), client.MatchingLabels{"color": "red"}))
		if string(secret.Data["key"]) != "red" || len(list.Items) != 1 || list.Items[0].Name != "s" {
			t.Errorf("live: %+v, %+v", secret, list.Items)
		}
		if err := b.client.Get(t.Context(), key, metadata("s")); !apierrors.IsNotFound(err) {
			t.Errorf("the metadata is not from the cache: %v", err)
		}

		time.Sleep(time.Second)
		b.cache.Deliver()
		only, all := metadata("s"), metadataList()
		b.must(b.client.Get(t.Context(), key, only))
		b.must(b.client.List(t.Context(), all, client.MatchingLabels{"color": "red"}))
		if only.UID != secret.UID || only.Kind != Secret || len(only.ManagedFields) != 1 || len(all.Items) != 1 || all.Items[0].Name != "s" {
			t.Errorf("cached: %+v, %+v", only, all.Items)
		}
	})
}

func TestMetadataIsTransformedAndIndexed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchWith(t, cache.Options{ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: {Transform: func(object any) (any, error) {
			object.(client.Object).SetAnnotations(nil)
			return object, nil
		}}}})
		b.createSecret("early", "red") // before there is an index
		time.Sleep(time.Second)
		b.must(b.client.Get(t.Context(), client.ObjectKey{Namespace: "team-a", Name: "early"}, metadata("early")))
		b.must(b.cache.IndexField(t.Context(), metadata(""), "color", func(object client.Object) []string {
			return []string{object.(*metav1.PartialObjectMetadata).Labels["color"]}
		}))
		b.createSecret("late", "red")
		b.createSecret("other", "blue")
		time.Sleep(time.Second)
		b.cache.Deliver()
		found := metadataList()
		b.must(b.client.List(t.Context(), found, client.MatchingFields{"color": "red"}))
		if len(found.Items) != 2 || found.Items[0].Name != "early" || found.Items[1].Name != "late" || found.Items[0].Annotations != nil {
			t.Errorf("got %+v", found.Items)
		}
		if err := b.cache.List(t.Context(), &corev1.SecretList{}, client.MatchingFields{"color": "red"}); err == nil {
			t.Error("whole Secrets have the index of their metadata")
		}
	})
}

// TestAControllerOwnsMetadata expects that Owns with OnlyMetadata reconciles the owner, also when only data changes.
func TestAControllerOwnsMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		woken := 0
		manager := &Manager{Types: scheme(t), Client: b.client, Cache: b.cache}
		b.must(builder.ControllerManagedBy(manager).For(&v1alpha1.AccessKey{}).Owns(&corev1.Secret{}, builder.OnlyMetadata).
			Complete(reconcile.Func(func(_ context.Context, request reconcile.Request) (reconcile.Result, error) {
				if request.String() != "team-a/a" {
					t.Errorf("woken for %s", request)
				}
				woken++
				return reconcile.Result{}, nil
			})))
		ctx, stop := context.WithCancel(t.Context())
		manager.Run(ctx)
		expect := func(what string, do func()) {
			before := woken
			do()
			time.Sleep(time.Second)
			b.cache.Deliver()
			synctest.Wait()
			if woken != before+1 {
				t.Errorf("%s: woken %d times", what, woken-before)
			}
		}
		expect("the AccessKey was there", func() { synctest.Wait() })
		expect("a Secret is new", func() { b.createSecret("s", "red") })
		expect("data was changed", func() {
			secret := b.server.Get(Secret, "team-a", "s").(*corev1.Secret)
			secret.Data["key"] = []byte("edited")
			b.must(b.server.Update(secret, false))
		})
		expect("the Secret is gone", func() { b.must(b.client.Delete(ctx, metadata("s"))) })
		stop()
		time.Sleep(time.Minute) // the controller's timers run out
	})
}

func scheme(t *testing.T) *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}
