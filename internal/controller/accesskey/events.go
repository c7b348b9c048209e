// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
)

// note is a line of the log, and mostly an event, too. It is sent once the change that it reports is recorded.
type note struct {
	// eventType is empty if there is no event.
	eventType, reason, action, text string
}

func (s *scope) note(eventType, reason, action, format string, args ...any) {
	const maxNote = 1024 // of events.k8s.io/v1
	s.notes = append(s.notes, note{eventType, reason, action, Clean(fmt.Sprintf(format, args...), maxNote)})
}

// noteInLog notes a change that is no event.
func (s *scope) noteInLog(reason, format string, args ...any) {
	s.note("", reason, "", format, args...)
}

// emit logs the notes and sends the events.
func (s *scope) emit(ctx context.Context, recorder events.EventRecorder) {
	logger := log.FromContext(ctx).WithValues("accessKeyID", s.ak.Status.AccessKeyID, "revision", s.ak.Status.Revision)
	for _, n := range s.notes {
		logger.Info(n.text, "reason", n.reason, "type", cmp.Or(n.eventType, corev1.EventTypeNormal))
		if n.eventType != "" {
			recorder.Eventf(s.ak, nil, n.eventType, n.reason, n.action, "%s", n.text)
		}
	}
	s.notes = nil
}

// noteIssued reports a new pair. cause is in words, and previous is the access key ID of the pair before. The first pair has no event,
// because the conditions report it, and each event is a write. The event of a rotation says when the previous key is revoked.
func (s *scope) noteIssued(cause, previous string) {
	status := &s.ak.Status
	if status.Revision == 1 {
		s.noteInLog(v1alpha1.ReasonIssued, "Issued access key %s of user %q into Secret %s", plan.ShortID(status.AccessKeyID), s.ak.Spec.User, status.SecretName)
		s.noteReplacement()
		s.noteCrowded()
		return
	}
	text := fmt.Sprintf("Issued access key %s into Secret %s (%s)", plan.ShortID(status.AccessKeyID), status.SecretName, cause)
	for i := range status.PreviousKeys {
		if status.PreviousKeys[i].AccessKeyID == previous {
			until := "works until " + rfc3339(status.PreviousKeys[i].RevokeAt.Time)
			if s.ak.Compromised(status.PreviousKeys[i].KeyID, previous) {
				until = "is revoked now"
			}
			text += fmt.Sprintf("; the previous access key %s %s", plan.ShortID(previous), until)
		}
	}
	s.note(corev1.EventTypeNormal, v1alpha1.EventRotated, "Rotate", "%s", text)
}

// noteRevoked reports a revocation, by an event unless an earlier event has said when it would come.
func (s *scope) noteRevoked(action plan.Action) {
	room := ""
	if s.in.RevokeReason(action, false) == v1alpha1.RevokedMadeRoom {
		room = " to make room for a new key"
	}
	text := fmt.Sprintf("Revoked key %s of user %q%s%s%s", action.KeyID, s.ak.Spec.User, room, s.idleSince(action.KeyID), s.worksOn())
	if s.in.EndsAsAnnounced(action.KeyID) {
		s.noteInLog(v1alpha1.EventRevoked, "%s", text)
		return
	}
	s.note(corev1.EventTypeNormal, v1alpha1.EventRevoked, "Revoke", "%s", text)
}

// worksOn says how long a key can go on working that was deleted or disabled; empty if it has ended.
func (s *scope) worksOn() string {
	if s.connection.WorksOn == 0 {
		return ""
	}
	return fmt.Sprintf("; the service can accept it for %s more", s.connection.WorksOn)
}

