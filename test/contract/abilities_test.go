// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"testing"

	"accesskey.dev/operator/internal/keyservice"
)

func disabling(t *testing.T, s subject) {
	b := s.start(t, 0)
	made, other := b.create(t, b.alice), b.create(t, b.alice)
	expect(t, b.Service.(keyservice.Disabler).Disable(t.Context(), b.alice, made.ID), fine)
	b.works(t, made, false)
	b.works(t, other, true)
	keys := b.list(t, b.alice)
	if listed := find(keys, made.ID); listed == nil || listed.State != keyservice.Disabled {
		t.Errorf("listed: %+v", keys)
	}
	if listed := find(keys, other.ID); listed == nil || listed.State == keyservice.Disabled {
		t.Errorf("listed: %+v", keys)
	}
	expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
}

func disablingAgain(t *testing.T, s subject) {
	b := s.start(t, 0)
	made := b.create(t, b.alice)
	disabler := b.Service.(keyservice.Disabler)
	for range 2 {
		expect(t, disabler.Disable(t.Context(), b.alice, made.ID), fine)
	}
	expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
	b.settle(t, b.alice)
	expect(t, disabler.Disable(t.Context(), b.alice, made.ID), fine)
	if keys := b.list(t, b.alice); len(keys) != 0 {
		t.Errorf("it is back: %+v", keys)
	}
}

func enabling(t *testing.T, s subject) {
	b := s.start(t, 0)
	made := b.create(t, b.alice)
	enabler := b.Service.(keyservice.Enabler)
	expect(t, b.Service.(keyservice.Disabler).Disable(t.Context(), b.alice, made.ID), fine)
	for range 2 {
		expect(t, enabler.Enable(t.Context(), b.alice, made.ID), fine)
		b.works(t, made, true)
	}
	if listed := find(b.list(t, b.alice), made.ID); listed == nil || !active(*listed) {
		t.Errorf("listed as %+v", listed)
	}
}

func enablingNothing(t *testing.T, s subject) {
	b := s.start(t, 0)
	made, missing := b.create(t, b.alice), expected{kind: keyservice.NotFound}
	enabler := b.Service.(keyservice.Enabler)
	expect(t, enabler.Enable(t.Context(), b.user(carol), made.ID), missing)
	expect(t, enabler.Enable(t.Context(), b.alice, "GONE0000000000000000"), missing)
	expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
	b.settle(t, b.alice)
	expect(t, enabler.Enable(t.Context(), b.alice, made.ID), missing)
	if keys := b.list(t, b.alice); len(keys) != 0 {
		t.Errorf("it is back: %+v", keys)
	}
}

func lastUse(t *testing.T, s subject) {
	b := s.start(t, 0)
	made := b.create(t, b.alice)
	reporter := b.Service.(keyservice.LastUsedReporter)
	if at, err := reporter.LastUsed(t.Context(), b.alice, made.ID); err != nil || !at.IsZero() {
		t.Errorf("got %s, %v", at, err)
	}
	_, err := reporter.LastUsed(t.Context(), b.alice, "GONE0000000000000000")
	expect(t, err, expected{kind: keyservice.NotFound})
	_, err = reporter.LastUsed(t.Context(), b.user(carol), made.ID)
	expect(t, err, expected{kind: keyservice.NotFound})
}

func chosenIDs(t *testing.T, s subject) {
	b := s.start(t, 0)
	connect(t, b.Service)
	chooser := b.Service.(keyservice.HandleChooser)
	first := chooser.ChooseID(b.alice, owner, 1, nil)
	another, _ := b.dial(t)
	connect(t, another)
	if _, err := another.List(t.Context(), b.alice); err != nil {
		t.Fatal(err)
	}
	for _, process := range []keyservice.HandleChooser{chooser, another.(keyservice.HandleChooser)} {
		if again := process.ChooseID(b.alice, owner, 1, nil); (again == first) != is[keyservice.Regenerator](b.Service) {
			t.Errorf("chosen: %q, then %q", first, again)
		}
	}
	made, err := b.Create(t.Context(), b.alice, keyservice.CreateRequest{ID: first, Owner: owner, TTL: ttl})
	if err != nil || made.ID != first {
		t.Fatalf("got %+v, %v", made, err)
	}
	if b.capabilities(t).Overlap {
		if next := chooser.ChooseID(b.alice, owner, 2, b.list(t, b.alice)); next == first {
			t.Errorf("%q was chosen again for the next key", next)
		}
	}
}
