// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"slices"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
)

// AddUser makes a user.
func (s *Service) AddUser(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[user] = true
}

// DeleteUser removes a user with their keys, and reports whether there was one.
func (s *Service) DeleteUser(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	existed := s.users[user]
	delete(s.users, user)
	s.keys = slices.DeleteFunc(s.keys, func(k *key) bool {
		if k.user == user {
			s.End(k.id, simulator.Person)
		}
		return k.user == user
	})
	return existed
}

// UseKey notes a request to the data plane that is signed with a key.
func (s *Service) UseKey(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.find(id); k != nil {
		k.used = s.clock.Now()
	}
}

// MakeKey makes a key of the user by hand, and returns its secret too.
func (s *Service) MakeKey(user string) (pair simulator.Pair, secret string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[user] = true
	k, err := s.make(user, keyservice.CreateRequest{}, simulator.Person)
	if err != nil {
		return simulator.Pair{}, "", err
	}
	pairs := s.LivePairsOf(user)
	return pairs[len(pairs)-1], k.secret, nil
}

// RemoveKey makes a key vanish at once, and reports whether there was one.
func (s *Service) RemoveKey(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(id)
	s.keys = slices.DeleteFunc(s.keys, func(k *key) bool { return k == found })
	return s.End(id, simulator.Person)
}

// Keys returns the pairs of the user that were not deleted.
func (s *Service) Keys(user string) []simulator.Pair {
	return s.LivePairsOf(user)
}

// Valid is the data plane: whether a request that is signed with this pair is let in.
func (s *Service) Valid(accessKeyID, secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Ledger.Valid(accessKeyID, secret) && slices.ContainsFunc(s.keys, func(k *key) bool {
		return k.accessKeyID == accessKeyID && s.state(k) == keyservice.Active && (k.expires.IsZero() || s.clock.Now().Before(k.expires))
	})
}

// Active reports whether a key is there and neither disabled nor on its way in or out.
func (s *Service) Active(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.find(id)
	return k != nil && s.state(k) == keyservice.Active
}
