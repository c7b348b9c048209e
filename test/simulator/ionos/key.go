// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// keysPerUser: a user can have up to five access keys (the documents' page of limitations).
const keysPerUser = 5

// The states of a key (metadata.status).
const (
	available    = "AVAILABLE"
	provisioning = "PROVISIONING"
	destroying   = "DESTROYING"
	failed       = "FAILED"
)

// key is an access key, from its making until it is gone.
type key struct {
	id, description   string
	owner             *user
	accessKey, secret string
	made, changed     time.Time
	// seen and ready are from when on the key is found, and works.
	seen, ready time.Time
	// gone is when the accepted deletion is done; zero without one.
	gone time.Time
	// failure is why the service could not make the key.
	failure string
	// inactive: a person switched it off, which this API does not show.
	inactive bool
	// pair is what the ledger has of it.
	pair simulator.Pair
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

// replaced is a pair that was renewed and works on until its time.
type replaced struct {
	id, accessKey, secret string
	until                 time.Time
}

// Valid is the data plane: whether a request that is signed with this pair would be let in. Unlike the ledger's, it
// knows pairs that do not work yet, and those that work although they were replaced or deleted.
func (s *Simulator) Valid(accessKeyID, secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	now := s.Now()
	for _, k := range s.keys {
		if k.accessKey == accessKeyID && k.secret == secret {
			return s.works(k) && !now.Before(k.ready)
		}
	}
	for _, old := range s.replaced {
		if k, exists := s.keys[old.id]; exists && old.accessKey == accessKeyID && old.secret == secret {
			return s.works(k) && now.Before(old.until)
		}
	}
	return false
}

// works: the key's pairs do, once their time has come. Called with s.mu held, like all of the following.
func (s *Simulator) works(k *key) bool {
	return !k.inactive && k.failure == "" && (k.gone.IsZero() || s.options.DestroyingWorks)
}

// sweep removes the keys whose destruction is done.
func (s *Simulator) sweep() {
	for id, k := range s.keys {
		if !k.gone.IsZero() && !s.Now().Before(k.gone) {
			delete(s.keys, id)
			s.destroyed[id] = true
		}
	}
}

// find returns a key that the user may know of.
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
	return &apiError{s.options.LimitStatus, s.options.LimitCode, "the user has as many access keys as are allowed"}
}

// makeKey makes a key unless the owner has five.
func (s *Simulator) makeKey(owner *user, id, description, by string) (*key, *apiError) {
	if refused := s.full(owner); refused != nil {
		return nil, refused
	}
	now := s.Now()
	k := &key{
		id: id, description: description, owner: owner, made: now, changed: now,
		seen: now.Add(s.options.Unseen), ready: now.Add(s.options.Provisioning),
		accessKey: newAccessKey(), secret: newSecret(),
	}
	s.keys[id] = k
	s.record(k, by)
	return k, nil
}

func (s *Simulator) renewKey(k *key, by string) {
	old := replaced{id: k.id, accessKey: k.accessKey, secret: k.secret, until: s.Now().Add(s.options.RenewGrace)}
	s.replaced = append(s.replaced, old)
	k.secret = newSecret()
	if s.options.RenewChangesAccessKey {
		k.accessKey = newAccessKey()
	}
	s.touch(k)
	s.End(k.id, by)
	s.record(k, by)
}

func (s *Simulator) touch(k *key) {
	k.changed = s.Now()
	if s.options.ChangesProvision {
		k.ready = s.Now().Add(s.options.Provisioning)
	}
}

func (s *Simulator) record(k *key, by string) {
	k.pair = s.Record(simulator.Pair{ID: k.id, AccessKeyID: k.accessKey, Owner: k.owner.name, CreatedBy: by}, k.secret)
}

// newAccessKey is 92 characters, as every key since 2024-04-25.
func newAccessKey() string {
	return "00000" + base64.RawURLEncoding.EncodeToString(randomBytes(66))[:87]
}

func newSecret() string { return base64.StdEncoding.EncodeToString(randomBytes(30)) }

func newUUID() string {
	random := randomBytes(16)
	random[6], random[8] = random[6]&0x0f|0x40, random[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}

func randomBytes(n int) []byte {
	random := make([]byte, n)
	_, _ = rand.Read(random) // never fails
	return random
}
