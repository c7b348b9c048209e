// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// root is user id 0 of every S3 server.
const root = "root"

// Simulator is an ONTAP cluster with one data SVM and its S3 server: an http.Handler with what people do at the cluster
// beside it. A pair's ID is the user's name, or "name/2" for its second key. Safe for concurrent use.
type Simulator struct {
	*simulator.Core

	options Options

	mu      sync.Mutex
	version release
	server  bool
	denied  []rule
	users   []*user // in the order of their names, as they are listed
}

type rule struct{ method, path string }

type user struct {
	name, comment string
	keys          [2]*key
	inGroup       bool
}

// key is what the cluster shows of a pair.
type key struct {
	accessKey string
	life      time.Duration
	expires   time.Time
}

// New returns a cluster whose one user is root, and whose one account has every right.
func New(options Options) *Simulator {
	s := &Simulator{Core: simulator.NewCore(options.Clock), options: options.withDefaults(), server: true}
	s.version = parseRelease(s.options.Version)
	s.users = []*user{{name: root, comment: "Root User"}}
	s.issue(s.users[0], 0, issuance{by: simulator.Person})
	s.routes()
	return s
}

// Valid is the data plane: whether a request that is signed with this pair is let in. An expired key is not.
func (s *Simulator) Valid(accessKeyID, secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.server || !s.Core.Valid(accessKeyID, secret) {
		return false
	}
	return slices.ContainsFunc(s.users, func(u *user) bool {
		return slices.ContainsFunc(u.keys[:], func(k *key) bool {
			return k != nil && k.accessKey == accessKeyID && (k.expires.IsZero() || s.Now().Before(k.expires))
		})
	})
}

// AddUser makes a user by hand, with a first key that does not end.
func (s *Simulator) AddUser(name, comment string) (pair simulator.Pair, secret string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refused := s.checkName(name); refused != nil {
		return simulator.Pair{}, "", refused
	}
	added := s.insert(&user{name: name, comment: comment})
	pair, secret = s.issue(added, 0, issuance{by: simulator.Person})
	return pair, secret, nil
}

// RemoveUser deletes a user by hand, and reports whether there was one.
func (s *Simulator) RemoveUser(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(name)
	if found != nil {
		s.remove(found, simulator.Person)
	}
	return found != nil
}

// MakeKey generates the user's key 1 or 2 by hand, anew if there is one.
func (s *Simulator) MakeKey(name string, id int) (pair simulator.Pair, secret string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(name)
	if found == nil || id < 1 || id > s.slots() {
		return simulator.Pair{}, "", fmt.Errorf("user %s can't have key %d", name, id)
	}
	pair, secret = s.issue(found, id-1, issuance{by: simulator.Person})
	return pair, secret, nil
}

// RemoveKey deletes a key by hand, by the ID of its pair, and reports whether there was one.
func (s *Simulator) RemoveKey(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, second, _ := strings.Cut(id, "/")
	slot := 0
	if second != "" {
		slot = 1
	}
	found := s.find(name)
	return found != nil && s.drop(found, slot, simulator.Person)
}

// Keys returns the keys of a user, expired ones too.
func (s *Simulator) Keys(name string) []simulator.Pair {
	return s.LivePairsOf(name)
}

// Users returns the names of all users but root.
func (s *Simulator) Users() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, u := range s.users {
		if u.name != root {
			names = append(names, u.name)
		}
	}
	return names
}

// Comment returns the comment of a user, empty for an unknown one.
func (s *Simulator) Comment(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.find(name); found != nil {
		return found.comment
	}
	return ""
}

// SetComment edits the comment of a user by hand.
func (s *Simulator) SetComment(name, comment string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.find(name); found != nil {
		found.comment = comment
	}
}

// AddToGroup puts a user into an S3 group.
func (s *Simulator) AddToGroup(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.find(name); found != nil {
		found.inGroup = true
	}
}

// Upgrade takes the cluster to another version. The keys stay.
func (s *Simulator) Upgrade(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version = parseRelease(version)
}

// Deny takes the right to a method (empty: any) of the paths that begin so from the account.
func (s *Simulator) Deny(method, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = append(s.denied, rule{method, path})
}

// DeleteServer deletes the SVM's S3 server, and its users with it.
func (s *Simulator) DeleteServer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = false
	for _, u := range slices.Clone(s.users) {
		s.remove(u, simulator.Person)
	}
}

// find returns the user of this name, nil for none. Called with s.mu held, as what follows.
func (s *Simulator) find(name string) *user {
	for _, u := range s.users {
		if u.name == name || (s.options.NamesIgnoreCase && strings.EqualFold(u.name, name)) {
			return u
		}
	}
	return nil
}

func (s *Simulator) insert(added *user) *user {
	at, _ := slices.BinarySearchFunc(s.users, added.name, func(u *user, name string) int { return strings.Compare(u.name, name) })
	s.users = slices.Insert(s.users, at, added)
	return added
}

func (s *Simulator) remove(gone *user, by string) {
	for slot := range gone.keys {
		s.drop(gone, slot, by)
	}
	s.users = slices.DeleteFunc(s.users, func(u *user) bool { return u == gone })
}

// issuance is how a pair is made.
type issuance struct {
	by   string
	life time.Duration
	// accessKey and secretKey are the caller's; empty: generated.
	accessKey, secretKey string
}

// issue gives the user's slot a new pair, which ends the one before.
func (s *Simulator) issue(u *user, slot int, how issuance) (simulator.Pair, string) {
	s.drop(u, slot, how.by)
	if how.accessKey == "" {
		how.accessKey, how.secretKey = randomText(upper, 20), randomText(upper+lower+"_", 40)
	}
	made := &key{accessKey: how.accessKey, life: how.life}
	if how.life > 0 {
		made.expires = s.Now().Add(how.life)
	}
	u.keys[slot] = made
	pair := simulator.Pair{ID: keyID(u.name, slot), AccessKeyID: how.accessKey, Owner: u.name, CreatedBy: how.by}
	return s.Record(pair, how.secretKey), how.secretKey
}

func (s *Simulator) drop(u *user, slot int, by string) bool {
	u.keys[slot] = nil
	return s.End(keyID(u.name, slot), by)
}

func (s *Simulator) slots() int {
	if s.version.atLeast(V9191) {
		return 2
	}
	return 1
}

func keyID(name string, slot int) string {
	if slot == 0 {
		return name
	}
	return fmt.Sprintf("%s/%d", name, slot+1)
}
