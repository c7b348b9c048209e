// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

// reads are the live reads of a scope.
type reads struct{ accessKeys, secrets, lists int }

func TestALiveReadStopsAsSoonAsTheRestIsNotNeeded(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*bed)
		want    reads
	}{
		"a new AccessKey": {func(*bed) {}, reads{0, 0, 1}},
		"a rotation":      {func(b *bed) { b.settle(); b.renew() }, reads{0, 1, 1}},
		"a revocation":    {func(b *bed) { b.settle(); b.renew(); b.settle(); b.endOverlap() }, reads{1, 0, 1}},
		"a stale cache": {func(b *bed) {
			b.settle()
			b.renew()
			b.cache.Deliver()
			b.lag[kube.AccessKey] = time.Hour
			b.change(func(ak *v1alpha1.AccessKey) { ak.Annotations = nil })
		}, reads{0, 1, 1}}, // and the intent is not written
		"a Secret that somebody labeled": {func(b *bed) { b.settle(); b.touch() }, reads{0, 1, 0}},
		"a Secret that was verified":     {func(b *bed) { b.settle(); b.touch(); b.reconcile() }, reads{0, 0, 0}},
		"a busy user": {func(b *bed) {
			b.change(withFinalizer)
			b.r.users.acquire(locked, there, noon)
		}, reads{0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, fake.Options{})
			test.prepare(b)
			before := b.service.Calls()[fake.List]
			b.reconcile()
			if got := (reads{b.count("read AccessKey"), b.count("read Secret team-a/backup"), b.service.Calls()[fake.List] - before}); got != test.want {
				t.Errorf("%+v, want %+v: %q", got, test.want, b.calls)
			}
		})
	}
}

func withFinalizer(ak *v1alpha1.AccessKey) { ak.Finalizers = []string{v1alpha1.RevokeFinalizer} }

func TestAKeyIsNotMissedWithinTheListLag(t *testing.T) {
	r, s := &Reconciler{}, &scope{ak: published(), connection: &connect.Connection{}}
	s.connection.ListLag = time.Minute
	for age, want := range map[time.Duration]int{59 * time.Second: 1, time.Minute: 0} {
		s.in.Now = s.ak.Status.IssuedAt.Add(age)
		if got := len(r.withUnlisted(s, nil)); got != want || len(r.withUnlisted(s, []keyservice.Key{{ID: "K1"}})) != 1 {
			t.Errorf("after %s, an unlisted key counts as %d keys, want %d", age, got, want)
		}
	}
}

// TestAListingDuringACreateDoesNotDenyTheKey: it began before the key existed.
func TestAListingDuringACreateDoesNotDenyTheKey(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.gate = once(writesStatus, func(_ kube.Call, carryOut func() error) error {
		b.clock.Step(2 * time.Second)
		_, err := b.connection.Inventory(userID).Snapshot(t.Context(), b.clock.Now())
		b.must(err)
		return carryOut()
	})
	for range 3 {
		b.reconcile()
		b.clock.Step(time.Minute)
	}
	b.expectKeys(1, 1)
	b.expectPublished(1)
	if calls := b.service.Calls(); calls[fake.List] != 1 || calls[fake.ListAll] != 1 {
		t.Errorf("called the service: %v", calls)
	}
}

var serviceHere = types.NamespacedName{Namespace: here.Namespace, Name: "service"}

func TestAScopeWithoutASlotLeavesNoTrace(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*bed)
		waits   bool
	}{
		"a new AccessKey":                 {func(*bed) {}, true},
		"an AccessKey without a key":      {func(b *bed) { b.change(withFinalizer) }, true},
		"a service that is not connected": {func(b *bed) { b.settle(); b.r.Pool.Forget(serviceHere) }, true},
		"a listing that is due":           {func(b *bed) { b.settle(); b.clock.Step(b.r.ResyncPeriod) }, true},
		"a rotation":                      {func(b *bed) { b.settle(); b.renew() }, true},
		"a deletion":                      {func(b *bed) { b.settle(); b.delete(kube.AccessKey) }, true},
		"nothing to ask the service":      {func(b *bed) { b.settle() }, false},
		"a missing service":               {func(b *bed) { b.change(at("missing")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, fake.Options{})
			test.prepare(b)
			service := b.kube.Get(kube.KeyService, here.Namespace, "service").GetUID()
			b.r.limiter.acquire(service, there)
			waiting, calls := waitingNow(t), b.service.Calls()
			for range 2 {
				if result := b.reconcile(); (result.RequeueAfter < 2*time.Second) != test.waits || test.waits && len(b.calls) > 0 {
					t.Errorf("waits for %s, called %q", result.RequeueAfter, b.calls)
				}
			}
			if now := waitingNow(t); (now > waiting) != test.waits || !maps.Equal(b.service.Calls(), calls) {
				t.Errorf("%g wait, the service was called: %v, before: %v", now, b.service.Calls(), calls)
			}
			b.r.limiter.release(service)
			b.reconcile()
			if waitingNow(t) != waiting || len(b.r.limiter.services) > 0 {
				t.Errorf("%g wait, slots are taken: %v", waitingNow(t), b.r.limiter.services)
			}
		})
	}
}

