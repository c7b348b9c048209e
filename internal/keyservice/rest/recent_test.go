// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"slices"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
)

func TestNewKeysAreRememberedForTheListLag(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := clocktesting.NewFakePassiveClock(start)
	recent := &Recent{Now: clock.Now, Lag: time.Minute}
	expect := func(user string, want ...string) {
		t.Helper()
		var ids []string
		for _, key := range recent.Of(user) {
			ids = append(ids, key.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s has %v, want %v", user, ids, want)
		}
	}
	for _, id := range []string{"B", "A", "D"} {
		recent.Add("alice", keyservice.Key{ID: id})
	}
	recent.Remove("D")
	recent.Add("bob", keyservice.Key{ID: "C"})
	expect("alice", "A", "B")
	expect("bob", "C")
	if at, known := recent.Made("A"); !known || !at.Equal(start) {
		t.Errorf("A was made at %s, %t", at, known)
	}
	clock.SetTime(start.Add(time.Minute))
	expect("alice")
	if _, known := recent.Made("A"); known {
		t.Error("A is still new")
	}
	recent.Add("bob", keyservice.Key{ID: "E"})
	if len(recent.made) != 1 {
		t.Errorf("%d keys take up memory", len(recent.made))
	}
}
