// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

func TestTheIntentIsWrittenBeforeTheKeyIsCreated(t *testing.T) {
	b := newBed(t, fake.Options{})
	foreign, _, err := b.service.MakeKey(userID)
	b.must(err)
	var then *v1alpha1.AccessKey
	b.gate = once(writesStatus, func(_ kube.Call, carryOut func() error) error {
		defer func() { then = b.accessKey() }()
		if created := b.service.Calls()[fake.Create]; created > 0 {
			t.Errorf("%d keys had been requested before the intent was written", created)
		}
		return carryOut()
	})
	b.reconcile()
	want := &v1alpha1.Intent{
		Operation: v1alpha1.OperationCreate, Reason: v1alpha1.IssuedNew, Revision: 1, StartedAt: metav1.NewTime(noon), KnownKeyIDs: []string{foreign.ID},
	}
	if !equality.Semantic.DeepEqual(then.Status.Intent, want) || then.Status.UserID != userID || !slices.Contains(then.Finalizers, v1alpha1.RevokeFinalizer) {
		t.Errorf("it was %+v, with the intent %+v", then, then.Status.Intent)
	}
	expectCondition(t, then, v1alpha1.ConditionReady, "Unknown Pending: No pair has been issued yet")
	b.expectPublished(1)
	b.expectEvents("Warning NoRoomToRotate User \"name:backup\" now has 2 keys of at most 2")
}

// TestAProcessThatWasSuspendedSendsNoRequest: after a long pause, another replica may be active.
func TestAProcessThatWasSuspendedSendsNoRequest(t *testing.T) {
	bubble(t, func(b *bed) {
		b.gate = on(writesStatus, func(_ kube.Call, carryOut func() error) error {
			time.Sleep(maxPause + time.Second) // of the bubble's clock
			return carryOut()
		})
		b.reconcile()
		b.expectKeys(0, 0)
		if status := b.accessKey().Status; status.Intent != nil || status.Failures == nil {
			b.t.Errorf("recorded %+v", status)
		}
	})
}

func TestAnIntentStaysOpenOnlyIfTheResponseWasLost(t *testing.T) {
	for name, test := range map[string]struct {
		fault   fake.Fault
		created int
		open    bool
	}{
		"carried out":     {fake.Fault{CarriedOut: true}, 2, true},
		"not carried out": {fake.Fault{}, 1, true},
		"refused":         {fake.Fault{Kind: keyservice.Unavailable}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, fake.Options{})
			b.service.FailNext(fake.Create, test.fault)
			if result := b.reconcile(); result.RequeueAfter != firstRetry {
				t.Errorf("is reconciled again after %s", result.RequeueAfter)
			}
			if status := b.accessKey().Status; (status.Intent != nil) != test.open || status.KeyID != "" || status.Failures == nil || b.secret(here.Name) != nil {
				t.Errorf("recorded %+v", status)
			}
			b.settle()
			b.expectKeys(test.created, 1)
			b.expectPublished(1)
		})
	}
}

// slowListing is a service whose answers take long.
type slowListing struct {
	*fake.Service
	before func()
}

func (s slowListing) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	s.before()
	return s.Service.List(ctx, user)
}

// TestAnIntentIsDatedWhenItIsWritten: settling counts from its start.
func TestAnIntentIsDatedWhenItIsWritten(t *testing.T) {
	b := newBed(t, fake.Options{MakesUsers: true})
	b.use(slowListing{b.service, func() { b.clock.Step(90 * time.Second) }})
	b.reconcile()
	if issued := b.accessKey().Status.IssuedAt; !issued.Time.Equal(b.clock.Now()) {
		t.Errorf("at %s, the intent was dated %s", b.clock.Now(), issued)
	}
}

// TestARegenerationKeepsTheKey. If its response is lost, it is repeated: nobody else has the pair that it generates.
func TestARegenerationKeepsTheKey(t *testing.T) {
	for name, lost := range map[string]bool{"answered": false, "lost": true} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, fake.Options{KeysPerUser: 1, MakesUsers: true})
			b.use(struct {
				*fake.Service
				fake.Regenerator
			}{b.service, b.service.Regenerator()})
			b.settle()
			before := b.accessKey().Status
			b.renew()
			if lost {
				b.service.FailNext(fake.Regenerate, fake.Fault{CarriedOut: true})
				b.reconcile()
				if intent := b.accessKey().Status.Intent; intent == nil || intent.Operation != v1alpha1.OperationRegenerate || intent.Renewal != "now" {
					t.Fatalf("intent %+v", intent)
				}
				b.clock.Step(2 * time.Minute)
			}
			b.reconcile()
			b.expectPublished(2)
			after := b.accessKey().Status
			if after.KeyID != before.KeyID || after.AccessKeyID == before.AccessKeyID || after.LastHandledRenewal != "now" || len(after.PreviousKeys) > 0 {
				t.Errorf("recorded %+v", after)
			}
			b.expectEvents("Normal Rotated Issued access key " + after.AccessKeyID + " into Secret backup ")
		})
	}
}
