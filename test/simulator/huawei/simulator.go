// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"slices"
	"sync"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// keysPerUser is documented: "Each user can have a maximum of two access keys" (user guide, managing access keys).
const keysPerUser = 2

// Simulator simulates an account at Huawei Cloud. It is an http.Handler. Its other methods make manual changes at the account.
// It is safe for concurrent use.
type Simulator struct {
	*simulator.Core

	options Options

	mu      sync.Mutex
	users   []User
	secrets map[string]string // of every key, by access key ID
	// operator is the key that the operator signs its requests with. It is not in the ledger, which holds the managed keys.
	operator simulator.Pair
	inactive map[string]bool
	lastUsed map[string]time.Time
	actions  []string        // nil: all
	locks    map[string]lock // by access key ID
	rate     simulator.Rate
}

// User is an IAM user. Its ID has 32 hexadecimal digits, so it cannot be mistaken for the name of another user.
type User struct{ ID, Name string }

// New returns an account with the user of the operator, which has every permission, and its key.
func New(options Options) *Simulator {
	s := &Simulator{
		Core:     simulator.NewCore(options.Clock),
		options:  options.withDefaults(),
		users:    []User{{OperatorID, OperatorName}},
		secrets:  map[string]string{DefaultAccessKeyID: DefaultSecretAccessKey},
		inactive: map[string]bool{},
		lastUsed: map[string]time.Time{},
		locks:    map[string]lock{},
	}
	s.operator = simulator.Pair{
		ID: DefaultAccessKeyID, AccessKeyID: DefaultAccessKeyID, Owner: OperatorID, CreatedBy: simulator.Person, CreatedAt: s.Now().Add(-time.Hour),
	}
	s.routes()
	return s
}

// AddUser creates an IAM user and returns its ID.
func (s *Simulator) AddUser(name string) (id string) {
	return s.AddUserWithID(simulator.Random(32, simulator.Hex), name)
}

// AddUserWithID is like AddUser, but the ID is that of the caller.
func (s *Simulator) AddUserWithID(id, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = append(s.users, User{ID: id, Name: name})
	return id
}

// RenameUser renames a user. The user keeps its ID and its keys.
func (s *Simulator) RenameUser(name, newName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.find(name); at >= 0 {
		s.users[at].Name = newName
	}
}

// DeleteUser deletes a user by name or ID, and the keys of the user. (The console warns of this.)
func (s *Simulator) DeleteUser(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(user)
	if at < 0 {
		return
	}
	for _, pair := range s.live(s.users[at].ID) {
		s.End(pair.ID, simulator.Person)
	}
	s.users = slices.Delete(s.users, at, at+1)
}

// MakeKey creates a key by hand for a user, by name or ID. It also returns the secret.
func (s *Simulator) MakeKey(user string) (pair simulator.Pair, secret string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(user)
	if at < 0 {
		return simulator.Pair{}, "", s.unknown("user")
	}
	pair, secret, refused := s.makeKey(s.users[at].ID, simulator.Person)
	if refused != nil {
		return simulator.Pair{}, "", refused
	}
	return pair, secret, nil
}

// RemoveKey deletes a key by hand, including the key of the operator, and reports whether it existed.
func (s *Simulator) RemoveKey(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(id, simulator.Person)
}

// SetActive enables or disables a key by hand, including the key of the operator.
func (s *Simulator) SetActive(id string, active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inactive[id] = !active
}

// Active reports whether a key exists and is enabled.
func (s *Simulator) Active(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, exists := s.pair(id)
	return exists && !s.inactive[id]
}

// Keys returns the keys of a user, by name or ID, including disabled keys.
func (s *Simulator) Keys(user string) []simulator.Pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(user)
	if at < 0 {
		return nil
	}
	return s.live(s.users[at].ID)
}

// Valid reports whether the data plane would accept a request that is signed with this pair. It rejects disabled keys.
func (s *Simulator) Valid(accessKeyID, secret string) bool {
	return s.Core.Valid(accessKeyID, secret) && s.Active(accessKeyID)
}

// Use simulates a request to the data plane and reports whether the pair is valid. A valid request updates the last use of the
// key, which has a resolution of 15 minutes (user guide, managing access keys).
func (s *Simulator) Use(accessKeyID, secret string) bool {
	if !s.Valid(accessKeyID, secret) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.Now(); now.Sub(s.lastUsed[accessKeyID]) >= 15*time.Minute {
		s.lastUsed[accessKeyID] = now
	}
	return true
}

// Allow gives the user of the operator exactly these permissions.
func (s *Simulator) Allow(actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.actions = append([]string{}, actions...)
}

// find returns the index of a user by ID or name, or -1. Like all functions below, it requires that s.mu is held.
func (s *Simulator) find(user string) int {
	return slices.IndexFunc(s.users, func(candidate User) bool { return candidate.ID == user || candidate.Name == user })
}

// live returns the existing keys of a user, by ID.
func (s *Simulator) live(owner string) []simulator.Pair {
	return slices.DeleteFunc(append([]simulator.Pair{s.operator}, s.LivePairs()...), func(pair simulator.Pair) bool {
		return pair.Owner != owner || !pair.Live()
	})
}

// pair returns an existing key.
func (s *Simulator) pair(id string) (simulator.Pair, bool) {
	for _, pair := range append(s.LivePairs(), s.operator) {
		if pair.ID == id && pair.Live() {
			return pair, true
		}
	}
	return simulator.Pair{}, false
}

func (s *Simulator) end(id, by string) bool {
	if id == s.operator.ID && s.operator.Live() {
		s.operator.DeletedAt, s.operator.DeletedBy = s.Now(), by
		return true
	}
	return s.End(id, by)
}

// makeKey creates a key unless the user has two already.
func (s *Simulator) makeKey(owner, by string) (simulator.Pair, string, *apiError) {
	counted := slices.DeleteFunc(s.live(owner), func(pair simulator.Pair) bool {
		return s.options.InactiveUncounted && s.inactive[pair.ID]
	})
	if len(counted) >= keysPerUser {
		return simulator.Pair{}, "", &apiError{s.options.LimitStatus, s.options.LimitCode, s.options.LimitMessage}
	}
	const alphanumeric = simulator.Upper + simulator.Digits
	id, secret := "HPUA"+simulator.Random(16, alphanumeric), simulator.Random(40, alphanumeric+simulator.Lower)
	pair := s.Record(simulator.Pair{ID: id, AccessKeyID: id, Owner: owner, CreatedBy: by}, secret)
	s.secrets[id] = secret
	return pair, secret, nil
}
