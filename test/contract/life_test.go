// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

var lifeCases = []contractCase{
	{"a user without keys has an empty list", everyone, func(t *testing.T, s subject) {
		b := s.start(t, 0)
		if keys := b.list(t, b.bob); len(keys) != 0 {
			t.Errorf("got %+v", keys)
		}
	}},
	{"a created pair is listed, and works once it is listed as active", everyone, aCreatedPairWorks},
	{"a created key belongs to its user only", everyone, func(t *testing.T, s subject) {
		b := s.start(t, 0)
		b.foreign(t, "dave")
		made := b.create(t, b.alice)
		if keys := b.list(t, b.bob); b.bob != b.alice && len(keys) != 0 {
			t.Errorf("it is listed for another user: %+v", keys)
		}
		if keys := b.list(t, b.alice); len(keys) != 1 || keys[0].ID != made.ID {
			t.Errorf("got %+v", keys)
		}
	}},
	{"a deleted key stops working and goes from the list", everyone, aDeletedKeyGoes},
	{"a key can be deleted again, and again when it is gone", everyone, aKeyIsDeletedAgain},
	{"a key that a person removed is deleted", everyone, func(t *testing.T, s subject) {
		b := s.start(t, 0)
		made := b.create(t, b.alice)
		b.RemoveKey(made.ID)
		b.pass(10 * time.Minute) // past any delay in which the service may not know the key yet
		expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
	}},
	{"requests of many users at once work", everyone, manyUsersAtOnce},
	{"an ID that is no key's is refused and never sent", simulated, oddIDs},
	{"deleting one key leaves the other", func(_ subject, service keyservice.Service) bool { return overlaps(service) }, oneKeyIsDeleted},
	{"two keys of a user work side by side where the service says so", func(_ subject, service keyservice.Service) bool {
		return overlaps(service)
	}, keysOverlap},
	{"a pair ends with its ttl where the service has an expiry", func(_ subject, service keyservice.Service) bool {
		return keyservice.CapabilitiesOf(service).MaxTTL > 0
	}, pairsEnd},
	{"a regenerated key keeps its ID and has a new pair, which alone works", able[keyservice.Regenerator], regenerating},
	{"an absent key cannot be regenerated, and none is made", able[keyservice.Regenerator], regeneratingNothing},
	{"a disabled key stops working and stays listed as such", able[keyservice.Disabler], disabling},
	{"a key can be disabled again, and when it is gone", able[keyservice.Disabler], disablingAgain},
	{"a disabled key works again once it is enabled", able[keyservice.Enabler], enabling},
	{"an absent key, or one of another user, cannot be enabled", able[keyservice.Enabler], enablingNothing},
	{"a key that was never used has no last use", able[keyservice.LastUsedReporter], lastUse},
	{"a chosen ID is the same for the same attempt where the key can be regenerated, and the key gets it", chooses, chosenIDs},
	{"a probe names the service and makes nothing", able[keyservice.Prober], func(t *testing.T, s subject) {
		b := s.start(t, 0)
		version, err := b.Service.(keyservice.Prober).Probe(t.Context())
		if err != nil || version == "" {
			t.Errorf("got %q, %v", version, err)
		}
	}},
	{"connecting may be repeated", able[keyservice.Connector], func(t *testing.T, s subject) {
		b := s.start(t, 0)
		before := b.capabilities(t)
		if after := b.capabilities(t); after != before {
			t.Errorf("got %+v, then %+v", before, after)
		}
	}},
}

func aCreatedPairWorks(t *testing.T, s subject) {
	b := s.start(t, 0)
	req := b.wanted(t, b.alice)
	made, err := b.Create(t.Context(), b.alice, req)
	if err != nil {
		t.Fatal(err)
	}
	if !answers(made, req) {
		t.Errorf("got %+v for %+v", made, req)
	}
	listed := find(b.list(t, b.alice), made.ID)
	if listed == nil {
		t.Fatal("it is not listed")
	}
	b.works(t, made, listed.State != keyservice.Pending)
	b.expectFromANewProcess(t, *listed)
	b.settle(t, b.alice)
	listed = find(b.list(t, b.alice), made.ID)
	if listed == nil || !active(*listed) || listed.AccessKeyID != made.AccessKeyID {
		t.Fatalf("listed as %+v", listed)
	}
	b.works(t, made, true)
	if !listed.CreatedAt.IsZero() && listed.CreatedAt.Sub(begin).Abs() > time.Second {
		t.Errorf("made at %s, want %s", listed.CreatedAt, begin)
	}
	if is[keyservice.Regenerator](b.Service) && listed.OwnerUID != owner.UID { // a lost key is found again by its mark
		t.Errorf("the owner is %q", listed.OwnerUID)
	}
}

// expectFromANewProcess checks that a state does not depend on what this process remembers.
func (b *bed) expectFromANewProcess(t *testing.T, listed keyservice.Key) {
	t.Helper()
	fresh, _ := b.dial(t)
	keys, err := fresh.List(t.Context(), b.alice)
	if found := find(keys, listed.ID); err != nil || found == nil || found.State != listed.State {
		t.Errorf("listed as %+v, and by a new process as %+v, %v", listed, keys, err)
	}
}

