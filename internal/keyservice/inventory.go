// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"context"
	"sync"
	"time"
)

// inventoryRetry is how long the operator waits before it repeats a listing that failed.
const inventoryRetry = time.Minute

// Inventory is the shared resync of one service: one listing of all keys serves every AccessKey for a period, so that the
// steady state costs no call per key. Safe for concurrent use.
type Inventory struct {
	Lister AllLister
	// Clock of the service.
	Clock *ServiceClock
	// Period is how long a listing is good for.
	Period time.Duration

	mu      sync.Mutex
	listing bool
	current Snapshot
	tried   time.Time
	err     error
}

// Snapshot is what the service listed at a moment.
type Snapshot struct {
	// At is when the listing began: it knows nothing of keys made later. Zero without a listing.
	At time.Time
	// Stale: another caller is making a newer listing.
	Stale bool

	keys map[string]listed
}

// listed is what is kept of a key: there can be a million.
type listed struct {
	user        string
	accessKeyID string
	expiresAt   time.Time
	state       State
}

// Denies reports that the service did not list a pair although it was made before the listing.
func (s Snapshot) Denies(key Key, issuedAt time.Time) bool {
	_, there := s.find(key)
	return !there && s.At.After(issuedAt)
}

// Update adds to a key what the listing knows of it: its end, and whether it works or is dead although it is listed. It leaves
// out states that the service leaves by itself (Pending, Deleting), since they are over before the next listing.
func (s Snapshot) Update(key *Key) {
	found, there := s.find(*key)
	if !there {
		return
	}
	key.ExpiresAt = found.expiresAt
	switch found.state {
	case Active, Disabled, Failed:
		key.State = found.state
	default:
	}
}

// OfAnother reports whether the service listed a pair as one of another user.
func (s Snapshot) OfAnother(user string, key Key) bool {
	found, there := s.find(key)
	return there && found.user != user
}

// Count adds the listed keys to the counts of their users. Keys of users that are not in the map are not counted.
func (s Snapshot) Count(users map[string]int) {
	for _, key := range s.keys {
		if n, counted := users[key.user]; counted {
			users[key.user] = n + 1
		}
	}
}

func (s Snapshot) find(key Key) (listed, bool) {
	found, ok := s.keys[key.ID]
	return found, ok && key.SamePair(Key{ID: key.ID, AccessKeyID: found.accessKeyID})
}

// Last returns the last listing that succeeded, whatever its age, and makes none.
func (i *Inventory) Last() Snapshot {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.current
}

// Unused reports whether nobody has asked for a listing for more than another period.
func (i *Inventory) Unused(now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.listing && now.After(i.tried.Add(2*i.Period))
}

// Answered notes that the service has listed the keys for somebody else, so that the error of the last listing is over. The next one
// need not wait.
func (i *Inventory) Answered() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = nil
}

// Due reports whether Snapshot would make a new listing.
func (i *Inventory) Due(now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.due(now) && !i.listing
}

func (i *Inventory) due(now time.Time) bool {
	if i.err != nil {
		return !now.Before(i.tried.Add(inventoryRetry))
	}
	return i.current.At.IsZero() || !now.Before(i.current.At.Add(i.Period))
}

// Snapshot returns a listing that is at most Period old, and makes a new one if necessary. One caller at a time does so. The
// others get the last listing, marked as Stale, so that a service that hangs delays nobody else. With an error, Snapshot
// returns the last listing that succeeded.
func (i *Inventory) Snapshot(ctx context.Context, now time.Time) (Snapshot, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	due := i.due(now)
	if !due || i.listing {
		snapshot := i.current
		snapshot.Stale = due
		return snapshot, i.err
	}
	i.listing, i.tried = true, now
	keys, err := i.list(ctx)
	if i.err = err; err == nil {
		i.current = Snapshot{At: now, keys: keys}
	}
	return i.current, err
}

// list makes a listing. It is called with the lock held, and unlocks it until the service has answered.
func (i *Inventory) list(ctx context.Context) (map[string]listed, error) {
	i.mu.Unlock()
	defer func() { // also if the listing panics
		i.mu.Lock()
		i.listing = false
	}()
	all, err := i.Lister.ListAll(ctx)
	keys := make(map[string]listed, len(all))
	for user, owned := range all {
		for _, key := range owned {
			keys[key.ID] = listed{user, key.AccessKeyID, i.Clock.Ends(key.ExpiresAt), key.State}
		}
	}
	return keys, err
}
