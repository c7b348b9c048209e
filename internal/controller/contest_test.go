// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/test/simulator"
)

// other is another AccessKey of the same service, which spells the user in another way, so that no lock keeps them apart.
func other() *v1alpha1.AccessKey {
	ak := restingAccessKey()
	ak.Name, ak.UID, ak.Spec.User = "other", "uid-of-other", "auth_id:500"
	ak.Status = v1alpha1.AccessKeyStatus{}
	return ak
}

func atWork(ak *v1alpha1.AccessKey) {
	ak.Status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, Revision: 1, StartedAt: metav1.NewTime(noon)}
}

// TestAnOrphanIsNotTakenFromAnother: the answer to a create was lost, and what it made is there. Who else could have made it?
func TestAnOrphanIsNotTakenFromAnother(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*bench, *v1alpha1.AccessKey)
		// live is whether the key is still there when only its own intent has waited, and in the end.
		early, late bool
	}{
		"nobody":                             {func(*bench, *v1alpha1.AccessKey) {}, false, false},
		"one that is at work, by its intent": {func(_ *bench, ak *v1alpha1.AccessKey) { atWork(ak) }, true, false},
		"one that is at work, by its lock": {func(b *bench, ak *v1alpha1.AccessKey) {
			b.r.users.acquire(b.server.URL+" "+ak.Spec.User, client.ObjectKeyFromObject(ak), noon)
		}, true, false},
		"one that knew the key before it began": {func(b *bench, ak *v1alpha1.AccessKey) {
			atWork(ak)
			ak.Status.Intent.KnownKeyIDs = []string{b.service.Keys(user)[0].ID}
		}, false, false},
		"one at another service": {func(_ *bench, ak *v1alpha1.AccessKey) {
			atWork(ak)
			ak.Spec.ServiceRef.Name = "elsewhere"
		}, false, false},
		"one that records it": {func(b *bench, ak *v1alpha1.AccessKey) { ak.Status.KeyID = b.service.Keys(user)[0].ID }, true, true},
		"one that publishes it, and does not record it yet": {func(b *bench, ak *v1alpha1.AccessKey) {
			b.publishes(ak, b.service.Keys(user)[0].ID)
		}, true, true},
		"one that records another key of the same bucket": {func(b *bench, ak *v1alpha1.AccessKey) {
			ak.Status.KeyID = neighbour("", b.service.Keys(user)[0].ID)
		}, false, false},
		"one that publishes another key of the same bucket": {func(b *bench, ak *v1alpha1.AccessKey) {
			b.publishes(ak, neighbour("", b.service.Keys(user)[0].ID))
		}, false, false},
		"one that records it as replaced": {func(b *bench, ak *v1alpha1.AccessKey) {
			ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: b.service.Keys(user)[0].ID}}
		}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.service.Inject(creating.Once(), simulator.DropAnswer())
			b.mustPass()
			orphan := b.service.Keys(user)[0].ID
			ak := other()
			test.change(b, ak)
			sign(ak)
			if err := b.kube.Create(t.Context(), ak); err != nil {
				t.Fatal(err)
			}
			b.clock.Step(2 * time.Minute)
			b.mustPass()
			if got := b.lives(orphan); got != test.early {
				t.Errorf("after two minutes it is there: %t", got)
			}
			b.clock.Step(contestTime)
			b.mustPass()
			if got := b.lives(orphan); got != test.late {
				t.Errorf("in the end it is there: %t", got)
			}
		})
	}
}

// TestABusyServiceHoldsUpNobodyForEver: others begin one operation after the other, and each could be the one that made the
// key, but for those that began after it was seen.
func TestABusyServiceHoldsUpNobodyForEver(t *testing.T) {
	b := newBench(t)
	b.service.Inject(creating.Once(), simulator.DropAnswer())
	b.mustPass()
	orphan := b.service.Keys(user)[0].ID
	busy := other()
	atWork(busy)
	sign(busy)
	if err := b.kube.Create(t.Context(), busy); err != nil {
		t.Fatal(err)
	}
	const pause = 2 * time.Minute
	for waited := time.Duration(0); b.lives(orphan); waited += pause {
		if waited > 2*contestTime {
			t.Fatal("the intent is open for ever")
		}
		b.clock.Step(pause)
		if err := b.kube.Get(t.Context(), client.ObjectKeyFromObject(busy), busy); err != nil {
			t.Fatal(err)
		}
		busy.Status.Intent.StartedAt = metav1.NewTime(b.clock.Now())
		sign(busy)
		if err := b.kube.Status().Update(t.Context(), busy); err != nil {
			t.Fatal(err)
		}
		b.mustPass()
	}
	if waited := b.clock.Since(noon); waited < contestTime {
		t.Errorf("it was taken for an orphan after %s, while another could still publish it", waited)
	}
}

// publishes the key in a Secret that ak controls.
func (b *bench) publishes(ak *v1alpha1.AccessKey, id string) {
	b.t.Helper()
	secret, record := newSecret(ak, ak.SecretName()), plan.Record{KeyID: id, AccessKeyID: id, Revision: 1}
	putPair(secret, credential(), &record)
	if err := signer.fillSecret(secret, ak, nil, record); err != nil {
		b.t.Fatal(err)
	}
	if err := b.kube.Create(b.t.Context(), secret); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) lives(id string) bool {
	for _, pair := range b.service.Keys(user) {
		if pair.ID == id {
			return true
		}
	}
	return false
}
