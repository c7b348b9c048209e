// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

func statusWiped(_ *world, s *subject) string {
	if s.stored.ak == nil {
		return ""
	}
	s.change(func(ak *v1alpha1.AccessKey) { ak.Status = v1alpha1.AccessKeyStatus{} })
	return "the status is wiped"
}

// olderKey is a foreign key from well before the AccessKey.
func (w *world) olderKey(s *subject) *serviceKey {
	for _, key := range w.foreignKeys() {
		if key.CreatedAt.Before(s.stored.ak.CreationTimestamp.Add(-clockSkew)) {
			return key
		}
	}
	return nil
}

// statusForged: who can edit a status tries to turn the operator against a key that is older than the AccessKey.
func statusForged(w *world, s *subject) string {
	if s.stored.ak == nil {
		return ""
	}
	key := w.olderKey(s)
	if key == nil || slices.Contains(s.stored.ak.RecordedKeyIDs(), key.ID) {
		return ""
	}
	s.change(func(ak *v1alpha1.AccessKey) {
		ak.Status.PreviousKeys = append(ak.Status.PreviousKeys, v1alpha1.PreviousKey{
			KeyID: key.ID, AccessKeyID: key.AccessKeyID, IssuedAt: metav1.NewTime(w.now), RevokeAt: metav1.NewTime(w.now),
		})
	})
	return "a status editor records " + key.ID
}

// intentForged: the same with an open intent that knows no keys, from now or from when such a key was made.
func intentForged(w *world, s *subject) string {
	if s.stored.ak == nil || s.stored.ak.Status.Intent != nil {
		return ""
	}
	startedAt := w.now
	if key := w.olderKey(s); key != nil && w.chance(50) {
		startedAt = key.CreatedAt
	}
	s.change(func(ak *v1alpha1.AccessKey) {
		ak.Status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, Revision: 99, StartedAt: metav1.NewTime(startedAt)}
		if key := w.olderKey(s); key != nil && w.kind.renews {
			ak.Status.Intent.KeyID = key.ID
		}
	})
	return "a status editor opens an intent from " + startedAt.Format(time.DateTime)
}

func deleted(w *world, s *subject) string {
	if s.stored.ak == nil || !s.stored.ak.DeletionTimestamp.IsZero() {
		return ""
	}
	s.changeSpec(func(ak *v1alpha1.AccessKey) {
		now := metav1.NewTime(w.now)
		ak.DeletionTimestamp = &now
	})
	return "the AccessKey is deleted"
}

func retained(_ *world, s *subject) string {
	if s.stored.ak == nil {
		return ""
	}
	s.changeSpec(func(ak *v1alpha1.AccessKey) { ak.Spec.DeletionPolicy = v1alpha1.DeletionPolicyRetain })
	return "deletionPolicy is Retain"
}

func heeded(w *world, s *subject) string { return w.heed(s) }

// heed does what the operator asked a person for.
func (w *world) heed(s *subject) string {
	if s.stored.ak == nil || w.serviceDown() {
		return ""
	}
	text := ""
	switch s.blocked.Reason {
	case v1alpha1.ReasonSecretConflict:
		text = secretFreed(w, s)
	case v1alpha1.ReasonNotGranted:
		s.granted = true
		text = "the grant is given"
	case v1alpha1.ReasonQuotaExceeded, v1alpha1.ReasonUserExists:
		text = w.clearOut()
	case v1alpha1.ReasonAmbiguousKeys:
		text = w.decide(s)
	case v1alpha1.ReasonKeyNotOurs:
		text = w.correct(s)
	}
	if text != "" {
		s.blocked = Action{}
		s.calmSince, s.freeSince = w.now, w.now
		w.log("%s: heeded: %s", s.name, text)
	}
	return text
}

// clearOut makes room: a person deletes a key of their own, or one that the operator lost track of with good reason.
func (w *world) clearOut() string {
	for _, key := range w.service.keys {
		if key.by == nil || key.forgiven {
			w.removeForeign(key.ID)
			return "a person makes room: " + key.ID
		}
	}
	return ""
}

// decide among the candidates: the person deletes those that nobody uses, or one of their own if there is none.
func (w *world) decide(s *subject) string {
	intent := s.stored.ak.Status.Intent
	if intent == nil || len(intent.CandidateKeyIDs) == 0 {
		return ""
	}
	chosen := slices.DeleteFunc(slices.Clone(intent.CandidateKeyIDs), func(id string) bool {
		key := w.service.find(id)
		return key == nil || key.by == nil
	})
	for _, id := range chosen {
		w.dropKey(id)
	}
	if len(chosen) == 0 {
		chosen = intent.CandidateKeyIDs[:1]
		w.removeForeign(chosen[0])
	}
	return "the orphans are " + list(chosen)
}

// correct takes a key out of the status that does not belong there.
func (w *world) correct(s *subject) string {
	for _, key := range w.foreignKeys() {
		if slices.Contains(s.stored.ak.RecordedKeyIDs(), key.ID) {
			s.change(func(ak *v1alpha1.AccessKey) { Drop(&ak.Status, key.ID) })
			return key.ID + " is taken out of the status"
		}
	}
	return ""
}
