// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// keysPerUser: "a user must have fewer than two keys" to be given one.
const keysPerUser = 2

// Simulator is a Qumulo cluster: an http.Handler with what people do at the cluster beside it. Safe for concurrent use.
type Simulator struct {
	*simulator.Core

	options Options

	mu         sync.Mutex
	identities []Identity           // the place of each gives its auth_id
	byName     map[string][]int     // places of the identities of a name
	tokens     map[string]time.Time // until when they hold; zero: for ever
	privileges []string
}

// New returns a cluster without users and keys, whose one account has every privilege.
func New(options Options) *Simulator {
	s := &Simulator{
		Core:       simulator.NewCore(options.Clock),
		options:    options.withDefaults(),
		byName:     map[string][]int{},
		tokens:     map[string]time.Time{},
		privileges: []string{CredentialsRead, CredentialsWrite, BucketsRead, BucketsWrite},
	}
	s.routes()
	return s
}

// AddUser makes a local user and returns its auth_id. A name that was deleted can be used again, with a new auth_id.
func (s *Simulator) AddUser(name string) (authID string) {
	return s.AddIdentity(Identity{Domain: DomainLocal, Name: name})
}

// AddIdentity adds somebody who is not a local user, and returns the auth_id.
func (s *Simulator) AddIdentity(identity Identity) (authID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	identity.authID = FirstAuthID + uint64(len(s.identities))
	if identity.SID == "" {
		identity.SID = fmt.Sprintf("S-1-5-21-1-2-3-%d", identity.authID)
	}
	s.byName[identity.Name] = append(s.byName[identity.Name], len(s.identities))
	s.identities = append(s.identities, identity)
	return strconv.FormatUint(identity.authID, 10)
}

// DeleteUser deletes a local user. As in a live cluster the keys go on working, and the name leads nowhere, even when a
// new user takes it.
func (s *Simulator) DeleteUser(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.identities {
		if s.identities[i].Domain == DomainLocal && s.identities[i].Name == name {
			s.identities[i].deleted = true
		}
	}
}

// MakeKey makes a key of the user by hand, such as "local:alice", and returns its secret too.
func (s *Simulator) MakeKey(user string) (pair simulator.Pair, secret string, err error) {
	query, err := parseUser(user)
	if err != nil {
		return simulator.Pair{}, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	identity, refused := s.find(query)
	if refused == nil {
		pair, secret, refused = s.makeKey(identity, simulator.Person)
	}
	if refused != nil {
		return simulator.Pair{}, "", refused
	}
	return pair, secret, nil
}

// RemoveKey deletes a key by hand, and reports whether there was one.
func (s *Simulator) RemoveKey(id string) bool { return s.End(id, simulator.Person) }

// Keys returns the live keys of the user, such as "local:alice"; none for an unknown user. A deleted one goes by auth_id.
func (s *Simulator) Keys(user string) []simulator.Pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, refused := s.ownerOf(user)
	if refused != nil {
		return nil
	}
	return s.keysOf(owner)
}

// AddToken issues a long-lived access token that ends at expires; zero: never.
func (s *Simulator) AddToken(expires time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issue("access-v1:", expires)
}

// RevokeTokens ends every session and access token.
func (s *Simulator) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// SetPrivileges gives the account these privileges and no others.
func (s *Simulator) SetPrivileges(privileges ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.privileges = privileges
}

func (s *Simulator) issue(prefix string, expires time.Time) string {
	token := prefix + base64.StdEncoding.EncodeToString(randomBytes(36))
	s.tokens[token] = expires
	s.RecordToken(token)
	return token
}

func (s *Simulator) keysOf(owner string) []simulator.Pair {
	return s.LivePairsOf(owner)
}

// makeKey makes a key unless the owner has two, or is a group. Called with s.mu held.
func (s *Simulator) makeKey(owner Identity, by string) (simulator.Pair, string, *apiError) {
	if owner.Group {
		return simulator.Pair{}, "", &apiError{400, "cred_identity_not_supported_error", "a group cannot own access keys"}
	}
	if len(s.keysOf(owner.owner())) >= keysPerUser {
		return simulator.Pair{}, "", &apiError{s.options.LimitStatus, s.options.LimitClass, "the user has two access keys"}
	}
	// The documents' example is 000000000001fEXAMPLE: 13 hexadecimal digits and 7 letters.
	id := hex.EncodeToString(randomBytes(7))[:13] + letters(7)
	secret := base64.StdEncoding.EncodeToString(randomBytes(30))
	pair := s.Record(simulator.Pair{ID: id, AccessKeyID: id, Owner: owner.owner(), CreatedBy: by}, secret)
	return pair, secret, nil
}

func randomBytes(n int) []byte {
	random := make([]byte, n)
	_, _ = rand.Read(random) // never fails
	return random
}

func letters(n int) string {
	text := randomBytes(n)
	for i := range text {
		text[i] = 'A' + text[i]%26
	}
	return string(text)
}