// answers reports whether a credential has all its parts, and the ID that was asked for, if any was.
func answers(made keyservice.Credential, req keyservice.CreateRequest) bool {
	whole := made.ID != "" && made.AccessKeyID != "" && made.SecretAccessKey != ""
	return whole && (req.ID == "" || made.ID == req.ID)
}

// active reports whether a key is active. A service without states leaves the state empty.
func active(key keyservice.Key) bool { return key.State == keyservice.Active || key.State == "" }

func aDeletedKeyGoes(t *testing.T, s subject) {
	b := s.start(t, 0)
	made := b.create(t, b.alice)
	expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
	b.works(t, made, false)
	if left := find(b.list(t, b.alice), made.ID); left != nil {
		if !b.capabilities(t).DeletesLater || left.State != keyservice.Deleting {
			t.Errorf("it is listed as %+v", left)
		}
	}
	if keys := b.settle(t, b.alice); len(keys) != 0 {
		t.Errorf("left: %+v", keys)
	}
}

func aKeyIsDeletedAgain(t *testing.T, s subject) {
	b := s.start(t, 0)
	made := b.create(t, b.alice)
	for range 2 {
		expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
	}
	b.settle(t, b.alice)
	before := b.state()
	expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
	another, _ := b.dial(t)
	expect(t, another.Delete(t.Context(), b.alice, made.ID), fine)
	if after := b.state(); after != before {
		t.Errorf("keys changed:\n%s\n%s", before, after)
	}
}

func oneKeyIsDeleted(t *testing.T, s subject) {
	for name, second := range map[string]bool{"the older": false, "the newer": true} {
		check(t, s, name, func(t *testing.T) {
			b := s.start(t, 0)
			gone, left := b.create(t, b.alice), b.create(t, b.alice)
			if second {
				gone, left = left, gone
			}
			expect(t, b.Delete(t.Context(), b.alice, gone.ID), fine)
			b.works(t, gone, false)
			b.works(t, left, true)
			if keys := b.settle(t, b.alice); len(keys) != 1 || keys[0].ID != left.ID {
				t.Errorf("left: %+v", keys)
			}
		})
	}
}

func keysOverlap(t *testing.T, s subject) {
	b := s.start(t, 0)
	var all []keyservice.Credential
	for range b.capabilities(t).KeysPerUser {
		all = append(all, b.create(t, b.alice))
	}
	keys := b.list(t, b.alice)
	for _, made := range all {
		b.works(t, made, true)
		if find(keys, made.ID) == nil {
			t.Errorf("key %s is not listed among %+v", made.ID, keys)
		}
	}
	if len(keys) != len(all) {
		t.Errorf("%d keys are listed, %d were made", len(keys), len(all))
	}
}

func pairsEnd(t *testing.T, s subject) {
	b := s.start(t, 0)
	made := b.create(t, b.alice)
	listed := find(b.list(t, b.alice), made.ID)
	if listed == nil || listed.ExpiresAt.Sub(b.clock.Now().Add(ttl)).Abs() > 10*time.Minute {
		t.Fatalf("listed as %+v", listed)
	}
	for name, wrong := range map[string]time.Duration{"too long": b.capabilities(t).MaxTTL + time.Second, "negative": -time.Second} {
		before := b.state()
		req := b.wanted(t, b.bob)
		req.TTL = wrong
		_, err := b.Create(t.Context(), b.bob, req)
		if keyservice.KindOf(err) != keyservice.Invalid || b.state() != before {
			t.Errorf("a ttl that is %s: %v", name, err)
		}
	}
	b.pass(ttl)
	b.works(t, made, false)
	if regenerator, ok := b.Service.(keyservice.Regenerator); ok {
		again, err := regenerator.Regenerate(t.Context(), b.alice, made.ID, time.Hour)
		if err != nil || again.ExpiresAt.Sub(b.clock.Now().Add(time.Hour)).Abs() > time.Minute {
			t.Errorf("regenerated: %+v, %v", again, err)
		}
	}
}

func regenerating(t *testing.T, s subject) {
	b := s.start(t, 0)
	made := b.create(t, b.alice)
	regenerated, err := b.Service.(keyservice.Regenerator).Regenerate(t.Context(), b.alice, made.ID, ttl)
	if err != nil || regenerated.ID != made.ID || regenerated.OwnerUID != made.OwnerUID || regenerated.SecretAccessKey == made.SecretAccessKey {
		t.Fatalf("got %+v, %v", regenerated, err)
	}
	if regenerated.AccessKeyID == made.AccessKeyID && !b.Limits().KeepsAccessKeyID {
		t.Errorf("the access key ID is still %s, so a list does not show whether the key was regenerated", made.AccessKeyID)
	}
	keys := b.settle(t, b.alice)
	b.works(t, made, false)
	b.works(t, regenerated, true)
	if len(keys) != 1 || keys[0].AccessKeyID != regenerated.AccessKeyID {
		t.Errorf("listed: %+v", keys)
	}
}

func regeneratingNothing(t *testing.T, s subject) {
	b := s.start(t, 0)
	made := b.create(t, b.alice)
	expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
	b.settle(t, b.alice)
	before := b.state()
	if _, err := b.Service.(keyservice.Regenerator).Regenerate(t.Context(), b.alice, made.ID, ttl); err == nil {
		t.Error("no error")
	}
	if after := b.state(); after != before {
		t.Errorf("keys changed:\n%s\n%s", before, after)
	}
}
