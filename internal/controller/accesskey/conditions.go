// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"strings"
	"time"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// MaxMessage is the length of a condition's message, in bytes.
const MaxMessage = 2048

func setReady(s *scope, action plan.Action, err error) {
	ready := plan.Ready(s.in, reasonForNoPair(action, err))
	if ready.Status == "" {
		return
	}
	set(s, v1alpha1.ConditionReady, ready.Status, ready.Reason, ready.Message)
	s.noteUnsupported(v1alpha1.EventQuarantineUnsupported, plan.QuarantineUnsupported)
	s.noteUnsupported(v1alpha1.EventLastUseUnsupported, plan.LastUseUnsupported)
}

// reasonForNoPair says why no pair was published.
func reasonForNoPair(action plan.Action, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case action.Verb == plan.Stall:
		return action.Detail
	case action.Verb == plan.Wait && action.Detail != "":
		return "waiting " + action.Detail
	default:
		return ""
	}
}

// setSynced reports whether the last request to the service succeeded. A scope without a request repeats what was true before.
func setSynced(s *scope, err error) {
	before := meta.FindStatusCondition(s.base.Status.Conditions, v1alpha1.ConditionSynced)
	if err == nil {
		err = s.syncErr
	}
	switch {
	case err != nil && Classify(err).Synced != "":
		set(s, v1alpha1.ConditionSynced, metav1.ConditionFalse, Classify(err).Synced, err.Error())
		s.warn(v1alpha1.ConditionSynced, "Sync", before)
	case s.contacted:
		set(s, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonServiceReachable, "The service answered")
	case s.ak.Suspended() && s.ak.DeletionTimestamp.IsZero():
		set(s, v1alpha1.ConditionSynced, metav1.ConditionUnknown, v1alpha1.ReasonSuspended, "spec.suspend is set, so the keys are not listed until something has to be settled or revoked")
	case before != nil: // it holds for a new generation, too, for which kubectl wait asks
		set(s, v1alpha1.ConditionSynced, before.Status, before.Reason, before.Message)
	}
}

// setProgress sets Reconciling and Stalled. At most one of them is present, and only while it is true.
func setProgress(s *scope, action plan.Action, err error) {
	switch {
	case err != nil && Classify(err).Stalled != "":
		stalled(s, Classify(err).Stalled, err.Error())
	case err != nil:
		reconciling(s, v1alpha1.ReasonRetrying, err.Error()+until("; the next attempt is at ", nextAttempt(s.ak)))
	case action.Verb == plan.Stall:
		stalled(s, action.Reason, action.Detail)
	case action.Verb == plan.MarkAmbiguous: // the next reconciliation says what a person has to do
		reconciling(s, v1alpha1.ReasonSettling, "Finding out whether a request was carried out whose response was lost")
	case action.Verb == plan.Wait:
		waiting(s, action)
	case !s.ak.DeletionTimestamp.IsZero():
		reconciling(s, v1alpha1.ReasonRevoking, "The keys are being revoked")
	case s.ak.Status.KeyID == "":
		reconciling(s, v1alpha1.ReasonIssuing, "A pair is being issued")
	case tidies[action.Verb] && meta.IsStatusConditionTrue(s.ak.Status.Conditions, v1alpha1.ConditionStalled):
		// The plan after this action decides what stalls the AccessKey. Until then Stalled stays, so that no alert starts again.
	default:
		settled(s)
	}
}

// tidies are the actions on previous keys, which are carried out whatever stalls the AccessKey.
var tidies = map[plan.Verb]bool{plan.Revoke: true, plan.Disable: true, plan.Enable: true}

func waiting(s *scope, action plan.Action) {
	switch action.Reason {
	case "", v1alpha1.ReasonSuspended:
		settled(s)
	case v1alpha1.ReasonSettling:
		reconciling(s, action.Reason, "Finding out whether a request was carried out whose response was lost"+until("; the answer is expected at ", action.Until))
	default:
		reconciling(s, action.Reason, "Waiting "+action.Detail)
	}
}

// until returns a time in words, or nothing without one.
func until(words string, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return words + rfc3339(at)
}

func stalled(s *scope, reason, message string) {
	before := meta.FindStatusCondition(s.base.Status.Conditions, v1alpha1.ConditionStalled)
	remove(s, v1alpha1.ConditionReconciling)
	set(s, v1alpha1.ConditionStalled, metav1.ConditionTrue, reason, message)
	synced := meta.FindStatusCondition(s.ak.Status.Conditions, v1alpha1.ConditionSynced)
	if synced != nil && synced.Status == metav1.ConditionFalse && synced.Reason == reason {
		return // Synced has reported it
	}
	s.warn(v1alpha1.ConditionStalled, "Reconcile", before)
}

// noteUnstalled tells that nobody has to act any more.
func noteUnstalled(s *scope) {
	if before := meta.FindStatusCondition(s.base.Status.Conditions, v1alpha1.ConditionStalled); before != nil {
		s.noteInLog(before.Reason, "No longer stalled")
	}
}

func reconciling(s *scope, reason, message string) {
	noteUnstalled(s)
	remove(s, v1alpha1.ConditionStalled)
	set(s, v1alpha1.ConditionReconciling, metav1.ConditionTrue, reason, message)
}

func settled(s *scope) {
	noteUnstalled(s)
	remove(s, v1alpha1.ConditionReconciling)
	remove(s, v1alpha1.ConditionStalled)
}

func set(s *scope, conditionType string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&s.ak.Status.Conditions, metav1.Condition{
		Type:               conditionType,
		Status:             status,
		Reason:             reason,
		Message:            Clean(message, MaxMessage),
		ObservedGeneration: s.ak.Generation,
		LastTransitionTime: seconds(s.in.Now),
	})
}

func remove(s *scope, conditionType string) {
	meta.RemoveStatusCondition(&s.ak.Status.Conditions, conditionType)
}

// warn notes a problem once, when the condition that reports it changes.
func (s *scope) warn(conditionType, action string, before *metav1.Condition) {
	now := meta.FindStatusCondition(s.ak.Status.Conditions, conditionType)
	if now == nil || (before != nil && before.Reason == now.Reason && before.Status == now.Status) {
		return
	}
	s.note(corev1.EventTypeWarning, now.Reason, action, "%s", now.Message)
}

// Clean makes text of a service fit for a condition or an event: printable, and at most limit bytes long.
func Clean(text string, limit int) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return ' '
	}, strings.ToValidUTF8(text, "?"))
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len("…")], "") + "…"
}