// noteAbandoned tells which key an open operation may leave at the service when the AccessKey is deleted with Retain.
func (s *scope) noteAbandoned() {
	intent := s.ak.Status.Intent
	if intent == nil || intent.Operation == v1alpha1.OperationRevoke || intent.KeyID != "" && slices.Contains(s.ak.RecordedKeyIDs(), intent.KeyID) {
		return
	}
	key := "key " + intent.KeyID
	if intent.KeyID == "" {
		key = "a key that was requested at " + rfc3339(intent.StartedAt.Time)
	}
	s.note(corev1.EventTypeWarning, v1alpha1.EventRetained, "Delete", "The deletion interrupted an operation, so %s of user %q, whose pair was not published, may be left at the service: revoke it there",
		key, s.ak.Spec.User)
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

// noteCrowded says before the first rotation that the user's quota has no room for a second key.
func (s *scope) noteCrowded() {
	if !s.in.Crowded() {
		return
	}
	s.note(corev1.EventTypeWarning, v1alpha1.EventNoRoomToRotate, "Create",
		"User %q now has %d keys of at most %d (%s), so there is no room for the second key that a rotation needs: give each AccessKey a user of its own, or delete a key that is not needed at the service",
		s.ak.Spec.User, len(s.in.Keys), s.in.Service.KeysPerUser, joined(keyIDs(s.in.Keys)))
}

// noteUser says that a user is no longer as it was, because the service made it again.
func (s *scope) noteUser(credential keyservice.Credential) {
	if !credential.MadeUser || s.ak.Status.Revision == 0 {
		return
	}
	s.note(corev1.EventTypeWarning, v1alpha1.EventUserRecreated, "Create",
		"The service no longer had user %q, so it was made again with the new access key %s: it is in none of its former groups and has none of its policies; add it to them again", s.ak.Spec.User,
		plan.ShortID(credential.AccessKeyID))
}

// noteRecord tells once that an admission policy removes the record.
func (s *scope) noteRecord(published secret.Published, accessKeyID string) {
	before := s.secret
	if !published.RecordRemoved || before != nil && before.Annotations[v1alpha1.RecordAnnotation] == "" {
		return
	}
	s.note(corev1.EventTypeWarning, v1alpha1.EventRecordRemoved, "Publish",
		"An admission policy removes the annotation %s from Secret %s: access key %s works, but after a restore of the AccessKey it will not be found, and a new pair will be issued; exempt the Secret from the policy",
		v1alpha1.RecordAnnotation, s.ak.SecretName(), plan.ShortID(accessKeyID))
}

// cause returns why the pair of the open intent is issued, in words.
func (s *scope) cause(action plan.Action) string {
	if action.Verb == plan.Regenerate && action.Reason == v1alpha1.ReasonSettling {
		return "the response to an earlier request was lost"
	}
	reason := s.ak.Status.Intent.Reason
	if reason == v1alpha1.IssuedScheduled && s.in.OutsideWindows() {
		return causes[reason] + ", and none of rotation.windows could be used"
	}
	return causes[reason]
}

// causes of a rotation in words.
var causes = map[v1alpha1.IssueReason]string{
	v1alpha1.IssuedScheduled:   "its renewal time had come",
	v1alpha1.IssuedRequested:   "requested by the annotation " + v1alpha1.RenewAnnotation,
	v1alpha1.IssuedCompromised: "spec.compromisedKeyIDs names the key before",
	v1alpha1.IssuedRestored:    "the Secret or the key was lost",
	v1alpha1.IssuedRenamed:     "spec.secretName changed",
	v1alpha1.IssuedNew:         "no earlier pair is known",
}

func keyIDs(keys []plan.Key) (ids []string) {
	for _, key := range keys {
		ids = append(ids, plan.ShortID(key.ID))
	}
	return ids
}

func joined(ids []string) string { return strings.Join(ids, ", ") }

func accessKeyIDs(status *v1alpha1.AccessKeyStatus) (ids []string) {
	if status.KeyID != "" {
		ids = append(ids, plan.ShortID(status.AccessKeyID))
	}
	for i := range status.PreviousKeys {
		ids = append(ids, plan.ShortID(status.PreviousKeys[i].AccessKeyID))
	}
	return ids
}
