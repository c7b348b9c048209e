// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package namespaces

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
)

const period = 10 * time.Minute

// bed is an API server in memory, and the keeper of the RoleBinding in namespace a.
type bed struct {
	*testing.T
	kube   *kube.Server
	cache  *kube.Cache
	keeper *Keeper
	// gate stands between the keeper and the API server.
	gate kube.Gate
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{T: t, kube: kube.NewServer(), gate: pass}
	b.cache = kube.NewCache(b.kube, cache.Options{}, func(string) time.Duration { return 0 })
	c := &kube.Client{Server: b.kube, Cache: b.cache, Gate: func(call kube.Call, carryOut func() error) error { return b.gate(call, carryOut) }}
	b.keeper = &Keeper{Client: c, Live: c.Live(), ResyncPeriod: period}
	b.create(&rbacv1.RoleBinding{ObjectMeta: in("a", RoleBinding)})
	return b
}

func pass(_ kube.Call, carryOut func() error) error { return carryOut() }

func in(namespace, name string, finalizers ...string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Finalizers: finalizers}
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// create creates an object that the cache does not have yet.
func (b *bed) create(object client.Object) {
	b.Helper()
	b.must(b.kube.Create(object))
}

func (b *bed) delete(kind, name string) {
	b.Helper()
	b.must(b.kube.Delete(kube.Ref{Kind: kind, Namespace: "a", Name: name}, nil))
}

// reconcile reconciles with caches that have everything.
func (b *bed) reconcile() (reconcile.Result, error) {
	b.cache.Deliver()
	return b.reconcileStale()
}

func (b *bed) reconcileStale() (reconcile.Result, error) {
	return b.keeper.Reconcile(b.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "a", Name: RoleBinding}})
}

func (b *bed) expect(held bool, when string) {
	b.Helper()
	binding := b.kube.Get(kube.RoleBinding, "a", RoleBinding)
	if got := binding != nil && hasFinalizer(binding); got != held {
		b.Errorf("%s: the RoleBinding has the finalizer: %t, want %t", when, got, held)
	}
}

func TestTheRoleBindingIsKeptWhileTheNamespaceNeedsIt(t *testing.T) {
	for when, object := range map[string]client.Object{
		"there is an AccessKey":                      &v1alpha1.AccessKey{ObjectMeta: in("a", "x")},
		"a KeyService has the finalizer":             &v1alpha1.KeyService{ObjectMeta: in("a", "x", v1alpha1.InUseFinalizer)},
		"a Secret has the finalizer":                 &corev1.Secret{ObjectMeta: in("a", "x", v1alpha1.InUseFinalizer)},
		"nothing, but a KeyService without it":       &v1alpha1.KeyService{ObjectMeta: in("a", "x")},
		"nothing, but a Secret with another one":     &corev1.Secret{ObjectMeta: in("a", "x", "example.com/other")},
		"nothing, but an AccessKey of another place": &v1alpha1.AccessKey{ObjectMeta: in("b", "x")},
	} {
		b := newBed(t)
		b.create(object)
		result, err := b.reconcile()
		if err != nil || result.RequeueAfter != period {
			t.Errorf("%s: %v, %v", when, result, err)
		}
		b.expect(!strings.HasPrefix(when, "nothing"), when)
	}
}

func TestTheRoleBindingIsReleasedLast(t *testing.T) {
	b := newBed(t)
	b.create(&v1alpha1.AccessKey{ObjectMeta: in("a", "x")})
	b.cache.Deliver()
	b.must(b.keeper.Keep(t.Context(), "a"))
	b.expect(true, "with an AccessKey")
	b.delete(kube.RoleBinding, RoleBinding)
	_, err := b.reconcile()
	b.must(err)
	b.expect(true, "deleted with its namespace")
	b.delete(kube.AccessKey, "x")
	_, err = b.reconcile()
	b.must(err)
	if b.kube.Get(kube.RoleBinding, "a", RoleBinding) != nil {
		t.Error("the RoleBinding is still there when nothing needs it")
	}
}

// TestAStaleCacheReleasesNothing: in a namespace that is being deleted, the RoleBinding would be gone for good.
func TestAStaleCacheReleasesNothing(t *testing.T) {
	b := newBed(t)
	_, err := b.reconcile() // starts the informers
	b.must(err)
	b.create(&v1alpha1.AccessKey{ObjectMeta: in("a", "x")})
	_, err = b.reconcile()
	b.must(err)
	b.delete(kube.AccessKey, "x")
	b.cache.Deliver()
	b.create(&corev1.Secret{ObjectMeta: in("a", "login", v1alpha1.InUseFinalizer)})
	_, err = b.reconcileStale()
	b.must(err)
	b.expect(true, "a Secret that the cache does not have needs it")
}

