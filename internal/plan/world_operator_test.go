// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
			return w.fail(s, in.AccessKey.ResourceVersion, false)
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
		w.record(s, version, true, in.Secret.Record.Apply)
	case ClearIntent:
		w.record(s, version, false, clearIntent)
	case MarkAmbiguous:
		w.record(s, version, false, func(ak *v1alpha1.AccessKey) { ak.Status.Intent.CandidateKeyIDs = w.planner.candidates(in) })
	case Forget:
		w.record(s, version, false, func(ak *v1alpha1.AccessKey) { Drop(&ak.Status, action.KeyID) })
	case Revoke:
		return w.revoke(s, in, action.KeyID, true, func(ak *v1alpha1.AccessKey) { Drop(&ak.Status, action.KeyID) })
	case DeleteOrphan:
		return w.revoke(s, in, action.KeyID, false, clearIntent)
	case UpdateSecret, DropSecret:
		w.rewriteSecret(s, in, action)
	case Create:
		return w.issueKey(s, in)
	case Wait, Block, Look:
	}
	return true
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
	retained := s.stored.ak != nil && s.stored.ak.Spec.DeletionPolicy == v1alpha1.DeletionPolicyRetain
	if w.write(s, version, func(ak *v1alpha1.AccessKey) { ak.Finalizers = nil }) {
		w.checkReleased(s, retained)
	}
}

// revoke deletes a key at the service, and then records that.
func (w *world) revoke(s *subject, in Input, id string, success bool, how func(*v1alpha1.AccessKey)) bool {
	version := in.AccessKey.ResourceVersion
	if !w.deleteKey(s, in, id) {
		return w.fail(s, version, false)
	}
	if !w.meanwhile() {
		return false
	}
	w.record(s, version, success, how)
	return true
}

func (w *world) deleteKey(s *subject, in Input, id string) bool {
	w.calls++
	if w.serviceDown() {
		return false
	}
	w.checkDelete(s, in, id)
	w.keepServing(s, func() { w.service.remove(id) })
	return true
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
	w.keepServing(s, func() {
		if action.Verb == DropSecret {
			s.dropSecret(name)
			return
		}
		secret.upToDate = true
		s.putSecret(secret)
	})
}

// issueKey follows the design's order: intent, service, Secret, status.
func (w *world) issueKey(s *subject, in Input) bool {
	intent := &v1alpha1.Intent{
		Operation: v1alpha1.OperationCreate, Revision: NextRevision(in), StartedAt: metav1.NewTime(w.now), Renewal: in.RenewalToken(),
	}
	for _, key := range in.Keys {
		intent.KnownKeyIDs = append(intent.KnownKeyIDs, key.ID)
	}
	if !w.write(s, in.AccessKey.ResourceVersion, func(ak *v1alpha1.AccessKey) { ak.Status.Intent = intent }) {
		return true
	}
	s.operation = &operation{subject: s, revision: intent.Revision, startedAt: w.now}
	version := s.stored.ak.ResourceVersion
	if !w.meanwhile() {
		return false
	}
	key, err := w.createKey(s.operation)
	if err != nil {
		return w.fail(s, version, errors.Is(err, errRefused))
	}
	w.log("  %s is made", key.ID)
	if !w.meanwhile() {
		return false
	}
	record := w.planner.record(in, intent, key.Key)
	if published, refused := w.publish(s, in, record); !published {
		return w.fail(s, version, refused && w.deleteKey(s, in, key.ID))
	}
	if w.meanwhile() {
		w.record(s, version, true, record.Apply)
		return true
	}
	return false
}

// publish writes the Secret, but never over a foreign one. refused: it is certain that nothing was written.
func (w *world) publish(s *subject, in Input, record Record) (published, refused bool) {
	name := in.AccessKey.SecretName()
	if found, ok := s.stored.secret(name); ok && found.foreign {
		w.log("  the Secret is foreign by now")
		return false, true
	}
	failed := w.chance(w.odds.failedWrite)
	if failed {
		w.log("  the answer to the Secret's write is lost")
	}
	if !failed || w.chance(50) {
		w.writes++
		secret := storedSecret{name: name, keyID: record.KeyID, record: record, upToDate: true}
		w.keepServing(s, func() { s.putSecret(secret) })
		s.written = append(s.written, secret)
	}
	return !failed, false
}
