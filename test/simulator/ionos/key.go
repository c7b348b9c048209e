// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"net/http"
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

// key is an access key that exists.
type key struct {
	id, description   string
	owner             *user
	accessKey, secret string
	made, changed     time.Time
	// seen is when the key becomes visible. ready is when it starts to work.
	seen, ready time.Time
	// gone is when the accepted deletion completes. It is zero if there is none.
	gone time.Time
	// failure is the reason why the service could not create the key.
	failure string
	// pair is the key's entry in the ledger.
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

// replaced is a pair that was regenerated. It works until the end of its grace period.
type replaced struct {
	id, accessKey, secret string
	until                 time.Time
}

// Valid reports whether the data plane would accept a request that is signed with this pair. Unlike Ledger.Valid, it rejects
// pairs that do not work yet, and accepts pairs that still work although they were replaced or deleted.
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

// newAccessKey returns 92 characters. This is the length of every key since 2024-04-25.
func newAccessKey() string {
	return "00000" + simulator.Random(87, simulator.Upper+simulator.Lower+simulator.Digits+"-_")
}

func newSecret() string { return simulator.Random(40, simulator.Base64) }

func newUUID() string { return string(uuid.NewUUID()) }
