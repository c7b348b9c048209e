// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"slices"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
)

// userCases are about services whose users are made and deleted with their keys.
var userCases = []contractCase{
	{"a create says whether it made the user", everyone, createsSayWhetherTheyMadeTheUser},
	{"a user that a create made is deleted with its last key, also if a person deleted the key", deletesUsers, usersGoWithTheirLastKey},
	{"a user that a person made stays when its key is gone", deletesUsers, func(t *testing.T, s subject) {
		b := s.start(t, 0)
		foreign := b.foreign(t, bob)
		b.RemoveKey(foreign.ID)
		expect(t, b.Delete(t.Context(), b.bob, foreign.ID), fine)
		b.hasUser(t, bob, true)
	}},
	{"a user stays while it has another key, although the deleted one is gone", func(s subject, service keyservice.Service) bool {
		return deletesUsers(s, service) && overlaps(service)
	}, func(t *testing.T, s subject) {
		for _, second := range []bool{false, true} {
			b := s.start(t, 0)
			gone, left := b.create(t, b.alice), b.create(t, b.alice)
			if second {
				gone, left = left, gone
			}
			b.RemoveKey(gone.ID)
			expect(t, b.Delete(t.Context(), b.alice, gone.ID), fine)
			b.hasUser(t, alice, true)
			b.works(t, left, true)
			expect(t, b.Delete(t.Context(), b.alice, left.ID), fine)
			b.hasUser(t, alice, false)
		}
	}},
}

func deletesUsers(_ subject, service keyservice.Service) bool {
	return keyservice.CapabilitiesOf(service).DeletesUsers
}

// hasUser fails the test unless the service has the named user, or not.
func (b *bed) hasUser(t *testing.T, name string, want bool) {
	t.Helper()
	all := b.world.(interface{ Users() []string }).Users()
	if slices.Contains(all, name) != want {
		t.Errorf("the users are %v; user %s is there: %t, want %t", all, name, !want, want)
	}
}

func createsSayWhetherTheyMadeTheUser(t *testing.T, s subject) {
	b := s.start(t, 0)
	makes := b.capabilities(t).DeletesUsers
	if made := b.create(t, b.alice); made.MadeUser != makes {
		t.Errorf("the first create made the user: %t, want %t", made.MadeUser, makes)
	}
	if b.capabilities(t).Overlap {
		if made := b.create(t, b.alice); made.MadeUser {
			t.Error("the second create made the user")
		}
	}
	if !makes {
		return
	}
	b.removeUser(alice)
	if made := b.create(t, b.alice); !made.MadeUser {
		t.Error("the create after the deletion of the user did not make it")
	}
	b.RemoveKey(b.list(t, b.alice)[0].ID)
	if made := b.create(t, b.alice); made.MadeUser {
		t.Error("the create for a user without keys made the user")
	}
}

func usersGoWithTheirLastKey(t *testing.T, s subject) {
	for name, removed := range map[string]bool{"the operator deletes the key": false, "a person deleted the key": true} {
		check(t, s, name, func(t *testing.T) {
			b := s.start(t, 0)
			made := b.create(t, b.alice)
			if removed {
				b.RemoveKey(made.ID)
			}
			b.hasUser(t, alice, true)
			for range 2 {
				expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
				b.hasUser(t, alice, false)
			}
			b.works(t, b.create(t, b.alice), true)
		})
	}
}
