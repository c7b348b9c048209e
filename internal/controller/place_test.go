// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
)

// crowded is a bench whose service has no place left.
type crowded struct {
	*bench

	other *visit
}

func (b *bench) crowd() *crowded {
	b.t.Helper()
	c := &crowded{bench: b}
	b.r.bulkhead = bulkhead{workers: 4, wake: b.r.bulkhead.wake}
	c.other = b.r.bulkhead.begin(requestOf(1))
	if !c.other.enter(types.UID("uid-of-qumulo")) {
		b.t.Fatal("there is no place at all")
	}
	b.service.ResetCalls()
	return c
}

// leave hands the place over.
func (c *crowded) leave() {
	c.other.told(time.Minute)
	c.other.end()
}

func (b *bench) change(changes ...func(*v1alpha1.AccessKey)) {
	b.t.Helper()
	ak := b.accessKey()
	for _, change := range changes {
		change(ak)
	}
	if err := b.kube.Update(b.t.Context(), ak); err != nil {
		b.t.Fatal(err)
	}
}

func TestAPassWithoutAPlaceLeavesNoTrace(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*bench)
		then    func(*bench)
	}{
		"a new AccessKey": {func(*bench) {}, func(b *bench) { b.expectIssued(1) }},
		"one with a finalizer and no key": {
			func(b *bench) {
				b.change(func(ak *v1alpha1.AccessKey) { ak.Finalizers = []string{v1alpha1.RevokeFinalizer} })
			},
			func(b *bench) { b.expectIssued(1) },
		},
		"one whose service is not connected": {
			func(b *bench) { b.rest(); b.restart(); b.beforeRead = always(errors.New("a Secret was read")) },
			func(b *bench) { b.expectIssued(1) },
		},
		"one that is to be renewed": {
			func(b *bench) {
				b.rest()
				b.change(func(ak *v1alpha1.AccessKey) { ak.Annotations = map[string]string{v1alpha1.RenewAnnotation: "now"} })
			},
			func(b *bench) { b.expectPublished(2) },
		},
		"one that is deleted": {
			func(b *bench) {
				b.rest()
				if err := b.kube.Delete(b.t.Context(), b.accessKey()); err != nil {
					b.t.Fatal(err)
				}
			},
			func(b *bench) { b.expectKeys(1, 0) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			test.prepare(b)
			c := b.crowd()
			before := b.accessKey()
			for range 3 {
				if result := b.mustPass(); result.RequeueAfter != b.r.ResyncPeriod || ptr.Deref(result.Priority, 0) != priorityOfResync {
					t.Errorf("waits for %s, at priority %d", result.RequeueAfter, ptr.Deref(result.Priority, 0))
				}
			}
			if after := b.accessKey(); after.ResourceVersion != before.ResourceVersion || len(b.service.Calls()) > 0 || len(c.woken) > 0 {
				t.Errorf("wrote %+v, called %v, woke %v", after.Status, b.service.Calls(), c.woken)
			}
			if waiting := b.r.bulkhead.rooms["uid-of-qumulo"].line; len(waiting) != 1 {
				t.Errorf("waits %d times", len(waiting))
			}
			b.beforeRead = nil
			c.leave()
			if !slices.Equal(c.woken, []reconcile.Request{{NamespacedName: here}}) {
				t.Fatalf("woke %v", c.woken)
			}
			b.mustPass()
			test.then(b)
		})
	}
}

func TestAPassThatDoesNotAskTheServiceNeedsNoPlace(t *testing.T) {
	b := newBench(t)
	b.rest()
	c := b.crowd()
	if result := b.mustPass(); result.RequeueAfter != b.r.ResyncPeriod || len(c.woken) > 0 {
		t.Errorf("%+v", result)
	}
	c.leave()
	if len(c.woken) > 0 {
		t.Error("it was woken, although it did not wait")
	}
}

func TestAListingThatIsDueWaitsForAPlaceAndThePassDoesNot(t *testing.T) {
	b := newBench(t)
	b.rest()
	b.clock.Step(b.r.ResyncPeriod)
	c := b.crowd()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Generation++ })
	b.mustPass()
	if ak := b.accessKey(); ak.Status.ObservedGeneration != ak.Generation || len(b.service.Calls()) > 0 {
		t.Errorf("observed %d of %d, called %v", ak.Status.ObservedGeneration, ak.Generation, b.service.Calls())
	}
	c.leave()
	if len(c.woken) != 1 {
		t.Fatalf("woke %v", c.woken)
	}
	b.mustPass()
	if calls := b.service.Calls(); calls[listsKeys] != 1 {
		t.Errorf("called %v", calls)
	}
}
