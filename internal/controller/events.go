// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// note is an event to send once the change that it tells of is recorded.
type note struct {
	eventType, reason, action, text string
}

func (p *pass) note(eventType, reason, action, format string, args ...any) {
	const maxNote = 1024 // of events.k8s.io/v1
	p.notes = append(p.notes, note{eventType, reason, action, clean(fmt.Sprintf(format, args...), maxNote)})
}

// emit sends the events of the pass.
func (p *pass) emit(recorder events.EventRecorder) {
	for _, n := range p.notes {
		recorder.Eventf(p.ak, nil, n.eventType, n.reason, n.action, "%s", n.text)
	}
	p.notes = nil
}

func (p *pass) noteIssued(action plan.Action, previous string) {
	status := &p.ak.Status
	if previous == "" {
		p.note(corev1.EventTypeNormal, v1alpha1.EventIssued, "Create", "Issued access key %s of user %q into Secret %s", status.AccessKeyID, p.ak.Spec.User, status.SecretName)
		p.noteReplacement()
		return
	}
	text := fmt.Sprintf("Issued access key %s into Secret %s (%s)", status.AccessKeyID, status.SecretName, causes[action.Reason])
	for i := range status.PreviousKeys {
		if status.PreviousKeys[i].AccessKeyID == previous {
			text += fmt.Sprintf("; the previous one, %s, works until %s", previous, stamp(status.PreviousKeys[i].RevokeAt.Time))
		}
	}
	p.note(corev1.EventTypeNormal, v1alpha1.EventRotated, "Rotate", "%s", text)
}

// noteReplacement says before the first rotation that it will have no overlap.
func (p *pass) noteReplacement() {
	if !p.in.Replaces() {
		return
	}
	why := "rotation.strategy is Replace"
	if !p.in.Service.Overlap {
		why = fmt.Sprintf("the service holds %d key per user", p.in.Service.KeysPerUser)
	}
	p.note(corev1.EventTypeWarning, v1alpha1.EventReplacesInPlace, "Create",
		"Rotations replace the pair in place: %s, so the old pair stops working as soon as the new one is made, and consumers have to take up the new one at once", why)
}

// causes of a rotation in words.
var causes = map[string]string{
	v1alpha1.ReasonRotating:  "its renewal time had come",
	v1alpha1.ReasonRenewing:  "asked for by the annotation " + v1alpha1.RenewAnnotation,
	v1alpha1.ReasonRestoring: "the Secret or the key was lost",
	v1alpha1.ReasonIssuing:   "the former pair was given up",
}

func joined(ids []string) string { return strings.Join(ids, ", ") }
