// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// keysPerUser: "Each user can have a maximum of two access keys" (user guide, managing access keys).
const keysPerUser = 2

// Simulator is an account at Huawei Cloud: an http.Handler with what people do at the account beside it. Safe for
// concurrent use.
type Simulator struct {
	*simulator.Core

	options Options

	mu      sync.Mutex
	users   []User
	secrets map[string]string // of every key, by access key ID
	// operator is the key that the operator was given. It is not in the ledger, which is about the keys that are managed.
	operator simulator.Pair
	inactive map[string]bool
	lastUsed map[string]time.Time
	actions  map[string]bool
	locks    map[string]*lock
	second   time.Time // the one that answered counts
	answered int
}

// User is an IAM user. Its ID is 32 hexadecimal digits, and so never the name of another.
type User struct{ ID, Name string }

// New returns an account with the operator's user, which may do everything, and its key.
func New(options Options) *Simulator {
	options = options.withDefaults()
	s := &Simulator{
		Core:     simulator.NewCore(options.Clock),
		options:  options,
		users:    []User{{OperatorID, OperatorName}},
		secrets:  map[string]string{options.AccessKeyID: options.SecretAccessKey},
		inactive: map[string]bool{},
		lastUsed: map[string]time.Time{},
		locks:    map[string]*lock{},
	}
	s.operator = simulator.Pair{
		ID: options.AccessKeyID, AccessKeyID: options.AccessKeyID, Owner: OperatorID, CreatedBy: simulator.Person, CreatedAt: s.Now().Add(-time.Hour),
	}
	s.Allow(ListUsers, ListKeys, CreateKeys, UpdateKeys, DeleteKeys, ShowLastUsed)
	s.routes()
	return s
}

// AddUser makes an IAM user and returns its ID.
func (s *Simulator) AddUser(name string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user := User{ID: hexadecimal(32), Name: name}
	s.users = append(s.users, user)
	return user.ID
}

// RenameUser gives a user another name. Its ID and its keys stay.
func (s *Simulator) RenameUser(name, newName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.find(name); at >= 0 {
		s.users[at].Name = newName
	}
}

// DeleteUser deletes a user by name or ID. Its keys go with it (console's warning at deleting a user).
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

// MakeKey makes a key by hand, for a user by name or ID, and returns its secret too.
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

// RemoveKey deletes a key by hand, and reports whether there was one. It can be the operator's.
func (s *Simulator) RemoveKey(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(id, simulator.Person)
}

// SetActive enables or disables a key by hand. It can be the operator's.
func (s *Simulator) SetActive(id string, active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inactive[id] = !active
}

// Active reports whether a key exists and is not disabled.
func (s *Simulator) Active(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, exists := s.pair(id)
	return exists && !s.inactive[id]
}

// Keys returns the keys of a user, by name or ID, inactive ones too; none for an unknown user.
func (s *Simulator) Keys(user string) []simulator.Pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(user)
	if at < 0 {
		return nil
	}
	return s.live(s.users[at].ID)
}

// Valid is the data plane: whether a request that is signed with this pair would be let in. A disabled key is not.
func (s *Simulator) Valid(accessKeyID, secret string) bool {
	return s.Core.Valid(accessKeyID, secret) && s.Active(accessKeyID)
}

// Use is a request to the data plane: the key's last use is now, to the quarter of an hour (user guide, managing access
// keys), if the pair is valid.
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

// Allow gives the operator's user these actions and no others.
func (s *Simulator) Allow(actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.actions = map[string]bool{}
	for _, action := range actions {
		s.actions[action] = true
	}
}

// Locked reports whether the gateway has locked a key for its bad signatures.
func (s *Simulator) Locked(accessKeyID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.locked(accessKeyID)
}

// find returns the index of a user by ID or name, -1 for none. Called with s.mu held, as all that follows.
func (s *Simulator) find(user string) int {
	return slices.IndexFunc(s.users, func(candidate User) bool { return candidate.ID == user || candidate.Name == user })
}

// live returns the keys of a user ID that exist.
func (s *Simulator) live(owner string) []simulator.Pair {
	return slices.DeleteFunc(append([]simulator.Pair{s.operator}, s.LivePairs()...), func(pair simulator.Pair) bool {
		return pair.Owner != owner || !pair.Live()
	})
}

// pair returns a key that exists.
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

// makeKey makes a key unless the user has two.
func (s *Simulator) makeKey(owner, by string) (simulator.Pair, string, *apiError) {
	counted := slices.DeleteFunc(s.live(owner), func(pair simulator.Pair) bool {
		return s.options.InactiveUncounted && s.inactive[pair.ID]
	})
	if len(counted) >= keysPerUser {
		return simulator.Pair{}, "", &apiError{s.options.LimitStatus, s.options.LimitCode, s.options.LimitMessage}
	}
	id, secret := "HPUA"+random(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), random(40, letters)
	pair := s.Record(simulator.Pair{ID: id, AccessKeyID: id, Owner: owner, CreatedBy: by}, secret)
	s.secrets[id] = secret
	return pair, secret, nil
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func random(n int, alphabet string) string {
	bytes := make([]byte, n)
	_, _ = rand.Read(bytes) // never fails
	var text strings.Builder
	for _, b := range bytes {
		text.WriteByte(alphabet[int(b)%len(alphabet)])
	}
	return text.String()
}

func hexadecimal(n int) string {
	bytes := make([]byte, n/2)
	_, _ = rand.Read(bytes) // never fails
	return hex.EncodeToString(bytes)
}
