// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"slices"
	"sync"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// catchUp is how long a key that was made may be missing from the service's other answers. No source tells a number.
	catchUp = time.Minute
	// maxTaken bounds the memory of UUIDs that are taken.
	maxTaken = 1000
)

// memory bridges the time until the service knows in all its parts what it has answered in one. Without it a key that was
// just made would look deleted to a list, and a deletion that came too early would look done. It is lost with the process,
// which costs no more than that.
//
// All times are the service's own, by the Date of its answers, so no clock is needed; without a Date nothing is remembered.
type memory struct {
	mu sync.Mutex
	// made are the keys that were made and are in no list yet, by ID.
	made map[string]madeKey
	// taken are UUIDs that the service says are somebody else's.
	taken map[string]bool
}

type madeKey struct {
	key keyservice.Key
	at  time.Time
}

func newMemory() *memory { return &memory{made: map[string]madeKey{}, taken: map[string]bool{}} }

// isNew: at this time the service might still not know the key.
func (m madeKey) isNew(now time.Time) bool {
	return !m.at.IsZero() && !now.IsZero() && now.Sub(m.at).Abs() < catchUp // two servers' clocks may differ
}

// remember a key that the service has made, at this time.
func (m *memory) remember(key keyservice.Key, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, old := range m.made {
		if !old.isNew(now) {
			delete(m.made, id)
		}
	}
	m.made[key.ID] = madeKey{key: key, at: now}
}

// update a key that was changed while it is in no list yet.
func (m *memory) update(key keyservice.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if made, known := m.made[key.ID]; known {
		m.made[key.ID] = madeKey{key: key, at: made.at}
	}
}

// forget a key whose deletion was accepted.
func (m *memory) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.made, id)
}

// isNew: the service has made the key, and might not know it at this time.
func (m *memory) isNew(id string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.made[id].isNew(now)
}

// complete adds the keys that the service has made and might not list yet at this time.
func (m *memory) complete(keys []keyservice.Key, now time.Time) []keyservice.Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		delete(m.made, key.ID)
	}
	for _, made := range m.made {
		if made.isNew(now) {
			keys = append(keys, made.key)
		}
	}
	return keys
}

func (m *memory) isTaken(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.taken[id]
}

func (m *memory) take(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.taken) >= maxTaken {
		clear(m.taken)
	}
	m.taken[id] = true
}

func indexOf(keys []keyservice.Key, id string) int {
	return slices.IndexFunc(keys, func(key keyservice.Key) bool { return key.ID == id })
}
