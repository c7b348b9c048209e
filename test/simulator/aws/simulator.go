// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"slices"
	"strings"
	"sync"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// Simulator simulates an account at AWS. It is an http.Handler, which serves IAM and STS. Its other methods make manual changes at the
// account. It is safe for concurrent use.
type Simulator struct {
	*simulator.Core

	options Options

	mu       sync.Mutex
	users    []*user
	keys     []*key // in the order of their creation, including deleted keys
	roles    []*role
	sessions map[string]session // by access key ID
	actions  []string           // nil: all
	rate     simulator.Rate
}

// user is an IAM user. A user that is deleted and created again has a new ID.
type user struct {
	id, name, path string
	createdAt      time.Time
	static         bool
}

// New returns an account with the user of the operator, which has every permission, and its key. The key is not in the ledger, which
// holds the managed keys.
func New(options Options) *Simulator {
	s := &Simulator{Core: simulator.NewCore(options.Clock), options: options.withDefaults(), sessions: map[string]session{}}
	yesterday := s.Now().Add(-24 * time.Hour)
	operator := s.addUser(OperatorPath, OperatorName)
	operator.createdAt = yesterday
	s.keys = append(s.keys, &key{
		Pair: simulator.Pair{
			ID: DefaultAccessKeyID, AccessKeyID: DefaultAccessKeyID, Owner: operator.id, CreatedBy: simulator.Person, CreatedAt: yesterday,
		},
		secret: DefaultSecretAccessKey, changes: []change{{yesterday, true}},
	})
	s.routes()
	return s
}

// AddUser creates an IAM user and returns its ID.
func (s *Simulator) AddUser(name string) (id string) { return s.AddUserWithPath("/", name) }

// AddUserWithPath is like AddUser, but the user has a path, such as "/team-a/". The API names a user without its path.
func (s *Simulator) AddUserWithPath(path, name string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addUser(path, name).id
}

// AddStaticUser creates a user of the server's configuration file. The server does not keep a key that is created for such a user,
// but responds as if it did (SeaweedFS).
func (s *Simulator) AddStaticUser(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addUser("/", name).static = true
}

// RenameUser renames a user. The user keeps its ID and its keys.
func (s *Simulator) RenameUser(name, newName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if renamed := s.find(name); renamed != nil {
		renamed.name = newName
	}
}

// DeleteUser deletes a user, and the keys of the user, as the console does.
func (s *Simulator) DeleteUser(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := s.find(name)
	if owner == nil {
		return
	}
	for _, k := range s.live(owner.id) {
		s.end(k, simulator.Person)
	}
	s.users = slices.DeleteFunc(s.users, func(candidate *user) bool { return candidate == owner })
}

// MakeKey creates a key by hand. It also returns the secret.
func (s *Simulator) MakeKey(name string) (pair simulator.Pair, secret string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := s.find(name)
	if owner == nil {
		return simulator.Pair{}, "", noSuchUser(name)
	}
	k, refused := s.makeKey(owner, simulator.Person, chosen{})
	if refused != nil {
		return simulator.Pair{}, "", refused
	}
	return k.Pair, k.secret, nil
}

// RemoveKey deletes a key by hand, including the key of the operator, and reports whether it existed.
func (s *Simulator) RemoveKey(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.key(id)
	if k == nil || !k.Live() {
		return false
	}
	s.end(k, simulator.Person)
	return true
}

// SetActive enables or disables a key by hand, including the key of the operator.
func (s *Simulator) SetActive(id string, active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.key(id); k != nil {
		s.setActive(k, active)
	}
}

// Active reports whether a key exists and is enabled.
func (s *Simulator) Active(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.key(id)
	return k != nil && k.Live() && !k.inactive
}

// Keys returns the keys of a user, including disabled keys.
func (s *Simulator) Keys(name string) (pairs []simulator.Pair) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if owner := s.find(name); owner != nil {
		for _, k := range s.live(owner.id) {
			pairs = append(pairs, k.Pair)
		}
	}
	return pairs
}

// Valid reports whether the data plane would accept a request that is signed with this pair. A change of a key takes effect there
// after the lags of the options.
func (s *Simulator) Valid(accessKeyID, secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.valid(accessKeyID, secret) != nil
}

// Use simulates a request to S3 and reports whether the pair is valid. A valid request updates the last use of the key.
func (s *Simulator) Use(accessKeyID, secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.valid(accessKeyID, secret)
	if k != nil {
		k.used = use{s.Now(), "s3", s.options.Region}
	}
	return k != nil
}

// Allow gives the user of the operator, and its roles, exactly these permissions, such as "iam:CreateAccessKey".
func (s *Simulator) Allow(actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.actions = append([]string{}, actions...)
}

// addUser adds a user. Like all methods that are not exported, it requires that s.mu is held.
func (s *Simulator) addUser(path, name string) *user {
	added := &user{id: "AIDA" + simulator.Random(17, base32), name: name, path: path, createdAt: s.Now()}
	s.users = append(s.users, added)
	return added
}

// find returns a user by name, or nil.
func (s *Simulator) find(name string) *user {
	at := slices.IndexFunc(s.users, func(candidate *user) bool {
		return candidate.name == name || (!s.options.CaseSensitive && strings.EqualFold(candidate.name, name))
	})
	if at < 0 {
		return nil
	}
	return s.users[at]
}
