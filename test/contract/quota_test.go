// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
)

var quotaCases = []contractCase{
	{"a user with as many keys as fit is refused another, which says so and makes nothing", everyone, aFullUser},
	{"a deleted key frees its part of the quota", everyone, func(t *testing.T, s subject) {
		b := s.start(t, 0)
		var last keyservice.Credential
		for range b.capabilities(t).KeysPerUser {
			last = b.create(t, b.alice)
		}
		expect(t, b.Delete(t.Context(), b.alice, last.ID), fine)
		b.settle(t, b.alice)
		b.works(t, b.create(t, b.alice), true)
	}},
	{"foreign keys are listed without an owner", everyone, func(t *testing.T, s subject) {
		b := s.start(t, 0)
		foreign := b.foreign(t, alice)
		b.settle(t, b.alice)
		keys := b.list(t, b.alice)
		if len(keys) != 1 || keys[0].ID != foreign.ID || keys[0].AccessKeyID != foreign.AccessKeyID || keys[0].OwnerUID != "" {
			t.Errorf("got %+v, want %+v", keys, foreign)
		}
	}},
	{"the life of an operator's key does not touch foreign keys", func(_ subject, service keyservice.Service) bool {
		return overlaps(service)
	}, foreignKeysStay},
	{"foreign keys that fill the quota are not touched", everyone, aForeignQuota},
	{"a quota that cannot be counted is tried again, and no other failure is taken for it", simulated, aQuotaThatCannotBeCounted},
	{"an unknown user has an error of its own kind", everyone, unknownUsers},
}

func aFullUser(t *testing.T, s subject) {
	b := s.start(t, 0)
	var ids []string
	for range b.capabilities(t).KeysPerUser {
		ids = append(ids, b.create(t, b.alice).ID)
	}
	before := b.state()
	_, err := b.Create(t.Context(), b.alice, b.wanted(t, b.alice))
	expect(t, err, expected{kind: keyservice.QuotaExceeded})
	if s.documented != nil { // a person has to decide which of them can go
		for _, id := range ids {
			if !strings.Contains(err.Error(), id) {
				t.Errorf("the error does not name key %s: %v", id, err)
			}
		}
	}
	if after := b.state(); after != before {
		t.Errorf("keys changed:\n%s\n%s", before, after)
	}
}

// theirs are the live keys that a person made.
func theirs(b *bed) map[string]bool {
	all := map[string]bool{}
	for _, pair := range b.LivePairs() {
		if pair.CreatedBy == simulator.Person {
			all[pair.ID+" "+pair.AccessKeyID] = b.Active(pair.ID)
		}
	}
	return all
}

func foreignKeysStay(t *testing.T, s subject) {
	b := s.start(t, 0)
	b.foreign(t, alice)
	b.foreign(t, "dave")
	b.pass(time.Minute) // until they work
	before := theirs(b)
	made := b.create(t, b.alice)
	if regenerator, ok := b.Service.(keyservice.Regenerator); ok {
		regenerated, err := regenerator.Regenerate(t.Context(), b.alice, made.ID, ttl)
		if err != nil {
			t.Fatal(err)
		}
		b.settle(t, b.alice)
		b.works(t, regenerated, true)
	}
	if disabler, ok := b.Service.(keyservice.Disabler); ok {
		expect(t, disabler.Disable(t.Context(), b.alice, made.ID), fine)
	}
	expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
	keys := b.settle(t, b.alice)
	if len(keys) != 1 || find(keys, made.ID) != nil {
		t.Errorf("left: %+v", keys)
	}
	if after := theirs(b); len(after) != len(before) {
		t.Errorf("there were %v, and now %v", before, after)
	}
	for key, active := range theirs(b) {
		if was, known := before[key]; !known || was != active {
			t.Errorf("key %s is another than before", key)
		}
	}
}

func aForeignQuota(t *testing.T, s subject) {
	b := s.start(t, 0)
	for range b.capabilities(t).KeysPerUser {
		b.foreign(t, alice)
	}
	b.settle(t, b.alice)
	before := b.state()
	_, err := b.Create(t.Context(), b.alice, b.wanted(t, b.alice))
	expect(t, err, s.foreignFull)
	if after := b.state(); after != before {
		t.Errorf("keys changed:\n%s\n%s", before, after)
	}
}

func aQuotaThatCannotBeCounted(t *testing.T, s subject) {
	b := s.start(t, 0)
	for range b.capabilities(t).KeysPerUser {
		b.create(t, b.alice)
	}
	req := b.wanted(t, b.alice)
	create := func() error { _, err := b.Create(t.Context(), b.alice, req); return err }
	lists, creates := last(s.requests[opList]).rule, last(s.requests[opCreate]).rule
	lift := b.core.Inject(lists, simulator.Throttle("30"))
	if err := create(); keyservice.KindOf(err) != keyservice.QuotaExceeded { // of a service that says so itself, nothing has to be counted
		expect(t, err, retry(30*time.Second))
	}
	lift()
	if s.unknownUser == "" { // the create of another key is another request than that of the first, and is not sent to a full user
		creates = lists
	}
	for status, kind := range map[int]keyservice.Kind{429: keyservice.Throttled, 408: keyservice.Ambiguous, 500: keyservice.Ambiguous} {
		if kind == keyservice.Ambiguous && s.unknownUser == "" {
			kind = keyservice.Unavailable
		}
		lift := b.core.Inject(creates, simulator.Answer(status, nil, ""))
		expect(t, create(), expected{kind: kind})
		lift()
	}
	expect(t, create(), expected{kind: keyservice.QuotaExceeded})
}

func last(requests []request) request { return requests[len(requests)-1] }

func unknownUsers(t *testing.T, s subject) {
	b := s.start(t, 0)
	unknown := b.user(carol)
	before := b.state()
	keys, err := b.List(t.Context(), unknown)
	expect(t, err, expected{kind: s.unknownUser})
	if len(keys) != 0 {
		t.Errorf("listed: %+v", keys)
	}
	req := keyservice.CreateRequest{Owner: owner, TTL: ttl}
	if chooser, ok := b.Service.(keyservice.HandleChooser); ok {
		req.ID = chooser.ChooseID(unknown, owner, 1, nil)
	}
	made, err := b.Create(t.Context(), unknown, req)
	expect(t, err, expected{kind: s.unknownUser})
	switch changed := b.state() != before; {
	case s.unknownUser == "":
		b.works(t, made, true)
	case changed:
		t.Error("a key was made")
	}
	if failed, ok := errors.AsType[*keyservice.Error](err); ok && s.documented != nil && !strings.Contains(failed.Error(), carol) {
		t.Errorf("the error does not name the user: %v", err)
	}
}
