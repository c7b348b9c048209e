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

// Simulator simulates the service. It is an http.Handler. Its other methods make manual changes at the service. It is safe
// for concurrent use.
type Simulator struct {
	*simulator.Core

	options Options

	mu        sync.Mutex
	users     map[string]*user
	tokens    map[string]token
	keys      map[string]*key // by ID
	replaced  []replaced
	destroyed map[string]bool // IDs of deleted keys
}

// user is a user of the contract.
type user struct {
	name, id string
	// barred users lack the privilege to use the Object Storage.
	barred bool
}

type token struct {
	user    *user
	expires time.Time // zero: never
}

// New returns a service without users.
func New(options Options) *Simulator {
	s := &Simulator{
		Core:    simulator.NewCore(options.Clock),
		options: options.withDefaults(),
		users:   map[string]*user{}, tokens: map[string]token{}, keys: map[string]*key{}, destroyed: map[string]bool{},
	}
	s.routes()
	return s
}

// AddUser creates a user and returns a token that does not expire. The name is the Owner of the user's pairs.
func (s *Simulator) AddUser(name string) string {
	s.mu.Lock()
	s.users[name] = &user{name: name, id: newUUID()}
	s.mu.Unlock()
	return s.AddToken(name, time.Time{})
}

// AddToken issues a token of a user with this expiry. If the expiry is zero, the token does not expire. AddToken panics if the
// user does not exist.
func (s *Simulator) AddToken(name string, expires time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(`{"typ":"JWT"}`)) + "." + part([]byte(`{"identity":{"uuid":"`+s.users[name].id+`","contractNumber":1}}`)) + "." + part([]byte(simulator.Random(32, simulator.Base64)))
	s.tokens[text] = token{user: s.users[name], expires: expires}
	return text
}

// RevokeTokens revokes every token.
func (s *Simulator) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// SetPrivilege grants or revokes the privilege to use the Object Storage. New users have it.
func (s *Simulator) SetPrivilege(name string, granted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[name].barred = !granted
}

// MakeKey creates a key of a user by hand. It also returns the secret.
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

// RemoveKey removes a key by hand, without delay, and reports whether it existed.
func (s *Simulator) RemoveKey(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove(id)
}

// FailKey sets the status of a key to FAILED with this reason.
func (s *Simulator) FailKey(id, reason string) { s.change(id, func(k *key) { k.failure = reason }) }

// Describe replaces the description of a key.
func (s *Simulator) Describe(id, description string) {
	s.change(id, func(k *key) { k.description = description })
}

// Keys returns the pairs of a user that have not been deleted.
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
