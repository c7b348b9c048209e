// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// note is an event that is sent once the change that it reports is recorded.
type note struct {
	eventType, reason, action, text string
}

func (s *scope) note(eventType, reason, action, format string, args ...any) {
	const maxNote = 1024 // of events.k8s.io/v1
	s.notes = append(s.notes, note{eventType, reason, action, Clean(fmt.Sprintf(format, args...), maxNote)})
}

// emit sends the events.
func (s *scope) emit(recorder events.EventRecorder) {
	for _, n := range s.notes {
		recorder.Eventf(s.ak, nil, n.eventType, n.reason, n.action, "%s", n.text)
	}
	s.notes = nil
}

func (s *scope) noteIssued(action plan.Action, previous string) {
	status := &s.ak.Status
	if status.Revision == 1 {
		s.note(corev1.EventTypeNormal, v1alpha1.EventIssued, "Create", "Issued access key %s of user %q into Secret %s", status.AccessKeyID, s.ak.Spec.User, status.SecretName)
		s.noteReplacement()
		return
	}
	text := fmt.Sprintf("Issued access key %s into Secret %s (%s)", status.AccessKeyID, status.SecretName, causes[action.Reason])
	for i := range status.PreviousKeys {
		if status.PreviousKeys[i].AccessKeyID == previous {
			text += fmt.Sprintf("; the previous access key %s works until %s", previous, status.PreviousKeys[i].RevokeAt.UTC().Format(time.RFC3339))
		}
	}
	s.note(corev1.EventTypeNormal, v1alpha1.EventRotated, "Rotate", "%s", text)
}

// noteReplacement says before the first rotation that it will have no overlap.
func (s *scope) noteReplacement() {
	if !s.in.Replaces() {
		return
	}
	why := "rotation.strategy is Replace"
	if !s.in.Service.Overlap {
		why = fmt.Sprintf("the service holds %d key per user", s.in.Service.KeysPerUser)
	}
	s.note(corev1.EventTypeWarning, v1alpha1.EventReplacesInPlace, "Create",
		"Rotations replace the pair in place, because %s: the old pair stops working as soon as the new one is generated, and consumers have to load the new one at once", why)
}

// causes of a rotation in words.
var causes = map[string]string{
	v1alpha1.ReasonRotating:  "its renewal time had come",
	v1alpha1.ReasonRenewing:  "requested by the annotation " + v1alpha1.RenewAnnotation,
	v1alpha1.ReasonRestoring: "the Secret or the key was lost",
	v1alpha1.ReasonIssuing:   "the former key was revoked",
	v1alpha1.ReasonSettling:  "the response to an earlier request was lost",
}

func joined(ids []string) string { return strings.Join(ids, ", ") }
