// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"sync"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
)

// oddIDs could name the collection or another resource in a path.
func oddIDs(t *testing.T, s subject) {
	b := s.start(t, 0)
	b.create(t, b.alice)
	before, sent := b.state(), b.sent()
	invalid := expected{kind: keyservice.Invalid}
	for _, id := range []string{"", ".", "..", "../../users/500", "a/renew", "a?b", "a#b", "a%2fb", `a\b`, "a b", "a\n", "ä"} {
		expect(t, b.Delete(t.Context(), b.alice, id), invalid)
		if regenerator, ok := b.Service.(keyservice.Regenerator); ok {
			_, err := regenerator.Regenerate(t.Context(), b.alice, id, ttl)
			expect(t, err, invalid)
		}
		if disabler, ok := b.Service.(keyservice.Disabler); ok {
			expect(t, disabler.Disable(t.Context(), b.alice, id), invalid)
		}
		if enabler, ok := b.Service.(keyservice.Enabler); ok {
			expect(t, enabler.Enable(t.Context(), b.alice, id), invalid)
		}
		if reporter, ok := b.Service.(keyservice.LastUsedReporter); ok {
			_, err := reporter.LastUsed(t.Context(), b.alice, id)
			expect(t, err, invalid)
		}
	}
	if b.sent() != sent || b.state() != before {
		t.Errorf("%d requests were sent", b.sent()-sent)
	}
}

// manyUsersAtOnce lets a new process create, list and delete keys of several users at the same time.
func manyUsersAtOnce(t *testing.T, s subject) {
	b := s.start(t, 0)
	users := []string{b.alice, b.bob}
	for _, name := range []string{"erin", "frank", "grace"} {
		b.RemoveKey(b.foreign(t, name).ID) // the user stays
		users = append(users, b.user(name))
	}
	service, _ := b.dial(t)
	requests := make([]keyservice.CreateRequest, len(users))
	for i, user := range users {
		requests[i] = b.wanted(t, user)
	}
	var group sync.WaitGroup
	for i, user := range users {
		group.Go(func() {
			made, err := service.Create(t.Context(), user, requests[i])
			if err != nil {
				t.Errorf("Create for user %q: %v", user, err)
				return
			}
			if keys, err := service.List(t.Context(), user); err != nil || find(keys, made.ID) == nil {
				t.Errorf("List of user %q: %+v, %v", user, keys, err)
			}
			if err := service.Delete(t.Context(), user, made.ID); err != nil {
				t.Errorf("Delete for user %q: %v", user, err)
			}
		})
	}
	group.Wait()
}
