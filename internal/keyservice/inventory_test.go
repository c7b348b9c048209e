// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// lister is a service whose keys, by owner, can be changed and whose listing can fail.
type lister struct {
	keys  map[string][]keyservice.Key
	err   error
	calls int
}

func (l *lister) ListAll(context.Context) (map[string][]keyservice.Key, error) {
	l.calls++
	return l.keys, l.err
}

func holding(ids ...string) map[string][]keyservice.Key {
	keys := map[string][]keyservice.Key{}
	for _, id := range ids {
		keys["owner of "+id] = []keyservice.Key{{ID: id}}
	}
	return keys
}

func TestASnapshotDeniesWhatItShouldHaveSeen(t *testing.T) {
	service := &lister{keys: map[string][]keyservice.Key{"alice": {{ID: "K1"}, {ID: "K2"}}, "bob": {{ID: "K3"}}}}
	inventory := &keyservice.Inventory{Lister: service, Period: 10 * time.Minute}
	snapshot, err := inventory.Snapshot(t.Context(), noon)
	if err != nil || !snapshot.At.Equal(noon) {
		t.Fatalf("at %s, %v", snapshot.At, err)
	}
	service.keys = holding("K4")
	if later, err := inventory.Snapshot(t.Context(), noon.Add(10*time.Minute)); err != nil || !later.Denies(keyservice.Key{ID: "K1"}, noon) {
		t.Errorf("a new listing without K1: %v", err) // it must not change the snapshot that was handed out
	}
	for name, test := range map[string]struct {
		id       string
		issuedAt time.Time
		want     bool
	}{
		"a key that is listed":                         {"K1", noon.Add(-time.Hour), false},
		"the second key of a user":                     {"K2", noon.Add(-time.Hour), false},
		"a key of another user":                        {"K3", noon.Add(-time.Hour), false},
		"a key that is not listed":                     {"K4", noon.Add(-time.Hour), true},
		"a key that was made just before":              {"K4", noon.Add(-time.Nanosecond), true},
		"a key that was made when it began":            {"K4", noon, false},
		"a key that was made later":                    {"K4", noon.Add(time.Second), false},
		"a key that is listed, by a clock that is off": {"K1", noon.Add(time.Hour), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := snapshot.Denies(keyservice.Key{ID: test.id}, test.issuedAt); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
	if (keyservice.Snapshot{}).Denies(keyservice.Key{ID: "K1"}, time.Time{}) {
		t.Error("without a listing nothing can be denied")
	}
}

func TestASnapshotCountsTheKeysOfSomeUsers(t *testing.T) {
	service := &lister{keys: map[string][]keyservice.Key{"alice": {{ID: "K1"}, {ID: "K2"}}, "bob": {{ID: "K3"}}, "eve": {{ID: "K4"}}}}
	snapshot, err := (&keyservice.Inventory{Lister: service, Period: time.Minute}).Snapshot(t.Context(), noon)
	users := map[string]int{"alice": 0, "bob": 1, "carl": 0}
	snapshot.Count(users)
	if want := map[string]int{"alice": 2, "bob": 2, "carl": 0}; err != nil || !maps.Equal(users, want) {
		t.Errorf("got %v, %v, want %v", users, err, want)
	}
}

func TestOneListingServesAPeriod(t *testing.T) {
	service := &lister{keys: holding("K1")}
	inventory := &keyservice.Inventory{Lister: service, Period: 10 * time.Minute}
	for _, step := range []struct {
		after time.Duration
		calls int
	}{
		{0, 1}, {0, 1}, {9*time.Minute + 59*time.Second, 1}, {10 * time.Minute, 2}, {15 * time.Minute, 2}, {20 * time.Minute, 3},
		{time.Hour, 4},
	} {
		due, before := inventory.Due(noon.Add(step.after)), service.calls
		snapshot, err := inventory.Snapshot(t.Context(), noon.Add(step.after))
		if err != nil || service.calls != step.calls || due != (service.calls > before) {
			t.Errorf("after %s: %d listings, want %d, due: %t (%v)", step.after, service.calls, step.calls, due, err)
		}
		if snapshot.Denies(keyservice.Key{ID: "K1"}, noon.Add(-time.Hour)) {
			t.Errorf("after %s: denies what is listed", step.after)
		}
	}
}

func TestAFailedListingIsTriedAgainAfterAMinute(t *testing.T) {
	away := errors.New("the service is away")
	service := &lister{keys: holding("K1")}
	inventory := &keyservice.Inventory{Lister: service, Period: 10 * time.Minute}
	for _, step := range []struct {
		what   string
		after  time.Duration
		err    error
		fails  bool
		calls  int
		denies bool // K1, which goes after the first listing
	}{
		{"the first listing", 0, nil, false, 1, false},
		{"the next one fails", 10 * time.Minute, away, true, 2, false},
		{"it is not tried again at once", 10*time.Minute + time.Second, nil, true, 2, false},
		{"nor within the minute", 10*time.Minute + 59*time.Second, nil, true, 2, false},
		{"after a minute it is", 11 * time.Minute, away, true, 3, false},
		{"and works", 12 * time.Minute, nil, false, 4, true},
		{"and is good for a whole period", 21 * time.Minute, nil, false, 4, true},
		{"a failure takes back nothing of it", 22 * time.Minute, away, true, 5, true},
	} {
		service.err = step.err
		due, before := inventory.Due(noon.Add(step.after)), service.calls
		snapshot, err := inventory.Snapshot(t.Context(), noon.Add(step.after))
		if (err != nil) != step.fails || service.calls != step.calls || due != (service.calls > before) {
			t.Errorf("%s: %v, %d listings, want %d, due: %t", step.what, err, service.calls, step.calls, due)
		}
		if got := snapshot.Denies(keyservice.Key{ID: "K1"}, noon.Add(-time.Hour)); got != step.denies {
			t.Errorf("%s: denies: %t", step.what, got)
		}
		service.keys = nil
	}
}

func TestWithoutAnyListingAFailureDeniesNothing(t *testing.T) {
	away := errors.New("the service is away")
	inventory := &keyservice.Inventory{Lister: &lister{err: away}, Period: 10 * time.Minute}
	for _, after := range []time.Duration{0, time.Second, time.Hour} {
		snapshot, err := inventory.Snapshot(t.Context(), noon.Add(after))
		if !errors.Is(err, away) || snapshot.Denies(keyservice.Key{ID: "K1"}, noon.Add(-time.Hour)) {
			t.Errorf("after %s: %v, %+v", after, err, snapshot)
		}
	}
}

// hanging is a service that answers when it is released.
type hanging struct{ asked, release chan struct{} }

func (h hanging) ListAll(context.Context) (map[string][]keyservice.Key, error) {
	close(h.asked)
	<-h.release
	return holding("K1"), nil
}

func TestAServiceThatHangsDelaysNobodyElse(t *testing.T) {
	service := hanging{make(chan struct{}), make(chan struct{})}
	inventory := &keyservice.Inventory{Lister: service, Period: 10 * time.Minute}
	var group sync.WaitGroup
	group.Go(func() {
		if snapshot, err := inventory.Snapshot(context.Background(), noon); err != nil || snapshot.Stale || !snapshot.At.Equal(noon) {
			t.Errorf("the caller that lists: %+v, %v", snapshot, err)
		}
	})
	<-service.asked
	// Would never return if it waited for the one above.
	snapshot, err := inventory.Snapshot(t.Context(), noon)
	if err != nil || !snapshot.Stale || !snapshot.At.IsZero() || snapshot.Denies(keyservice.Key{ID: "K2"}, noon.Add(-time.Hour)) {
		t.Errorf("while another lists: %+v, %v", snapshot, err)
	}
	if inventory.Due(noon) {
		t.Error("another listing is due while one is under way")
	}
	close(service.release)
	group.Wait()
	if snapshot, err := inventory.Snapshot(t.Context(), noon); err != nil || snapshot.Stale || !snapshot.Denies(keyservice.Key{ID: "K2"}, noon.Add(-time.Hour)) {
		t.Errorf("afterwards: %+v, %v", snapshot, err)
	}
}

func TestAListingThatPanicsDoesNotStopTheOthers(t *testing.T) {
	inventory := &keyservice.Inventory{Period: time.Minute} // without a lister
	func() {
		defer func() { _ = recover() }()
		_, _ = inventory.Snapshot(t.Context(), noon)
	}()
	inventory.Lister = &lister{keys: holding("K1")}
	if snapshot, err := inventory.Snapshot(t.Context(), noon); err != nil || snapshot.Stale || snapshot.At.IsZero() {
		t.Errorf("got %+v, %v", snapshot, err)
	}
}
