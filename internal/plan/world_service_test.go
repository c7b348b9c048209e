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
	skew time.Duration
	made int
	// listed is what the last resync saw, and when.
	listed   []string
	listedAt time.Time
}

type serviceKey struct {
	keyservice.Key
	// by is nil for a key that a person made.
	by *operation
	// forgiven: a person took away the last trace of it, so that nobody can revoke it.
	forgiven bool
	traced   bool // before people did something
}

type landing struct {
	at time.Time
	by *operation
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
	key := &serviceKey{Key: keyservice.Key{ID: id, AccessKeyID: "AKIA" + id, CreatedAt: w.now.Add(after).Add(w.service.skew)}, by: by}
	key.forgiven = by != nil && by.forgiven
	w.service.keys = append(w.service.keys, key)
	return key
}

// createKey is the service's create: it can fail, lose its answer, or land after its answer was given up.
func (w *world) createKey(by *operation) (*serviceKey, error) {
	w.calls++
	if w.serviceDown() || !w.service.room() {
		return nil, errRefused
	}
	if !w.chance(w.odds.lostAnswer) {
		return w.makeKey(by, 0), nil
	}
	switch w.rng.IntN(3) {
	case 0:
		w.log("  the create is lost on its way")
	case 1:
		w.log("  the create makes %s, and its answer is lost", w.makeKey(by, 0).ID)
	default:
		at := by.startedAt.Add(w.between(1, 59) * time.Second)
		if at.Before(w.now) {
			at = w.now
		}
		w.service.landings = append(w.service.landings, landing{at: at, by: by})
		w.log("  the create is given up, and will land at %s", at.Format(time.TimeOnly))
	}
	w.passTime(w.now.Add(w.between(0, 30) * time.Second))
	return nil, errLost
}

// land carries out the creates whose time has come.
func (w *world) land() {
	w.service.landings = slices.DeleteFunc(w.service.landings, func(l landing) bool {
		if l.at.After(w.now) {
			return false
		}
		if w.service.room() {
			w.log("the late create of %s lands and makes %s", l.by.subject.name, w.makeKey(l.by, 0).ID)
		}
		return true
	})
}

// resyncService is the shared listing, which is all that a quiet world costs.
func (w *world) resyncService() {
	if w.serviceDown() || w.now.Sub(w.service.listedAt) < resync {
		return
	}
	w.service.listedAt = w.now
	w.service.listed = nil
	for _, key := range w.service.keys {
		w.service.listed = append(w.service.listed, key.ID)
	}
}

// denies: the last resync says that the key is gone.
func (r *keyRing) denies(id string, issuedAt time.Time) bool {
	return r.listedAt.After(issuedAt) && !slices.Contains(r.listed, id)
}
