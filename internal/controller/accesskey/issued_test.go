// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/test/fake"
)

// listingAt returns a listing without keys.
func listingAt(at time.Time) keyservice.Snapshot { return keyservice.Snapshot{At: at} }

// TestAListingDeniesAKeyAfterTheListLag counts from the response if this process got it, or else from the latest time at which
// another process can have got it.
func TestAListingDeniesAKeyAfterTheListLag(t *testing.T) {
	const lag = time.Minute
	requested := noon.Add(-time.Hour) // of published
	for name, test := range map[string]struct {
		answered    keyservice.Key
		at, listing time.Time
		want        bool
	}{
		"this process, in the lag":            {keyservice.Key{ID: "K1", AccessKeyID: "AKIA1"}, requested.Add(9 * time.Second), requested.Add(69 * time.Second), false},
		"this process, after the lag":         {keyservice.Key{ID: "K1", AccessKeyID: "AKIA1"}, requested.Add(9 * time.Second), requested.Add(70 * time.Second), true},
		"another process, in its scope":       {keyservice.Key{}, time.Time{}, requested.Add(5 * time.Minute), false},
		"another process, after its scope":    {keyservice.Key{}, time.Time{}, requested.Add(5*time.Minute + time.Second), true},
		"this process, an earlier pair":       {keyservice.Key{ID: "K1", AccessKeyID: "AKIA0"}, requested, requested.Add(2 * time.Minute), false},
		"this process, another key":           {keyservice.Key{ID: "K0"}, requested, requested.Add(2 * time.Minute), false},
		"this process, long before":           {keyservice.Key{ID: "K1"}, requested, noon, true},
		"this process, a listing from before": {keyservice.Key{ID: "K1"}, requested, requested.Add(-time.Minute), false},
	} {
		t.Run(name, func(t *testing.T) {
			r, s := &Reconciler{}, scopeOf(func(s *scope) { s.connection = &connect.Connection{} })
			s.connection.ListLag = lag
			if !test.at.IsZero() {
				r.issued.note(here, test.answered, test.at)
			}
			key := s.in.Keys[0].Key
			for range 2 { // also after the memory was cleared
				if got := r.denies(s, listingAt(test.listing), key); got != test.want {
					t.Errorf("got %t", got)
				}
			}
			noted, forgets := !test.at.IsZero(), test.listing.Equal(noon)
			if _, remembers := r.issued.answered(here, test.answered); remembers != (noted && !forgets) {
				t.Errorf("remembers the pair: %t", remembers)
			}
		})
	}
}

func TestAReconcilerForgetsThePairsOfAccessKeysThatAreGone(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	key := keyservice.Key{ID: b.accessKey().Status.KeyID}
	if _, remembers := b.r.issued.answered(here, key); !remembers {
		t.Error("the pair is not remembered")
	}
	b.delete("AccessKey")
	b.settle()
	b.reconcile()
	if _, remembers := b.r.issued.answered(here, key); remembers {
		t.Error("the pair is remembered")
	}
}

// TestTheEndOfAPairIsTheAnnouncedOneUntilAListingSaysMore: at a service that ends pairs, and only there.
func TestTheEndOfAPairIsTheAnnouncedOneUntilAListingSaysMore(t *testing.T) {
	announced := noon.Add(time.Hour)
	for _, ends := range []bool{true, false} {
		s := scopeOf(func(s *scope) {
			s.ak.Status.ExpiresAt = metav1.NewTime(announced)
			s.ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: "K0", AccessKeyID: "AKIA0"}}
			s.in.Service.EndsPairs = ends
		})
		want := time.Time{}
		if ends {
			want = announced
		}
		if keys := s.recordedKeys(); !keys[0].ExpiresAt.Equal(want) || !keys[1].ExpiresAt.IsZero() {
			t.Errorf("the service ends pairs: %t, recorded are %+v", ends, keys)
		}
	}
}

// TestASuspendedAccessKeyUsesTheLastListing and causes none.
func TestASuspendedAccessKeyUsesTheLastListing(t *testing.T) {
	b := newBed(t, fake.Options{MaxTTL: 1000 * time.Hour})
	b.settle()
	b.clock.Step(b.r.ResyncPeriod)
	b.reconcile()
	ends := b.accessKey().Status.ExpiresAt
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.Suspend, ak.Spec.TTL = new(true), hours(241) })
	b.settle()
	if status := b.accessKey().Status; !status.ExpiresAt.Before(&ends) {
		t.Fatalf("the pair expires at %s, before at %s", status.ExpiresAt, ends)
	}
	b.clock.SetTime(b.accessKey().Status.ExpiresAt.Time)
	lists := b.service.Calls()[fake.ListAll]
	b.reconcile()
	b.expectCondition(v1alpha1.ConditionReady, "True Issued: Secret backup holds access key "+b.accessKey().Status.AccessKeyID+
		", which still works although it should have been rotated before "+b.accessKey().Status.ExpiresAt.UTC().Format(time.RFC3339))
	if got := b.service.Calls()[fake.ListAll]; got != lists {
		t.Errorf("the keys were listed %d times", got-lists)
	}
	b.clock.SetTime(ends.Add(2 * time.Second))
	b.reconcile()
	b.expectCondition(v1alpha1.ConditionReady, "False Expired: The service ended access key "+b.accessKey().Status.AccessKeyID+" at "+
		ends.UTC().Format(time.RFC3339)+"; spec.suspend is set, so no new pair is issued")
}
