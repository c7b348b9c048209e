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
	// listLag is how long a new key may be missing from the service's other answers. No source gives a number; the vendor's
	// Terraform provider asks again until a GET stops answering 404.
	listLag = time.Minute
	// maxTaken bounds the memory of UUIDs that are taken.
	maxTaken = 1000
)

// memory bridges the list lag. Without it, a new key would look deleted in a list, and an early deletion would look done. It is
// lost when the process ends, which has the same effect until the list lag has passed.
//
// All times are the service's own, from the Date of its answers, so that no clock is needed. Without a Date nothing is
// remembered.
type memory struct {
	mu sync.Mutex
	// made has the keys that were made and not listed yet, by ID.
	made map[string]madeKey
	// taken has the UUIDs that another party has, as the service says.
	taken map[string]bool
}

type madeKey struct {
	key keyservice.Key
	at  time.Time
}

// isNew reports whether the service might not know the key yet at this time.
func (m madeKey) isNew(now time.Time) bool {
	return !now.IsZero() && now.Sub(m.at).Abs() < listLag // two servers' clocks may differ
}

// remember notes a key that the service has made at this time.
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

// update notes a change to a key that is not listed yet.
func (m *memory) update(key keyservice.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if made, known := m.made[key.ID]; known {
		m.made[key.ID] = madeKey{key: key, at: made.at}
	}
}

// forget drops a key whose deletion was accepted.
func (m *memory) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.made, id)
}

// isNew reports whether the service has made the key and might not know it yet at this time.
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
