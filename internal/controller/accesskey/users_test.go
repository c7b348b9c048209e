// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/fake"
)

var (
	there = types.NamespacedName{Namespace: "team-b", Name: "backup"}
	// locked is a name of the user at the service of the bed.
	locked = []user{{here.Namespace + "/" + identity, userID}}
)

func TestOneAccessKeyHoldsTheLockOfAUser(t *testing.T) {
	var locks userLocks
	alice := []user{{"a", "alice"}}
	for range 2 {
		if !locks.acquire(alice, here, noon) {
			t.Error("the first cannot acquire the lock twice")
		}
	}
	if locks.acquire(alice, there, noon.Add(time.Hour)) {
		t.Error("the second can acquire the lock too")
	}
	if !locks.acquire([]user{{"a", "bob"}}, there, noon) || !locks.acquire([]user{{"b", "alice"}}, there, noon) {
		t.Error("it locks other users as well")
	}
	locks.release(there)
	lock, held := locks.heldByOther(alice, there)
	if _, byItself := locks.heldByOther(alice, here); !held || !lock.since.Equal(noon) || byItself {
		t.Errorf("held by another one: %t since %s; by itself: %t", held, lock.since, byItself)
	}
	locks.release(here)
	if !locks.acquire(alice, there, noon) {
		t.Error("the lock is not free after its release")
	}
}

// TestALockIsHeldUntilTheOperationIsSettled, and released when the AccessKey is gone.
func TestALockIsHeldUntilTheOperationIsSettled(t *testing.T) {
	b := newBed(t, fake.Options{})
	held := func() bool {
		_, held := b.r.users.heldByOther(locked, types.NamespacedName{})
		return held
	}
	b.service.FailNext(fake.Create, fake.Fault{CarriedOut: true})
	b.reconcile()
	if !held() {
		t.Error("released while the intent is open")
	}
	b.settle()
	if held() {
		t.Error("held after the operation")
	}
	b.r.users.acquire(locked, there, noon)
	if _, err := b.r.Reconcile(t.Context(), reconcile.Request{NamespacedName: there}); err != nil || held() {
		t.Errorf("held by an AccessKey that is gone: %v", err)
	}
}

// scopeBeside returns what a scope has observed of an AccessKey that records the key K9, beside another AccessKey that has
// published the key K1, with a change. There are other KeyServices of the same service, of an unknown one, and of another one.
func (b *bed) scopeBeside(change func(*v1alpha1.AccessKey)) *scope {
	b.t.Helper()
	for name, identity := range map[string]string{"same": identity, "unidentified": "", "elsewhere": "fake/2"} {
		ks := keyService(name)
		ks.Status.Identity = identity
		b.create(ks)
	}
	other := published()
	other.Name = "other"
	change(other)
	b.create(other)
	b.change(func(ak *v1alpha1.AccessKey) { ak.Status.UserID, ak.Status.KeyID = userID, "K9" })
	return b.scope()
}

func (b *bed) scope() *scope {
	b.t.Helper()
	b.cache.Deliver()
	s := &scope{name: here, limiter: &b.r.limiter}
	b.must(b.r.observe(context.Background(), s, b.accessKey()))
	return s
}

// at moves an AccessKey to another KeyService.
func at(service string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Name = service }
}

func TestAUserIsBusyWhileAnotherAccessKeyHasAnOpenIntent(t *testing.T) {
	for name, test := range map[string]struct {
		other func(*v1alpha1.AccessKey)
		want  bool
	}{
		"at the same KeyService":                    {func(*v1alpha1.AccessKey) {}, true},
		"at another KeyService of the same service": {at("same"), true},
		"at a KeyService that is not identified":    {at("unidentified"), true},
		"at another service":                        {at("elsewhere"), false},
		"of the same user in another spelling":      {func(ak *v1alpha1.AccessKey) { ak.Spec.User = userID }, true},
		"of another user":                           {func(ak *v1alpha1.AccessKey) { ak.Status.UserID = "restore" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBed(t, fake.Options{}).scopeBeside(func(ak *v1alpha1.AccessKey) {
				ak.Status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, StartedAt: metav1.NewTime(noon.Add(time.Minute))}
				test.other(ak)
			})
			if s.in.UserBusy != test.want || test.want && !s.in.UserBusyUntil.Equal(noon.Add(time.Minute+2*ScopeTimeout)) {
				t.Errorf("busy: %t, until %s", s.in.UserBusy, s.in.UserBusyUntil)
			}
		})
	}
}

func TestABusyUserWaitsForItsTurn(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.r.users.acquire(locked, there, noon) // by the name that only the service can resolve
	if result := b.reconcile(); result.RequeueAfter != time.Second {
		t.Errorf("is reconciled again after %s", result.RequeueAfter)
	}
	b.expectKeys(0, 0)
	b.expectCondition(v1alpha1.ConditionReconciling, "True Waiting: Waiting for another AccessKey of the same user (team-b/backup) to finish its operation, until 2026-03-01T12:04:00Z at the latest")
	b.r.users.release(there)
	b.settle()
	b.expectPublished(1)
}

func TestAKeyThatAnotherAccessKeyRecordsIsClaimed(t *testing.T) {
	intent := func(operation v1alpha1.Operation) func(*v1alpha1.AccessKey) {
		return func(ak *v1alpha1.AccessKey) {
			ak.Status = v1alpha1.AccessKeyStatus{Intent: &v1alpha1.Intent{Operation: operation, KeyID: "K1"}}
		}
	}
	for name, test := range map[string]struct {
		other func(*v1alpha1.AccessKey)
		want  bool
	}{
		"its current key": {func(*v1alpha1.AccessKey) {}, true},
		"its previous key": {func(ak *v1alpha1.AccessKey) {
			ak.Status.PreviousKeys, ak.Status.KeyID = []v1alpha1.PreviousKey{{KeyID: "K1"}}, "K2"
		}, true},
		"the key that it is creating": {intent(v1alpha1.OperationCreate), true},
		"the key that it is deleting": {intent(v1alpha1.OperationRevoke), false},
		"another pair of the same ID": {func(ak *v1alpha1.AccessKey) { ak.Status.AccessKeyID = "AKIA0" }, false},
		"a key of the same service":   {at("same"), true},
		"perhaps of the same service": {at("unidentified"), true},
		"a key of another service":    {at("elsewhere"), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, fake.Options{})
			s := b.scopeBeside(test.other)
			marked, err := b.r.claims(t.Context(), s, []keyservice.Key{{ID: "K1", AccessKeyID: "AKIA1"}, {ID: "K9"}})
			if err != nil || len(marked) != 2 || marked[0].Claimed != test.want || marked[1].Claimed {
				t.Errorf("got %+v, %v", marked, err)
			}
		})
	}
}
