// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// keysPerUser is documented: "a user must have fewer than two keys" before a create.
const keysPerUser = 2

// Simulator simulates a Qumulo cluster. It is an http.Handler. Its other methods make manual changes at the cluster. It is
// safe for concurrent use.
type Simulator struct {
	*simulator.Core

	options Options

	mu         sync.Mutex
	added      uint64                 // number of added identities
	identities map[string][]*Identity // by identityQuery.key
	tokens     map[string]time.Time   // the expiry of each token; zero: never
	privileges []string
}

// New returns a cluster without users and keys. Its only account has every privilege.
func New(options Options) *Simulator {
	s := &Simulator{
		Core:       simulator.NewCore(options.Clock),
		options:    options.withDefaults(),
		identities: map[string][]*Identity{},
		tokens:     map[string]time.Time{},
		privileges: []string{CredentialsRead, CredentialsWrite, BucketsRead, BucketsWrite},
	}
	s.routes()
	return s
}

// AddUser creates a local user and returns its auth_id. The name of a deleted user can be reused and gets a new auth_id.
func (s *Simulator) AddUser(name string) (authID string) {
	return s.AddIdentity(Identity{Domain: DomainLocal, Name: name})
}

// AddIdentity adds an identity of any domain and returns its auth_id.
func (s *Simulator) AddIdentity(identity Identity) (authID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	identity.authID = FirstAuthID + s.added
	s.added++
	if identity.SID == "" {
		identity.SID = fmt.Sprintf("S-1-5-21-1-2-3-%d", identity.authID)
	}
	authID = strconv.FormatUint(identity.authID, 10)
	keys := []string{"auth_id:" + authID, "sid:" + identity.SID, "name:" + identity.Name}
	if identity.UID != nil {
		keys = append(keys, fmt.Sprint("uid:", *identity.UID))
	}
	for _, key := range keys {
		s.identities[key] = append(s.identities[key], &identity)
	}
	return authID
}

// DeleteUser deletes a local user. As on a live cluster, the keys keep working and the name cannot be resolved any more, even
// if a new user reuses it.
func (s *Simulator) DeleteUser(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, identity := range s.identities["name:"+name] {
		identity.deleted = identity.deleted || identity.Domain == DomainLocal
	}
}

// MakeKey creates a key by hand for a user such as "local:alice". It also returns the secret.
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

// RemoveKey deletes a key by hand and reports whether it existed.
func (s *Simulator) RemoveKey(id string) bool { return s.End(id, simulator.Person) }

// Keys returns the keys of a user such as "local:alice". It finds a deleted user only by auth_id.
func (s *Simulator) Keys(user string) []simulator.Pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, refused := s.ownerOf(user)
	if refused != nil {
		return nil
	}
	return s.LivePairsOf(owner)
}

// AddToken issues an access token with this expiry. If the expiry is zero, the token does not expire.
func (s *Simulator) AddToken(expires time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issue("access-v1:", expires)
}

// RevokeTokens revokes every session token and access token.
func (s *Simulator) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// SetPrivileges gives the account exactly these privileges.
func (s *Simulator) SetPrivileges(privileges ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.privileges = privileges
}

func (s *Simulator) issue(prefix string, expires time.Time) string {
	token := prefix + simulator.Random(48, simulator.Base64)
	s.tokens[token] = expires
	s.RecordToken(token)
	return token
}

// makeKey creates a key unless the owner is a group or has two keys already. The caller holds s.mu.
func (s *Simulator) makeKey(owner Identity, by string) (simulator.Pair, string, *apiError) {
	if owner.Group {
		return simulator.Pair{}, "", &apiError{400, "cred_identity_not_supported_error", "a group cannot own access keys"}
	}
	if len(s.LivePairsOf(owner.owner())) >= keysPerUser {
		return simulator.Pair{}, "", &apiError{s.options.LimitStatus, s.options.LimitClass, "the user has two access keys"}
	}
	// The example of the documents is 000000000001fEXAMPLE: 13 hexadecimal digits and 7 letters.
	id := simulator.Random(13, simulator.Hex) + simulator.Random(7, simulator.Upper)
	secret := simulator.Random(40, simulator.Base64)
	pair := s.Record(simulator.Pair{ID: id, AccessKeyID: id, Owner: owner.owner(), CreatedBy: by}, secret)
	return pair, secret, nil
}
