// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"
)

// landing is a request whose answer was given up, and that is still under way.
type landing struct {
	at time.Time
	by *operation
	do func()
}

// request is a create or a renew: it can fail, lose its answer, or land after its answer was given up. do carries it out,
// and answers nil if it can't be.
func (w *world) request(by *operation, do func() *serviceKey) (*serviceKey, error) {
	w.calls++
	if w.serviceDown() {
		return nil, errRefused
	}
	if !w.chance(w.odds.lostAnswer) {
		if key := do(); key != nil {
			return key, nil
		}
		return nil, errRefused
	}
	switch w.rng.IntN(3) {
	case 0:
		w.log("  the request is lost on its way")
	case 1:
		if key := do(); key != nil {
			key.failed = w.kind.pends && key.worksFrom.After(w.now) && w.chance(20)
			w.log("  the request makes a pair of %s, and its answer is lost", key.ID)
		}
	default:
		at := by.startedAt.Add(w.between(1, 59) * time.Second)
		if at.Before(w.now) {
			at = w.now
		}
		w.service.landings = append(w.service.landings, landing{at: at, by: by, do: func() {
			if key := do(); key != nil {
				w.log("the late request of %s lands and makes a pair of %s", by.subject.name, key.ID)
			}
		}})
		w.log("  the request is given up, and will land at %s", at.Format(time.TimeOnly))
	}
	w.passTime(w.now.Add(w.between(0, 30) * time.Second))
	return nil, errLost
}

func (w *world) createKey(by *operation) (*serviceKey, error) {
	if !w.service.room() && w.service.find(by.keyID) == nil {
		w.calls++
		return nil, errRefused
	}
	return w.request(by, func() *serviceKey {
		if by.keyID != "" && w.service.find(by.keyID) != nil {
			return w.renewed(by) // the handle is ours already
		}
		if !w.service.room() {
			return nil
		}
		return w.makeKey(by, 0)
	})
}

func (w *world) renewKey(by *operation) (*serviceKey, error) {
	return w.request(by, func() *serviceKey { return w.renewed(by) })
}

// renewed gives the operation's key a new pair, if the service has it.
func (w *world) renewed(by *operation) *serviceKey {
	key := w.service.find(by.keyID)
	if key == nil || !key.goneAt.IsZero() || key.failed {
		return nil
	}
	if key.by == nil || key.by.subject != by.subject {
		w.violate(3, "%s renews the key %s of somebody else", by.subject.name, key.ID)
	}
	w.keepServing(by.subject, by.replaces, func() { w.newPair(key, by) })
	return key
}

// land carries out the requests whose time has come, and ends the deletions.
func (w *world) land() {
	due := w.service.landings
	w.service.landings = nil
	for _, l := range due {
		if l.at.After(w.now) {
			w.service.landings = append(w.service.landings, l)
			continue
		}
		w.landOne(l)
	}
	w.service.keys = slices.DeleteFunc(w.service.keys, func(key *serviceKey) bool {
		return !key.goneAt.IsZero() && !key.goneAt.After(w.now)
	})
}

// landOne: a late renewal takes away the pair before it. Unless people took away the intent, the operator must still be
// waiting for that.
func (w *world) landOne(l landing) {
	s := l.by.subject
	works := w.works(s)
	if !w.open(l.by) {
		s.disturbed = true // told below
	}
	l.do()
	switch {
	case !works || w.works(s) || w.open(l.by):
	case l.by.forgiven:
		s.excused = true
	default:
		w.violate(1, "a renewal of %s that was given up takes the published pair away", s.name)
	}
}
