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
	// Clock of the service.
	Clock *ServiceClock
	// Period is how long a listing is good for.
	Period time.Duration

	mu sync.Mutex
	// listing is closed when the listing that is under way has ended; nil if none is.
	listing chan struct{}
	// overtaken are told when it has ended: they went on with what there was.
	overtaken []func()
	current   Snapshot
	// tried and current.At have the monotonic readings of the caller's clock: one that is set back puts nothing off.
	tried time.Time
	err   error
}

// Snapshot is what the service listed at a moment.
type Snapshot struct {
	// At is when the listing was begun: of keys made later it knows nothing. Zero if there is none yet.
	At   time.Time
	keys map[string]listed
}

// listed is what is kept of a key: there can be thousands.
type listed struct {
	accessKeyID string
	expiresAt   time.Time
	state       State
}

// Denies reports that the service did not list a pair although it was made before the listing.
func (s Snapshot) Denies(key Key, issuedAt time.Time) bool {
	_, there := s.find(key)
	return !there && s.At.After(issuedAt)
}

// Update adds to a key what the listing knows of it: its end, and whether it is dead although it is listed. What a
// service does in its own time (Pending, Deleting) is not told, since it is over before the next listing.
func (s Snapshot) Update(key *Key) {
	found, there := s.find(*key)
	if !there {
		return
	}
	key.ExpiresAt = found.expiresAt
	if found.state == Disabled || found.state == Failed {
		key.State = found.state
	}
}

func (s Snapshot) find(key Key) (listed, bool) {
	found, ok := s.keys[key.ID]
	return found, ok && key.SamePair(Key{ID: key.ID, AccessKeyID: found.accessKeyID})
}

// Snapshot returns a listing that is at most Period old. With an error, the last one that there is. Only the caller that
// finds it too old waits for a new one: the others go on with what there is, so that a service that hangs holds up nobody.
func (i *Inventory) Snapshot(ctx context.Context, now time.Time) (Snapshot, error) {
	return i.SnapshotIf(ctx, now, func() bool { return true }, func() {})
}

// SnapshotIf is Snapshot for a caller that may have to leave it to the others: where it would list, it is asked first.
// again is called when a listing that was under way has ended, whose outcome the caller does not know.
func (i *Inventory) SnapshotIf(ctx context.Context, now time.Time, may func() bool, again func()) (Snapshot, error) {
	if !i.begin(now, may, again) {
		i.mu.Lock()
		defer i.mu.Unlock()
		return i.current, i.err
	}
	defer i.end() // also if the listing panics
	all, err := i.Lister.ListAll(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
	if err != nil {
		return i.current, err
	}
	keys := make(map[string]listed, len(all))
	for _, owned := range all {
		for _, key := range owned {
			keys[key.ID] = listed{key.AccessKeyID, i.Clock.Ends(key.ExpiresAt), key.State}
		}
	}
	i.current = Snapshot{At: now, keys: keys}
	return i.current, nil
}

// Await is Snapshot for a caller that can wait for a listing that is under way.
func (i *Inventory) Await(ctx context.Context, now time.Time) (Snapshot, error) {
	i.mu.Lock()
	underWay := i.listing
	i.mu.Unlock()
	if underWay != nil {
		select {
		case <-underWay:
		case <-ctx.Done():
			return Snapshot{}, ctx.Err()
		}
	}
	return i.Snapshot(ctx, now)
}

// begin reports whether the caller is the one to list now.
func (i *Inventory) begin(now time.Time, may func() bool, again func()) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	fresh := i.err == nil && !i.current.At.IsZero() && now.Before(i.current.At.Add(i.Period))
	failed := i.err != nil && now.Before(i.tried.Add(inventoryRetry))
	if i.listing != nil && !fresh {
		i.overtaken = append(i.overtaken, again)
	}
	if i.listing != nil || fresh || failed || !may() {
		return false
	}
	i.listing, i.tried = make(chan struct{}), now
	return true
}

func (i *Inventory) end() {
	i.mu.Lock()
	overtaken := i.overtaken
	close(i.listing)
	i.listing, i.overtaken = nil, nil
	i.mu.Unlock()
	for _, again := range overtaken {
		again()
	}
}
