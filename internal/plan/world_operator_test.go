// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// reconcile runs passes over one AccessKey until the operator comes to rest, as its queue does.
func (w *world) reconcile(s *subject) {
	for range maxPasses {
		if w.violation != nil || w.now.Before(w.downUntil) {
			return
		}
		w.resyncService()
		if !w.chance(w.odds.staleCache) {
			w.refreshCaches()
		}
		if s.cached.ak == nil {
			s.due = time.Time{}
			return
		}
		if !w.pass(s) {
			return
		}
	}
	w.violate(5, "%s never comes to rest", s.name)
}

// pass is one Reconcile: observe, decide, act. It answers whether to go on at once.
func (w *world) pass(s *subject) bool {
	s.disturbed = false
	in := w.observe(s, false)
	action := decide(w.planner.chain, in)
	if action.Verb == Look {
		w.calls++
		if s.stored.ak == nil {
			w.refreshCaches()
			return true
		}
		if w.serviceDown() {
			return w.fail(s, in.AccessKey.ResourceVersion, nothingMore)
		}
		in = w.observe(s, true)
		action = decide(w.planner.chain, in)
	}
	if answer := (Action{Verb: action.Verb, Reason: action.Reason, KeyID: action.KeyID, Name: action.Name}); answer != s.last {
		s.last = answer // a row of the same is told once
		w.log("%s: %s %s%s (%s)", s.name, action.Verb, action.KeyID, action.Name, action.Reason)
	}
	switch {
	case action.Verb == Look:
		w.violate(5, "%s asks for a second look", s.name)
		return false
	case action.Verb == Wait || action.Verb == Block:
		return w.rest(s, in, action)
	case !w.meanwhile():
		return false
	}
	return w.execute(s, in, action)
}

// meanwhile comes between any two steps of a pass: the operator can crash, and people can do things. It answers whether
// the pass goes on.
func (w *world) meanwhile() bool {
	if w.violation != nil {
		return false
	}
	if w.chance(w.odds.crash) {
		w.downUntil = w.now.Add(w.between(1, 90) * time.Second)
		w.upset(w.downUntil)
		w.service.listedAt, w.service.listed = time.Time{}, nil
		w.log("  the operator crashes")
		return false
	}
	if w.chance(w.odds.meanwhile) {
		w.people(w.subjects[w.rng.IntN(len(w.subjects))])
	}
	return true
}

func (w *world) execute(s *subject, in Input, action Action) bool {
	version := in.AccessKey.ResourceVersion
	switch action.Verb {
	case Protect:
		w.write(s, version, func(ak *v1alpha1.AccessKey) { ak.Finalizers = []string{v1alpha1.RevokeFinalizer} })
	case Release:
		w.release(s, version)
	case Adopt:
		w.adopt(s, in)
	case ClearIntent:
		w.record(s, version, false, clearIntent)
	case MarkAmbiguous:
		w.record(s, version, false, func(ak *v1alpha1.AccessKey) { ak.Status.Intent.CandidateKeyIDs = w.planner.candidates(in) })
	case Forget:
		w.record(s, version, false, func(ak *v1alpha1.AccessKey) { Drop(&ak.Status, action.KeyID) })
	case Revoke:
		return w.revoke(s, in, action)
	case DeleteOrphan:
		return w.deleteOrphan(s, in, action.KeyID)
	case UpdateSecret, DropSecret:
		w.rewriteSecret(s, in, action)
	default:
		return w.makePair(s, in, action)
	}
	return true
}

func (w *world) makePair(s *subject, in Input, action Action) bool {
	switch action.Verb {
	case Create:
		return w.issueKey(s, in)
	case Regenerate:
		return w.renewPair(s, in, action.KeyID)
	case Publish:
		return w.publishWaiting(s, in)
	default:
		return true
	}
}

func clearIntent(ak *v1alpha1.AccessKey) { ak.Status.Intent = nil }

// write changes the AccessKey with an optimistic lock.
func (w *world) write(s *subject, version string, how func(*v1alpha1.AccessKey)) bool {
	if s.stored.ak == nil || s.stored.ak.ResourceVersion != version {
		w.log("  conflict")
		w.refreshCaches()
		return false
	}
	w.writes++
	s.change(how)
	w.noteRecorded(s)
	return true
}

// record writes the status at the end of a pass.
func (w *world) record(s *subject, version string, success bool, how func(*v1alpha1.AccessKey)) bool {
	return w.write(s, version, func(ak *v1alpha1.AccessKey) {
		how(ak)
		ak.Status.ObservedGeneration = ak.Generation
		if success {
			ak.Status.Failures = nil
		}
	})
}

func (w *world) release(s *subject, version string) {
	w.checkGone(s)
	retained := s.stored.ak != nil && s.stored.ak.Spec.DeletionPolicy == v1alpha1.DeletionPolicyRetain
	if w.write(s, version, func(ak *v1alpha1.AccessKey) { ak.Finalizers = nil }) {
		w.checkReleased(s, retained)
	}
}

func (w *world) rewriteSecret(s *subject, in Input, action Action) {
	name := action.Name
	if action.Verb == UpdateSecret {
		name = in.AccessKey.SecretName()
	}
	secret, ok := s.stored.secret(name)
	if !ok || secret.foreign || s.stored.ak == nil {
		return
	}
	w.writes++
	w.keepServing(s, false, func() {
		if action.Verb == DropSecret {
			s.dropSecret(name)
			return
		}
		secret.upToDate = true
		s.putSecret(secret)
	})
}
