// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// works: the Secret under the wanted name holds a pair that is valid at the service.
func (w *world) works(s *subject) bool { return w.wantedHolds(s, w.valid) }

func (w *world) wantedHolds(s *subject, what func(id string, pair int) bool) bool {
	if s.stored.ak == nil {
		return false
	}
	secret, ok := s.stored.secret(s.stored.ak.SecretName())
	return ok && !secret.foreign && what(secret.keyID, secret.pair)
}

// serves: one of its Secrets, be it under a former name, holds the current pair, and that is valid.
func (w *world) serves(s *subject) bool {
	return s.stored.ak != nil && slices.ContainsFunc(s.stored.secrets, func(secret storedSecret) bool {
		return !secret.foreign && secret.name != NextSecretName(s.stored.ak) && secret.keyID == s.stored.ak.Status.KeyID && w.valid(secret.keyID, secret.pair)
	})
}

// keepServing holds promise 1 against one step of the operator. No live look can exclude what a person does right after
// it. And a new name in the middle of an operation leaves its pair under the old one, where it is not found again. Only a
// replacement may leave nothing that works until it is published.
func (w *world) keepServing(s *subject, replaces bool, step func()) {
	works, serves := w.works(s), w.serves(s)
	step()
	if s.stored.ak == nil || !s.stored.ak.DeletionTimestamp.IsZero() || s.disturbed || s.renamed || replaces {
		return
	}
	if works && !w.works(s) || serves && !w.serves(s) && !w.works(s) {
		w.violate(1, "%s lost its published pair to the operator", s.name)
	}
}

// checkDelete holds promise 3 against one delete.
func (w *world) checkDelete(s *subject, in Input, id string) {
	key := w.service.find(id)
	switch {
	case key == nil:
	case key.by == nil && !w.indistinguishable(s, in, key):
		w.violate(3, "%s deletes the foreign key %s", s.name, id)
	case key.by != nil && key.by.subject != s && key.by.subject.holds(id):
		w.violate(3, "%s deletes the key %s of %s", s.name, id, key.by.subject.name)
	}
}

// holds: its status records the key, or a Secret of it publishes it.
func (s *subject) holds(id string) bool {
	published := func(secret storedSecret) bool { return !secret.foreign && secret.keyID == id }
	return s.stored.ak != nil && (slices.Contains(s.stored.ak.RecordedKeyIDs(), id) || slices.ContainsFunc(s.stored.secrets, published))
}

// indistinguishable is the one case in which a foreign key is given up: it was made within the intent's time, and there
// is no second candidate, since the create made nothing or its key is gone again. The service tells nothing that sets it
// apart from a key whose answer was lost.
func (w *world) indistinguishable(s *subject, in Input, key *serviceKey) bool {
	intent := in.AccessKey.Status.Intent
	if intent == nil || slices.Contains(intent.KnownKeyIDs, key.ID) {
		return false
	}
	own := slices.ContainsFunc(w.service.keys, func(k *serviceKey) bool { return k.by != nil && w.open(k.by) && k.by.subject == s })
	late := slices.ContainsFunc(w.service.landings, func(l landing) bool { return w.open(l.by) && l.by.subject == s })
	return !own && !late && key.CreatedAt.Sub(intent.StartedAt.Time).Abs() <= clockSkew &&
		!key.CreatedAt.Before(in.AccessKey.CreationTimestamp.Add(-clockSkew))
}

// open: the intent of the operation is still there.
func (w *world) open(o *operation) bool {
	if o.subject.stored.ak == nil || o.subject.operation != o {
		return false
	}
	intent := o.subject.stored.ak.Status.Intent
	return intent != nil && intent.Revision == o.revision && intent.StartedAt.Time.Equal(o.startedAt)
}

