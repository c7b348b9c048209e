// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
)

func named(i int) types.NamespacedName { return types.NamespacedName{Name: fmt.Sprint("key-", i)} }

// acquired returns how many AccessKeys get a slot of a KeyService.
func acquired(l *limiter, service types.UID, accessKeys int) (got int) {
	for i := range accessKeys {
		if l.acquire(service, named(i)) {
			got++
		}
	}
	return got
}

// waitingNow returns the value of the metric.
func waitingNow(t *testing.T) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(waitingForService)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d metrics, %v", len(families), err)
	}
	return families[0].GetMetric()[0].GetGauge().GetValue()
}

func TestOneServiceCannotOccupyAllWorkers(t *testing.T) {
	for workers, slots := range map[int]int{64: 16, 16: 4, 7: 1, 1: 1, 0: 1} {
		l := limiter{slots: slotsPerService(workers)}
		if slow, other := acquired(&l, "slow", 100), acquired(&l, "other", 100); slow != slots || other != slots {
			t.Errorf("of %d workers, %d wait for one service and %d for another, want %d", workers, slow, other, slots)
		}
	}
}

func TestAReleasedSlotIsFree(t *testing.T) {
	l := limiter{slots: 2}
	acquired(&l, "service", 2)
	l.release("service")
	if got := acquired(&l, "service", 2); got != 1 {
		t.Errorf("%d slots are free, want 1", got)
	}
	l.release("service")
	l.release("service")
	if len(l.services) > 0 {
		t.Errorf("a service that nobody uses is still known: %v", l.services)
	}
}

func TestTheMetricCountsAccessKeysThatWait(t *testing.T) {
	before := waitingNow(t)
	expect := func(want float64, when string) {
		t.Helper()
		if got := waitingNow(t) - before; got != want {
			t.Errorf("%s: %g wait, want %g", when, got, want)
		}
	}
	l := limiter{slots: 1}
	acquired(&l, "service", 3)
	for i := range 4 {
		l.wait("service", named(1+i%2))
	}
	expect(2, "two found no slot, twice")
	l.forget(named(2))
	l.forget(named(2))
	expect(1, "one no longer wants a slot")
	l.release("service")
	l.acquire("service", named(1))
	expect(0, "the other got the slot")
}

// TestAFreeSlotGoesToTheFirstThatWaits covers AccessKeys that are gone, and one that finds no slot again.
func TestAFreeSlotGoesToTheFirstThatWaits(t *testing.T) {
	var woken []string
	l := limiter{slots: 2, wake: func(name types.NamespacedName) { woken = append(woken, name.Name) }}
	acquired(&l, "service", 2)
	for i := range 4 {
		l.wait("service", named(2+i))
		l.wait("service", named(2+i)) // woken by its own pause
	}
	l.forget(named(2))
	l.release("service")
	l.wait("service", named(3)) // another one has taken the slot
	l.acquire("service", named(0))
	for range 2 {
		l.release("service")
	}
	if want := []string{"key-3", "key-4", "key-5"}; !slices.Equal(woken, want) {
		t.Errorf("woken %q, want %q", woken, want)
	}
	for i := range 6 {
		l.forget(named(i))
	}
}

// TestATurnThatIsNotTakenGoesToTheNext covers AccessKeys that find out, when their turn comes, that they need no slot.
func TestATurnThatIsNotTakenGoesToTheNext(t *testing.T) {
	var woken []string
	l := limiter{slots: 1}
	l.wake = func(name types.NamespacedName) {
		woken = append(woken, name.Name)
		l.forget(name)
	}
	acquired(&l, "service", 1)
	for i := range 3 {
		l.wait("service", named(1+i))
	}
	l.forget(named(2)) // its turn had not come
	if len(woken) > 0 {
		t.Errorf("woken %q while no slot is free", woken)
	}
	l.release("service")
	if want := []string{"key-1", "key-3"}; !slices.Equal(woken, want) || len(l.waiting) > 0 || len(l.services) > 0 {
		t.Errorf("woken %q, want %q; known are %v and %v", woken, want, l.waiting, l.services)
	}
}

// TestThePauseGrowsWithTheNumberThatWaits keeps the rate steady at which they ask for a slot.
func TestThePauseGrowsWithTheNumberThatWaits(t *testing.T) {
	for waiting, least := range map[int]time.Duration{10: minWait, 1000: 4 * time.Second} {
		l, longest := limiter{slots: 1}, time.Duration(0)
		acquired(&l, "service", 1)
		for i := range 2 * waiting {
			longest = max(longest, l.wait("service", named(i%waiting)))
		}
		if longest < least || longest >= minWait+time.Duration(waiting)*waitPerAccessKey {
			t.Errorf("%d wait up to %s", waiting, longest)
		}
		for i := range waiting {
			l.forget(named(i))
		}
	}
}
