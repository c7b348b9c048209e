// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"

	"accesskey.dev/operator/test/simulator"
)

// keysPerUser is documented: a user can have up to five access keys (page "Limitations").
const keysPerUser = 5

// These are the states of a key (metadata.status).
const (
	available    = "AVAILABLE"
	provisioning = "PROVISIONING"
	destroying   = "DESTROYING"
	failed       = "FAILED"
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

// key is an access key that exists.
type key struct {
	pair                simulator.Pair
	secret, description string
	owner               *user
	made, changed       time.Time
	// seen is when the key becomes visible. ready is when it starts to work.
	seen, ready time.Time
	// gone is when the accepted deletion completes. It is zero if there is none.
	gone time.Time
	// failure is the reason why the service could not create the key.
	failure string
}

func (k *key) status(now time.Time) string {
	switch {
	case !k.gone.IsZero():
		return destroying
	case k.failure != "":
		return failed
	case now.Before(k.ready):
		return provisioning
	default:
		return available
	}
}

// replaced is a pair that was regenerated. It works until the end of its grace period.
type replaced struct {
	pair   simulator.Pair
	secret string
	until  time.Time
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
	return s.AddUserWithToken(name, newUUID(), simulator.Random(32, simulator.Base64))
}

// AddUserWithToken is like AddUser, but the ID of the user and the signature, and therefore the token, are those of the caller.
func (s *Simulator) AddUserWithToken(name, id, signature string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[name] = &user{name: name, id: id}
	return s.addToken(name, signature, time.Time{})
}

// AddToken issues a token of a user with this expiry. If the expiry is zero, the token does not expire. AddToken panics if the
// user does not exist.
func (s *Simulator) AddToken(name string, expires time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addToken(name, simulator.Random(32, simulator.Base64), expires)
}

func (s *Simulator) addToken(name, signature string, expires time.Time) string {
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(`{"typ":"JWT"}`)) + "." + part([]byte(`{"identity":{"uuid":"`+s.users[name].id+`","contractNumber":1}}`)) + "." + part([]byte(signature))
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
	_, exists := s.keys[id]
	if exists {
		delete(s.keys, id)
		s.destroyed[id] = true
		s.End(id, simulator.Person)
	}
	return exists
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

// Valid reports whether the data plane would accept a request that is signed with this pair. Unlike Ledger.Valid, it rejects
// pairs that do not work yet, and accepts pairs that still work although they were replaced or deleted.
func (s *Simulator) Valid(accessKeyID, secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	now := s.Now()
	for _, k := range s.keys {
		if k.pair.AccessKeyID == accessKeyID && k.secret == secret {
			return s.works(k) && !now.Before(k.ready)
		}
	}
	for _, old := range s.replaced {
		if k, exists := s.keys[old.pair.ID]; exists && old.pair.AccessKeyID == accessKeyID && old.secret == secret {
			return s.works(k) && now.Before(old.until)
		}
	}
	return false
}

// works reports whether the state of a key lets its pairs work. Like all functions below, it requires that s.mu is held.
func (s *Simulator) works(k *key) bool {
	return k.failure == "" && (k.gone.IsZero() || s.options.DestroyingWorks)
}

// sweep removes the keys whose deletion has completed.
func (s *Simulator) sweep() {
	for id, k := range s.keys {
		if !k.gone.IsZero() && !s.Now().Before(k.gone) {
			delete(s.keys, id)
			s.destroyed[id] = true
		}
	}
}

// find returns a key that is visible to the user.
func (s *Simulator) find(owner *user, id string) (*key, *apiError) {
	k, exists := s.keys[id]
	if !exists || k.owner != owner || s.Now().Before(k.seen) {
		return nil, &apiError{http.StatusNotFound, "err-not-found", "there is no such access key"}
	}
	return k, nil
}

func (s *Simulator) count(owner *user) int {
	n := 0
	for _, k := range s.keys {
		if k.owner == owner && (k.gone.IsZero() || !s.options.DestroyingUncounted) {
			n++
		}
	}
	return n
}

func (s *Simulator) full(owner *user) *apiError {
	if s.count(owner) < keysPerUser {
		return nil
	}
	return &apiError{s.options.LimitStatus, s.options.LimitCode, "the user has reached the maximum number of access keys"}
}

// makeKey creates a key unless the owner has five already.
func (s *Simulator) makeKey(owner *user, id, description, by string) (*key, *apiError) {
	if refused := s.full(owner); refused != nil {
		return nil, refused
	}
	now := s.Now()
	k := &key{
		pair: simulator.Pair{ID: id, Owner: owner.name}, description: description, owner: owner, made: now, changed: now,
		seen: now.Add(s.options.Unseen), ready: now.Add(s.options.Provisioning),
	}
	s.keys[id] = k
	s.issue(k, newAccessKey(), by)
	return k, nil
}

func (s *Simulator) renewKey(k *key, by string) {
	s.replaced = append(s.replaced, replaced{k.pair, k.secret, s.Now().Add(s.options.RenewGrace)})
	s.touch(k)
	s.End(k.pair.ID, by)
	accessKey := k.pair.AccessKeyID
	if s.options.RenewChangesAccessKey {
		accessKey = newAccessKey()
	}
	s.issue(k, accessKey, by)
}

func (s *Simulator) touch(k *key) {
	k.changed = s.Now()
	if s.options.ChangesProvision {
		k.ready = s.Now().Add(s.options.Provisioning)
	}
}

// issue gives a key a new secret.
func (s *Simulator) issue(k *key, accessKey, by string) {
	k.secret = simulator.Random(40, simulator.Base64)
	k.pair = s.Record(simulator.Pair{ID: k.pair.ID, AccessKeyID: accessKey, Owner: k.pair.Owner, CreatedBy: by}, k.secret)
}

// newAccessKey returns 92 characters. This is the length of every key since 2024-04-25.
func newAccessKey() string {
	return "00000" + simulator.Random(87, simulator.Upper+simulator.Lower+simulator.Digits+"-_")
}

func newUUID() string { return string(uuid.NewUUID()) }