// traces: something in Kubernetes still leads to the key.
func (w *world) traces(key *serviceKey) bool {
	for _, s := range w.subjects {
		if s.stored.ak != nil && slices.Contains(s.stored.ak.RecordedKeyIDs(), key.ID) {
			return true
		}
	}
	own := key.by.subject.stored
	if own.ak == nil {
		return false
	}
	if w.open(key.by) || own.ak.Status.Intent != nil && own.ak.Status.Intent.KeyID == key.ID {
		return true
	}
	published := own.wanted()
	return own.ak.Status.KeyID == "" && published.State == SecretIntact && (published.Record.KeyID == key.ID ||
		slices.ContainsFunc(published.Record.PreviousKeys, func(p v1alpha1.PreviousKey) bool { return p.KeyID == key.ID }))
}

// leaked holds promise 2: what the operator made is traced by an AccessKey or gone.
func (w *world) leaked(of *subject) *serviceKey {
	for _, key := range w.service.keys {
		if key.by != nil && (of == nil || key.by.subject == of) && !key.forgiven && key.goneAt.IsZero() && !w.traces(key) {
			return key
		}
	}
	return nil
}

// checkReleased: a deleted AccessKey leaves no key behind, but with Retain every one.
func (w *world) checkReleased(s *subject, retained bool) {
	w.log("%s is gone", s.name)
	if !retained {
		if key := w.leaked(s); key != nil {
			w.violate(2, "%s is gone, and its key %s is not", s.name, key.ID)
		}
		return
	}
	for _, key := range w.service.keys {
		key.forgiven = key.forgiven || key.by != nil && key.by.subject == s
	}
	if s.operation != nil {
		s.operation.forgiven = true
	}
}

// checkRest holds promises 2, 4 and 5 whenever the operator comes to rest.
func (w *world) checkRest(s *subject, action Action) {
	if key := w.leaked(s); key != nil {
		w.violate(2, "nothing records %s any more", key.ID)
	}
	if !action.Until.IsZero() && !action.Until.After(w.now) {
		w.violate(5, "%s asks to be called again at %s, which is past", s.name, action.Until.Format(time.DateTime))
	}
	hindered := []string{v1alpha1.ReasonSuspended, v1alpha1.ReasonRetrying, v1alpha1.ReasonSettling, v1alpha1.ReasonKeyNotOurs}
	if slices.Contains(hindered, action.Reason) || w.serviceDown() {
		s.calmSince = w.now
	}
	if action.Reason != "" || w.serviceDown() {
		s.freeSince = w.now // a person or another AccessKey keeps it from making a new pair, but not from revoking
	}
	w.checkAges(s)
}

func (w *world) checkAges(s *subject) {
	if s.stored.ak == nil || s.stored.ak.Spec.TTL == nil {
		return
	}
	for _, key := range w.service.keys {
		if key.by == nil || key.by.subject != s || key.forgiven || !key.goneAt.IsZero() {
			continue
		}
		since := s.freeSince
		if s.replaced(key.ID) {
			since = s.calmSince
		}
		w.checkAge(key, s.stored.ak.Spec.TTL.Duration, since)
	}
}

// replaced: the key is a previous one, and no Secret holds it again.
func (s *subject) replaced(id string) bool {
	published := s.stored.wanted()
	return id != s.stored.ak.Status.KeyID && slices.Contains(s.stored.ak.RecordedKeyIDs(), id) && published.Record.KeyID != id
}

// checkAge holds promise 4 against a key that the operator could see to since then.
func (w *world) checkAge(key *serviceKey, ttl time.Duration, since time.Time) {
	end := key.by.startedAt.Add(ttl)
	if end.Before(since) {
		end = since
	}
	if w.now.After(end.Add(resync)) {
		w.violate(4, "%s outlives its ttl", key.ID)
	}
}

