// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// Recent remembers the keys that were made within the list lag of a service. Safe for concurrent use.
type Recent struct {
	// Now is the operator's clock.
	Now func() time.Time
	// Lag is how long a new key may be missing from lists and unknown to other requests.
	Lag time.Duration

	mu   sync.Mutex
	made map[string]recentKey // by ID
}

type recentKey struct {
	keyservice.Key

	user string
	at   time.Time
}

// Add remembers a key of a user that has just been made.
func (r *Recent) Add(user string, key keyservice.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.Now()
	maps.DeleteFunc(r.made, func(_ string, made recentKey) bool { return !r.isNew(made, now) })
	if r.made == nil {
		r.made = map[string]recentKey{}
	}
	r.made[key.ID] = recentKey{key, user, now}
}

// Remove forgets a key that was deleted.
func (r *Recent) Remove(keyID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.made, keyID)
}

// Made returns when a key was made, by the operator's clock; false if that was before the list lag.
func (r *Recent) Made(keyID string) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	made, known := r.made[keyID]
	return made.at, known && r.isNew(made, r.Now())
}

// Of returns the keys of a user that were made within the list lag, by ID.
func (r *Recent) Of(user string) (keys []keyservice.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.Now()
	for _, made := range r.made {
		if made.user == user && r.isNew(made, now) {
			keys = append(keys, made.Key)
		}
	}
	slices.SortFunc(keys, func(a, b keyservice.Key) int { return strings.Compare(a.ID, b.ID) })
	return keys
}

func (r *Recent) isNew(made recentKey, now time.Time) bool { return now.Sub(made.at).Abs() < r.Lag }
