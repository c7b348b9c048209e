// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// keyRing is the key service: the keys of one user.
type keyRing struct {
	quota int
	keys  []*serviceKey
	// landings are creates whose answer is lost and that are still under way.
	landings []landing
	// downUntil is the end of the last outage.
	downUntil time.Time
	// skew of its clock.
	skew        time.Duration
	made, pairs int
	// listed is what the last resync saw, and when.
	listed   []keyservice.Key
	listedAt time.Time
}

type serviceKey struct {
	keyservice.Key
	// by is nil for a key that a person made.
	by *operation
	// forgiven: a person took away the last trace of it, so that nobody can revoke it.
	forgiven bool
	traced   bool // before people did something
	// pair that belongs to the key now: one of a row over all keys.
	pair int
	// worksFrom and endsAt bound the time in which the pair works; goneAt is when a deletion is done.
	worksFrom, endsAt, goneAt time.Time
	disabled, failed          bool
}

var (
	errRefused = errors.New("refused, and nothing was changed")
	errLost    = errors.New("the answer was lost")
)

func (r *keyRing) room() bool { return r.quota == 0 || len(r.keys) < r.quota }

func (r *keyRing) find(id string) *serviceKey {
	i := slices.IndexFunc(r.keys, func(key *serviceKey) bool { return key.ID == id })
	if i < 0 {
		return nil
	}
	return r.keys[i]
}

func (r *keyRing) remove(id string) {
	r.keys = slices.DeleteFunc(r.keys, func(key *serviceKey) bool { return key.ID == id })
}

func (r *keyRing) nextLanding() time.Time {
	var next time.Time
	for _, l := range r.landings {
		next = earliest(next, l.at)
	}
	return next
}

func (w *world) serviceDown() bool { return w.now.Before(w.service.downUntil) }

// makeKey puts a key on the ring. after is how far from now it is made.
func (w *world) makeKey(by *operation, after time.Duration) *serviceKey {
	w.service.made++
	id := fmt.Sprintf("F%d", w.service.made)
	if by != nil {
		id = fmt.Sprintf("K%d%s", w.service.made, by.subject.name)
	}
	switch {
	case by != nil && by.keyID != "":
		id = by.keyID
	case w.kind.handles == bySlot:
		id = w.freeSlot()
	}
	key := &serviceKey{Key: keyservice.Key{ID: id, AccessKeyID: "AKIA" + id, CreatedAt: w.now.Add(after).Add(w.service.skew)}}
	w.newPair(key, by)
	key.forgiven = by != nil && by.forgiven
	if by != nil && w.kind.pends {
		key.worksFrom = w.now.Add(w.between(0, 20) * time.Second)
	}
	w.service.keys = append(w.service.keys, key)
	return key
}

// resyncService is the shared listing, which is all that a quiet world costs.
func (w *world) resyncService() {
	if w.serviceDown() || w.now.Sub(w.service.listedAt) < resync {
		return
	}
	w.service.listedAt = w.now
	w.service.listed = nil
	for _, key := range w.service.keys {
		w.service.listed = append(w.service.listed, key.Key)
	}
}

// denies: the last resync says that the key is gone.
func (r *keyRing) denies(key keyservice.Key) bool {
	return r.listedAt.After(key.CreatedAt) && !slices.ContainsFunc(r.listed, key.SamePair)
}