func TestARoleBindingThatIsBeingDeletedGetsNoFinalizer(t *testing.T) {
	b := newBed(t)
	b.must(b.kube.Delete(kube.Ref{Kind: kube.RoleBinding, Namespace: "a", Name: RoleBinding}, nil))
	b.create(&rbacv1.RoleBinding{ObjectMeta: in("a", RoleBinding, "example.com/other")})
	b.delete(kube.RoleBinding, RoleBinding)
	b.create(&v1alpha1.AccessKey{ObjectMeta: in("a", "x")})
	b.gate = func(call kube.Call, carryOut func() error) error {
		if call.Write {
			t.Errorf("%s, which the API server refuses", call)
		}
		return carryOut()
	}
	_, err := b.reconcile()
	b.must(err)
}

// TestPermissionsOfAnotherKindAreNotKept: a ClusterRoleBinding is not deleted with a namespace.
func TestPermissionsOfAnotherKindAreNotKept(t *testing.T) {
	b := newBed(t)
	b.delete(kube.RoleBinding, RoleBinding)
	b.create(&v1alpha1.AccessKey{ObjectMeta: in("a", "x")})
	_, err := b.reconcile()
	b.must(err)
	b.must(b.keeper.Keep(t.Context(), "a"))
}

// TestARefusalIsReportedAndStopsNothing: an installation can have roles of its own, without the permission on RoleBindings.
func TestARefusalIsReportedAndStopsNothing(t *testing.T) {
	b := newBed(t)
	b.create(&v1alpha1.AccessKey{ObjectMeta: in("a", "x")})
	b.cache.Deliver()
	b.gate = func(kube.Call, func() error) error {
		return apierrors.NewForbidden(schema.GroupResource{Group: rbacv1.GroupName, Resource: "rolebindings"}, RoleBinding, errors.New("no right"))
	}
	const want = "reading RoleBinding a/accesskey-operator, which must outlive the AccessKeys of its namespace: "
	if _, err := b.reconcile(); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v\nwant %s…", err, want)
	}
	b.must(b.keeper.Keep(t.Context(), "a"))
	away := errors.New("the API server does not answer")
	b.gate = func(kube.Call, func() error) error { return away }
	if err := b.keeper.Keep(t.Context(), "a"); !errors.Is(err, away) {
		t.Errorf("without an answer, got %v", err)
	}
}

func TestAConflictIsTriedAgainSoon(t *testing.T) {
	b := newBed(t)
	b.create(&v1alpha1.AccessKey{ObjectMeta: in("a", "x")})
	b.gate = func(call kube.Call, carryOut func() error) error {
		if call.Write {
			return apierrors.NewConflict(schema.GroupResource{Resource: "rolebindings"}, RoleBinding, errors.New("stale"))
		}
		return carryOut()
	}
	if result, err := b.reconcile(); err != nil || result.RequeueAfter != time.Second {
		t.Errorf("got %v, %v", result, err)
	}
}

func TestWhatReconcilesANamespace(t *testing.T) {
	with, without := &corev1.Secret{ObjectMeta: in("a", "x", v1alpha1.InUseFinalizer)}, &corev1.Secret{ObjectMeta: in("a", "x")}
	for what, passes := range map[string]bool{
		"a Secret with the finalizer appears":          inUseChanged.Create(event.CreateEvent{Object: with}),
		"a Secret gains the finalizer":                 inUseChanged.Update(event.UpdateEvent{ObjectOld: without, ObjectNew: with}),
		"a Secret loses the finalizer":                 inUseChanged.Update(event.UpdateEvent{ObjectOld: with, ObjectNew: without}),
		"a Secret with the finalizer is gone":          inUseChanged.Delete(event.DeleteEvent{Object: with}),
		"an AccessKey appears":                         onCreateOrDelete.Create(event.CreateEvent{Object: without}),
		"an AccessKey is gone":                         onCreateOrDelete.Delete(event.DeleteEvent{Object: without}),
		"no: a Secret without the finalizer appears":   inUseChanged.Create(event.CreateEvent{Object: without}),
		"no: a Secret with the finalizer changes":      inUseChanged.Update(event.UpdateEvent{ObjectOld: with, ObjectNew: with}),
		"no: a Secret without the finalizer is gone":   inUseChanged.Delete(event.DeleteEvent{Object: without}),
		"no: an AccessKey changes, such as its status": onCreateOrDelete.Update(event.UpdateEvent{ObjectOld: without, ObjectNew: without}),
	} {
		if want := !strings.HasPrefix(what, "no: "); passes != want {
			t.Errorf("%s: %t", what, passes)
		}
	}
	if got := bindingOf(t.Context(), with); len(got) != 1 || got[0].String() != "a/"+RoleBinding {
		t.Errorf("a Secret of namespace a reconciles %v", got)
	}
}
