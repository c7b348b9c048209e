// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"context"
	"sync"
	"time"
)

// inventoryRetry is how long a failed listing is not tried again.
const inventoryRetry = time.Minute

// Inventory is the shared resync of one service: one listing of everything serves every AccessKey for a period, so that
// the steady state costs no call per key. Safe for concurrent use.
type Inventory struct {
	Lister AllLister
	// Period is how long a listing is good for.
	Period time.Duration

	mu      sync.Mutex
	current Snapshot
	tried   time.Time
	err     error
}

// Snapshot is what the service listed at a moment.
type Snapshot struct {
	// At is when the listing was begun: of keys made later it knows nothing. Zero if there is none yet.
	At   time.Time
	keys map[string]struct{}
}

// Denies reports that the service did not list a key although it was made before the listing.
func (s Snapshot) Denies(keyID string, issuedAt time.Time) bool {
	_, listed := s.keys[keyID]
	return !listed && s.At.After(issuedAt)
}

// Snapshot returns a listing that is at most Period old. With an error, the last one that there is.
func (i *Inventory) Snapshot(ctx context.Context, now time.Time) (Snapshot, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err == nil && !i.current.At.IsZero() && now.Before(i.current.At.Add(i.Period)) {
		return i.current, nil
	}
	if i.err != nil && now.Before(i.tried.Add(inventoryRetry)) {
		return i.current, i.err
	}
	i.tried = now
	all, err := i.Lister.ListAll(ctx)
	i.err = err
	if err != nil {
		return i.current, err
	}
	keys := make(map[string]struct{}, len(all))
	for _, owned := range all {
		for _, key := range owned {
			keys[key.ID] = struct{}{}
		}
	}
	i.current = Snapshot{At: now, keys: keys}
	return i.current, nil
}
