// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
)

// identityCases are about who a user is, and which service it is.
var identityCases = []contractCase{
	{"all spellings of a user resolve to one ID", able[keyservice.UserResolver], func(t *testing.T, s subject) {
		b := s.start(t, 0)
		id, other := b.resolve(t, b.alice), b.resolve(t, b.bob)
		if id == other {
			t.Errorf("two users are %s", id)
		}
		for _, spelling := range append(b.spellings(alice), id) {
			if got := b.resolve(t, spelling); got != id {
				t.Errorf("%s is %s, and %s is %s", b.alice, id, spelling, got)
			}
		}
	}},
	{"a user whom the service does not know has no ID", able[keyservice.UserResolver], func(t *testing.T, s subject) {
		b := s.start(t, 0)
		_, err := b.Service.(keyservice.UserResolver).ResolveUser(t.Context(), b.user(carol))
		expect(t, err, expected{kind: keyservice.NotFound})
	}},
	{"every method takes the ID of a user", able[keyservice.UserResolver], everyMethodTakesTheID},
	{"a key can be deleted when its user is gone", everyone, deletingWithoutTheUser},
	{"the identity of a service does not depend on its address, and no other service has it", able[keyservice.Identifier], identities},
}

// resolve a user as a process does that has just started.
func (b *bed) resolve(t *testing.T, user string) string {
	t.Helper()
	fresh, _ := b.dial(t)
	id, err := fresh.(keyservice.UserResolver).ResolveUser(t.Context(), user)
	if err != nil || id == "" {
		t.Fatalf("ResolveUser(%q): %q, %v", user, id, err)
	}
	return id
}

func everyMethodTakesTheID(t *testing.T, s subject) {
	b := s.start(t, 0)
	id := b.resolve(t, b.alice)
	made := b.create(t, id)
	if keys := b.list(t, b.alice); find(keys, made.ID) == nil {
		t.Errorf("listed by name: %+v", keys)
	}
	if keys := b.list(t, id); find(keys, made.ID) == nil {
		t.Errorf("listed by ID: %+v", keys)
	}
	if regenerator, ok := b.Service.(keyservice.Regenerator); ok {
		if _, err := regenerator.Regenerate(t.Context(), id, made.ID, ttl); err != nil {
			t.Errorf("Regenerate: %v", err)
		}
	}
	if reporter, ok := b.Service.(keyservice.LastUsedReporter); ok {
		if _, err := reporter.LastUsed(t.Context(), id, made.ID); err != nil {
			t.Errorf("LastUsed: %v", err)
		}
	}
	if disabler, ok := b.Service.(keyservice.Disabler); ok {
		expect(t, disabler.Disable(t.Context(), id, made.ID), fine)
		b.works(t, made, false)
	}
	if enabler, ok := b.Service.(keyservice.Enabler); ok {
		expect(t, enabler.Enable(t.Context(), id, made.ID), fine)
		b.works(t, made, true)
	}
	expect(t, b.Delete(t.Context(), id, made.ID), fine)
	if keys := b.settle(t, b.alice); len(keys) != 0 {
		t.Errorf("left: %+v", keys)
	}
}

// deletingWithoutTheUser uses the ID where the service has one, as the operator records it.
func deletingWithoutTheUser(t *testing.T, s subject) {
	b := s.start(t, 0)
	user := b.alice
	if is[keyservice.UserResolver](b.Service) {
		user = b.resolve(t, b.alice)
	}
	made := b.create(t, user)
	b.removeUser(alice)
	b.pass(10 * time.Minute) // past any delay in which the service may not know the key yet
	fresh, _ := b.dial(t)
	for range 2 {
		expect(t, fresh.Delete(t.Context(), user, made.ID), fine)
		b.works(t, made, false)
	}
}

func identities(t *testing.T, s subject) {
	b := s.start(t, 0)
	identity := func(service keyservice.Service) string {
		got, err := service.(keyservice.Identifier).Identity(t.Context())
		if err != nil || got == "" {
			t.Fatalf("Identity: %q, %v", got, err)
		}
		return got
	}
	want := identity(b.Service)
	if b.server != nil {
		second, err := simulator.Serve(b.core)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = second.Close() })
		there, _ := b.dialAs(t, rest.TransportConfig{CABundle: second.CA, QPS: 1e6, Burst: 1e6}, second.URL)
		if got := identity(there); got != want {
			t.Errorf("%s at one address, and %s at another", want, got)
		}
	}
	if other := identity(s.start(t, 0).Service); other == want {
		t.Errorf("two services are %s", want)
	}
}
