// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// Simulator is the service: an http.Handler with what people do at it beside. Safe for concurrent use.
type Simulator struct {
	*simulator.Core

	options Options

	mu        sync.Mutex
	users     map[string]*user
	tokens    map[string]token
	keys      map[string]*key // by ID
	replaced  []replaced
	destroyed map[string]bool // IDs of keys that are gone
	second    time.Time       // that RatePerSecond counts
	requests  int             // in it
}

// user of a contract.
type user struct {
	name, id string
	// barred: without the privilege to use the Object Storage.
	barred bool
}

type token struct {
	user    *user
	expires time.Time // zero: never
}

// New returns the service without users.
func New(options Options) *Simulator {
	s := &Simulator{
		Core:    simulator.NewCore(options.Clock),
		options: options.withDefaults(),
		users:   map[string]*user{}, tokens: map[string]token{}, keys: map[string]*key{}, destroyed: map[string]bool{},
	}
	s.routes()
	return s
}

// AddUser makes a user and returns a token of theirs that does not end. The name is the Owner of the user's pairs.
func (s *Simulator) AddUser(name string) string {
	s.mu.Lock()
	s.users[name] = &user{name: name, id: newUUID()}
	s.mu.Unlock()
	return s.AddToken(name, time.Time{})
}

// DeleteUser deletes a user with their tokens and keys.
func (s *Simulator) DeleteUser(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text, t := range s.tokens {
		if t.user.name == name {
			delete(s.tokens, text)
		}
	}
	for id, k := range s.keys {
		if k.owner.name == name {
			s.remove(id)
		}
	}
	delete(s.users, name)
}

// AddToken issues a token of the user that ends at expires; zero: never. It panics if there is no such user.
func (s *Simulator) AddToken(name string, expires time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(`{"typ":"JWT"}`)) + "." + part([]byte(`{"sub":"`+s.users[name].id+`"}`)) + "." + part(randomBytes(32))
	s.tokens[text] = token{user: s.users[name], expires: expires}
	return text
}

// RevokeTokens ends every token.
func (s *Simulator) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// SetPrivilege gives the user the privilege to use the Object Storage, or takes it away. New users have it.
func (s *Simulator) SetPrivilege(name string, granted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[name].barred = !granted
}

// MakeKey makes a key of the user by hand, and returns its secret too.
func (s *Simulator) MakeKey(name, description string) (pair simulator.Pair, secret string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	owner, exists := s.users[name]
	if !exists {
		return simulator.Pair{}, "", fmt.Errorf("there is no user %q", name)
	}
	k, refused := s.makeKey(owner, newUUID(), description, simulator.Person)
	if refused != nil {
		return simulator.Pair{}, "", refused
	}
	return k.pair, k.secret, nil
}

// RemoveKey makes a key vanish at once, and reports whether there was one.
func (s *Simulator) RemoveKey(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove(id)
}

// FailKey makes a key FAILED, for this reason.
func (s *Simulator) FailKey(id, reason string) { s.change(id, func(k *key) { k.failure = reason }) }

// Deactivate switches a key off, as the DCD can. This API shows nothing of it.
func (s *Simulator) Deactivate(id string) { s.change(id, func(k *key) { k.inactive = true }) }

// Describe replaces a key's description.
func (s *Simulator) Describe(id, description string) {
	s.change(id, func(k *key) { k.description = description })
}

// Description returns a key's description.
func (s *Simulator) Description(id string) (description string) {
	s.change(id, func(k *key) { description = k.description })
	return description
}

// Keys returns the user's pairs that were not deleted.
func (s *Simulator) Keys(name string) []simulator.Pair {
	return s.LivePairsOf(name)
}

func (s *Simulator) change(id string, change func(*key)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, exists := s.keys[id]; exists {
		change(k)
	}
}

func (s *Simulator) remove(id string) bool {
	_, exists := s.keys[id]
	if exists {
		delete(s.keys, id)
		s.destroyed[id] = true
		s.End(id, simulator.Person)
	}
	return exists
}