func TestAnAccessKeyThatIsSuspendedNoLongerWaitsForASlot(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.r.limiter.acquire(b.kube.Get(kube.KeyService, here.Namespace, "service").GetUID(), there)
	before := waitingNow(t)
	b.reconcile()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.Suspend = ptr.To(true) })
	b.reconcile()
	if now := waitingNow(t); now != before {
		t.Errorf("%g wait, want %g", now, before)
	}
}

// TestASteadyScopeIsFree: no calls to the API server, and only the shared listing at the service.
func TestASteadyScopeIsFree(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	want := b.service.Calls()
	for range 6 {
		b.clock.Step(b.r.ResyncPeriod)
		want[fake.ListAll]++
		for range 2 {
			if result := b.reconcile(); len(b.calls) > 0 || result.RequeueAfter != b.r.ResyncPeriod {
				t.Errorf("called %q, is reconciled again after %s", b.calls, result.RequeueAfter)
			}
		}
	}
	if calls := b.service.Calls(); !maps.Equal(calls, want) {
		t.Errorf("called the service: %v, want %v", calls, want)
	}
}

func BenchmarkSteadyScope(b *testing.B) {
	bed := newBed(b, fake.Options{})
	bed.settle()
	b.ReportAllocs()
	for b.Loop() {
		bed.reconcile()
	}
}

// TestAPatchIsThatOfTheWholeObjects: it has the optimistic lock, and nothing but the change.
func TestAPatchIsThatOfTheWholeObjects(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.AccessKey){
		"the status":        func(ak *v1alpha1.AccessKey) { ak.Status.KeyID, ak.Status.Intent = "", &v1alpha1.Intent{Revision: 1} },
		"no finalizer":      func(ak *v1alpha1.AccessKey) { ak.Finalizers = nil },
		"another finalizer": func(ak *v1alpha1.AccessKey) { ak.Finalizers = append(ak.Finalizers, "example.com/mine") },
	} {
		base := published()
		base.ResourceVersion, base.Annotations = "41", map[string]string{"a": "b"}
		changed := base.DeepCopy()
		change(changed)
		want, _ := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}).Data(changed)
		if got, err := patchFrom(base).Data(patchable(changed)); err != nil || string(got) != string(want) {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, want)
		}
	}
}

func TestEveryPatchOfAStaleAccessKeyFails(t *testing.T) {
	b := newBed(t, fake.Options{})
	s := b.scope()
	b.must(b.r.addFinalizer(t.Context(), s))
	if want := b.accessKey(); s.base.UID != want.UID || s.ak.Spec.User != want.Spec.User || s.in.AccessKey.ResourceVersion != want.ResourceVersion {
		t.Errorf("after a patch, the scope has %+v, want %+v", s.ak, want)
	}
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.TTL = hours(1) })
	unprotected := s.base.DeepCopy()
	s.ak.Status.KeyID, unprotected.Finalizers = "K1", nil
	for name, err := range map[string]error{
		"the status":             b.r.patchStatus(t.Context(), s),
		"removing the finalizer": b.r.retain(t.Context(), s, plan.Action{}),
		"adding the finalizer":   b.r.addFinalizer(t.Context(), &scope{name: here, base: unprotected}),
	} {
		if !apierrors.IsConflict(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// recreatable is a service where a user that is deleted and created again gets another ID, and the keys of the former one
// stay. Qumulo is such a service.
type recreatable struct {
	*fake.Service
	fake.AllLister
	id *string
}

func (s recreatable) ResolveUser(context.Context, string) (string, error) { return *s.id, nil }

func TestTheKeyOfAUserThatWasCreatedAgainIsNotLost(t *testing.T) {
	b := newBed(t, fake.Options{})
	id := userID
	b.use(recreatable{b.service, b.service.AllLister(), &id})
	b.settle()
	former := b.accessKey().Status.KeyID
	id = "501"
	b.service.AddUser(id)
	b.renew()
	b.service.FailNext(fake.Create, fake.Fault{Kind: keyservice.NotFound}) // for the former user
	b.settle()
	if len(b.service.Keys(id)) != 1 {
		t.Fatalf("the new user has the keys %+v", b.service.Keys(id))
	}
	if recorded := b.accessKey().RecordedKeyIDs(); b.service.Active(former) && !slices.Contains(recorded, former) {
		t.Errorf("key %s works, and the status records only %s", former, recorded)
	}
}

// TestACacheWithoutTheSecretCausesNoSecondKey after somebody removed the finalizer.
func TestACacheWithoutTheSecretCausesNoSecondKey(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.lag[kube.Secret] = time.Hour
	b.reconcile()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Finalizers = nil })
	b.reconcile()
	b.expectKeys(1, 1)
}