// turnWell ends the faults, lets time pass with people doing what they are asked to, and then checks that all is well.
func (w *world) turnWell() {
	w.log("all is well from now on")
	w.well = true
	w.upset(w.now)
	w.downUntil, w.service.downUntil = w.now, earliest(w.now, w.service.downUntil)
	longest := 30 * time.Hour // the overlap of a pair without ttl
	for _, s := range w.subjects {
		s.granted, s.held = true, true
		if s.stored.ak == nil {
			continue
		}
		s.changeSpec(func(ak *v1alpha1.AccessKey) { ak.Spec.Suspend = nil })
		if s.stored.ak.Spec.TTL != nil {
			longest = max(longest, 3*s.stored.ak.Spec.TTL.Duration)
		}
	}
	for i := range 12 {
		pause := resync
		if i >= 6 { // whatever was ambiguous is decided
			w.tidy()
			pause = longest / 6
		}
		w.wake()
		for _, s := range w.subjects {
			w.heed(s)
		}
		w.advance(pause)
	}
	w.wake()
	for i := 0; i < 12 && w.halfway(); i++ {
		w.advance(10 * time.Second)
		w.wake()
		for _, s := range w.subjects {
			w.heed(s)
		}
		w.wake()
	}
	w.checkEnd()
}

// halfway: the service makes or deletes a key in its own time, or a person was just asked for something.
func (w *world) halfway() bool {
	return slices.ContainsFunc(w.service.keys, func(key *serviceKey) bool { return !key.goneAt.IsZero() || w.now.Before(key.worksFrom) }) ||
		slices.ContainsFunc(w.subjects, func(s *subject) bool {
			return s.stored.ak != nil && (s.stored.ak.Status.Intent != nil || s.blocked.Verb == Block)
		})
}

// tidy: people delete the keys that the operator lost track of with good reason: they use up the quota, and a Secret
// under a former name with such a key is looked at with each resync.
func (w *world) tidy() {
	w.service.keys = slices.DeleteFunc(w.service.keys, func(key *serviceKey) bool { return key.forgiven && !w.traces(key) })
}

func (w *world) checkEnd() {
	if w.violation != nil {
		return
	}
	if key := w.leaked(nil); key != nil {
		w.violate(2, "nothing records %s", key.ID)
	}
	for _, s := range w.subjects {
		if s.stored.ak == nil || w.crowded(s) {
			continue
		}
		if !s.stored.ak.DeletionTimestamp.IsZero() {
			w.violate(2, "the deletion of %s hangs", s.name)
			return
		}
		if !w.wantedHolds(s, w.letIn) && !s.excused {
			w.violate(1, "%s has no Secret that works", s.name)
		}
		w.checkQuiet(s)
	}
}

// crowded: two AccessKeys share a user whose quota has no room for the overlaps of both (up to two previous keys each, as
// the jitter makes a renewal earlier than half the ttl), so each can have to wait for the other, with two of two for ever.
func (w *world) crowded(s *subject) bool {
	return len(w.subjects) == 2 && (s.blocked.Reason == v1alpha1.ReasonQuotaExceeded || s.blocked.Reason == v1alpha1.ReasonUserExists)
}

// checkQuiet holds promise 5: the planner waits for a moment in the future, and until then nothing is written or called.
func (w *world) checkQuiet(s *subject) {
	action := decide(w.planner.chain, w.observe(s, false))
	due := s.stored.ak.Spec.TTL != nil || len(s.stored.ak.Status.PreviousKeys) > 0
	if action.Verb != Wait || action.Reason != "" || due != action.Until.After(w.now) {
		w.violate(5, "%s is not at rest: %+v", s.name, action)
		return
	}
	end := earliest(action.Until, w.now.Add(time.Hour)).Add(-time.Second)
	writes, calls := w.writes, w.calls
	for at := w.now; at.Before(end) && w.violation == nil; at = at.Add(resync) {
		in := w.observe(s, false)
		in.Now = at
		if decide(w.planner.chain, in) != action {
			w.violate(5, "%s does not rest until %s", s.name, action.Until.Format(time.DateTime))
		}
	}
	if w.writes != writes || w.calls != calls {
		w.violate(5, "%s writes or calls in quiet times", s.name)
	}
}
