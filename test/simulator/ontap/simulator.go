// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/test/simulator"
)

// root is the user with ID 0 of every S3 server.
const root = "root"

// keyCharacters are the characters of an access key.
const keyCharacters = simulator.Digits + simulator.Upper

// Simulator simulates an ONTAP cluster with one data SVM and its S3 server. It is an http.Handler. Its other methods make manual
// changes at the cluster. The ID of a pair is the name of its user, or "name/2" for a second key. Simulator is safe for
// concurrent use.
type Simulator struct {
	*simulator.Core

	options Options
	uuid    string // of the cluster

	mu      sync.Mutex
	version *version.Version
	server  bool
	denied  []rule
	// protected are the commands that require an approval, and approvals the requests for it.
	protected []string
	approvals []*approval
	users     []*user // sorted by name, as in lists
}

type rule struct{ method, path string }

type user struct {
	name, comment string
	keys          [2]*key
	inGroup       bool
}

// key is the part of a pair that the cluster shows.
type key struct {
	accessKey string
	life      time.Duration
	expires   time.Time
}

// New returns a cluster whose only user is root. Its only account has every permission.
func New(options Options) *Simulator {
	s := &Simulator{Core: simulator.NewCore(options.Clock), options: options.withDefaults(), uuid: cmp.Or(options.UUID, string(uuid.NewUUID())), server: true}
	s.version = version.MustParseGeneric(s.options.Version)
	s.users = []*user{{name: root, comment: "Root User"}}
	s.issue(s.users[0], 0, body{}, simulator.Person)
	s.routes()
	return s
}

// Valid reports whether the data plane would accept a request that is signed with this pair. It rejects expired keys.
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

// AddUser creates a user by hand, with a first key that does not expire.
func (s *Simulator) AddUser(name, comment string) (pair simulator.Pair, secret string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refused := s.checkName(name); refused != nil {
		return simulator.Pair{}, "", refused
	}
	added := s.insert(&user{name: name, comment: comment})
	pair, secret = s.issue(added, 0, body{}, simulator.Person)
	return pair, secret, nil
}

// RemoveUser deletes a user by hand and reports whether it existed.
func (s *Simulator) RemoveUser(name string) bool {
	return s.change(name, func(u *user) { s.remove(u, simulator.Person) })
}

// MakeKey creates or regenerates key 1 or 2 of a user by hand.
func (s *Simulator) MakeKey(name string, id int) (pair simulator.Pair, secret string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(name)
	if found == nil || id < 1 || id > s.slots() {
		return simulator.Pair{}, "", fmt.Errorf("user %s cannot have a key %d", name, id)
	}
	pair, secret = s.issue(found, id-1, body{}, simulator.Person)
	return pair, secret, nil
}

// RemoveKey deletes a key by hand, by the ID of its pair, and reports whether it existed.
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

// Keys returns the keys of a user, including expired keys.
func (s *Simulator) Keys(name string) []simulator.Pair {
	return s.LivePairsOf(name)
}

// Users returns the names of all users except root.
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

// Comment returns the comment of a user.
func (s *Simulator) Comment(name string) (comment string) {
	s.change(name, func(u *user) { comment = u.comment })
	return comment
}

// SetComment edits the comment of a user by hand.
func (s *Simulator) SetComment(name, comment string) {
	s.change(name, func(u *user) { u.comment = comment })
}

// AddToGroup adds a user to an S3 group.
func (s *Simulator) AddToGroup(name string) { s.change(name, func(u *user) { u.inGroup = true }) }

// change calls do for a user and reports whether the user exists.
func (s *Simulator) change(name string, do func(*user)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(name)
	if found != nil {
		do(found)
	}
	return found != nil
}

// Upgrade upgrades the cluster to another version. The users keep their keys.
func (s *Simulator) Upgrade(to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version = version.MustParseGeneric(to)
}

// Deny revokes the permission of the account for a method on all paths with this prefix. An empty method means every method.
func (s *Simulator) Deny(method, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = append(s.denied, rule{method, path})
}

// DeleteServer deletes the S3 server of the SVM and all of its users.
func (s *Simulator) DeleteServer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = false
	for _, u := range slices.Clone(s.users) {
		s.remove(u, simulator.Person)
	}
}

// find returns the user with this name, or nil. Like all functions below, it requires that s.mu is held.
func (s *Simulator) find(name string) *user {
	if i := slices.IndexFunc(s.users, func(u *user) bool { return s.named(u, name) }); i >= 0 {
		return s.users[i]
	}
	return nil
}

func (s *Simulator) named(u *user, name string) bool {
	return u.name == name || (s.options.NamesIgnoreCase && strings.EqualFold(u.name, name))
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

// issue creates a pair in a slot of a user. It replaces the pair that was there. The pair is the caller's, if wanted contains one.
func (s *Simulator) issue(u *user, slot int, wanted body, by string) (simulator.Pair, string) {
	s.drop(u, slot, by)
	accessKey, secretKey := ptr.Deref(wanted.AccessKey, ""), ptr.Deref(wanted.SecretKey, "")
	if accessKey == "" {
		accessKey, secretKey = simulator.Random(20, keyCharacters), simulator.Random(40, keyCharacters+simulator.Lower+"_")
	}
	made := &key{accessKey: accessKey, life: wanted.life}
	if made.life > 0 {
		made.expires = s.Now().Add(made.life)
	}
	u.keys[slot] = made
	return s.Record(simulator.Pair{ID: keyID(u.name, slot), AccessKeyID: accessKey, Owner: u.name, CreatedBy: by}, secretKey), secretKey
}

func (s *Simulator) drop(u *user, slot int, by string) bool {
	u.keys[slot] = nil
	return s.End(keyID(u.name, slot), by)
}

// since reports whether the cluster has this version or a later one.
func (s *Simulator) since(earliest string) bool {
	return s.version.AtLeast(version.MustParseGeneric(earliest))
}

func (s *Simulator) slots() int {
	if s.since(V9191) {
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
