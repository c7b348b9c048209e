// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// rest ends a pass that only waits.
func (w *world) rest(s *subject, in Input, action Action) bool {
	failures := in.AccessKey.Status.Failures != nil && (action.Verb == Block || action.Reason == "")
	if in.AccessKey.Status.ObservedGeneration != in.AccessKey.Generation || failures {
		if !w.record(s, in.AccessKey.ResourceVersion, failures, func(*v1alpha1.AccessKey) {}) {
			return true
		}
	}
	s.blocked = Action{}
	if action.Verb == Block {
		s.blocked = action
	}
	w.checkRest(s, action)
	s.due = w.now.Add(resync)
	switch {
	case action.Reason == v1alpha1.ReasonWaiting && !action.Until.Equal(w.now.Add(pendingDelay)):
		s.due = w.now.Add(2 * time.Minute) // its Until is a second, which would only cost the simulation time
	case action.Verb == Wait && action.Reason == "":
		s.due = action.Until // the passes of each resync between would do nothing
	default:
		s.due = earliest(s.due, action.Until)
	}
	return false
}

// fail records a failure and its back-off, and what else is then known.
func (w *world) fail(s *subject, version string, how func(*v1alpha1.AccessKey)) bool {
	w.log("  failed")
	s.calmSince, s.freeSince = w.now, w.now
	recorded := w.write(s, version, func(ak *v1alpha1.AccessKey) {
		count := int32(1)
		if ak.Status.Failures != nil {
			count += ak.Status.Failures.Count
		}
		delay := min(5*time.Second<<min(count-1, 16), 5*time.Minute)
		s.due = w.now.Add(delay)
		ak.Status.Failures = &v1alpha1.Failures{Count: count, LastTime: metav1.NewTime(w.now), NextAttempt: metav1.NewTime(s.due)}
		ak.Status.ObservedGeneration = ak.Generation
		how(ak)
	})
	return !recorded
}

// noteRecorded: what is recorded again is known again.
func (w *world) noteRecorded(s *subject) {
	if s.stored.ak == nil {
		return
	}
	s.renamed = s.renamed && s.stored.ak.Status.Intent != nil
	for _, key := range w.service.keys {
		key.forgiven = key.forgiven && !slices.Contains(s.stored.ak.RecordedKeyIDs(), key.ID)
	}
}

// nothingMore is known after a failure.
func nothingMore(*v1alpha1.AccessKey) {}
