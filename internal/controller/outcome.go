// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"strings"
	"time"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// recheck is when a failed resync, or a KeyService that can't be used, is looked at again without an event.
	recheck = time.Minute
)

// errUserBusy: another AccessKey of the user began an operation since the input was read.
var errUserBusy = errors.New("another AccessKey of the same user is at work")

// verdict is what an error means: the one place that knows.
type verdict struct {
	// reason of Synced=False, empty if the service is not to blame.
	synced string
	// stalled: a person is needed; with this reason.
	stalled string
	// failure: the operation was tried, and waits its back-off.
	failure bool
}

func judge(err error) verdict {
	if errors.Is(err, errUserBusy) {
		return verdict{}
	}
	if e, ok := errors.AsType[*connect.Error](err); ok {
		return verdict{stalled: e.Reason}
	}
	if _, ok := errors.AsType[*publishError](err); ok {
		return judgeWrite(err)
	}
	if e, ok := errors.AsType[*keyservice.Error](err); ok && e.Reason != "" {
		return verdict{stalled: e.Reason, failure: true}
	}
	return verdicts[keyservice.KindOf(err)]
}

// verdicts on the errors of a service.
var verdicts = map[keyservice.Kind]verdict{
	keyservice.Unavailable:   {synced: v1alpha1.ReasonUnavailable, failure: true},
	keyservice.Throttled:     {synced: v1alpha1.ReasonThrottled, failure: true},
	keyservice.Ambiguous:     {synced: v1alpha1.ReasonAmbiguous, failure: true},
	keyservice.Unauthorized:  {synced: v1alpha1.ReasonUnauthorized, stalled: v1alpha1.ReasonUnauthorized, failure: true},
	keyservice.NotFound:      {stalled: v1alpha1.ReasonUserNotFound, failure: true},
	keyservice.QuotaExceeded: {stalled: v1alpha1.ReasonQuotaExceeded, failure: true},
	keyservice.Invalid:       {stalled: v1alpha1.ReasonInvalid, failure: true},
}

// judgeWrite: what became of the Secret.
func judgeWrite(err error) verdict {
	switch {
	case errors.Is(err, errForeignSecret):
		return verdict{stalled: v1alpha1.ReasonSecretConflict, failure: true}
	case refused(err):
		return verdict{stalled: v1alpha1.ReasonSecretRefused, failure: true}
	default:
		return verdict{failure: true}
	}
}

// isKubeError: the trouble is between the operator and the API server, whose retries controller-runtime does.
func isKubeError(err error) bool {
	if err == nil || errors.Is(err, errUserBusy) {
		return false
	}
	if _, ok := errors.AsType[*keyservice.Error](err); ok {
		return false
	}
	if _, ok := errors.AsType[*connect.Error](err); ok {
		return false
	}
	_, ok := errors.AsType[*publishError](err)
	return !ok
}

// recordOutcome writes into the status what came of the pass.
func recordOutcome(p *pass, action plan.Action, err error) {
	status := &p.ak.Status
	if errors.Is(err, errUserBusy) {
		action, err = plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonWaiting, Detail: "for another AccessKey of the same user to finish its operation"}, nil
	}
	backingOff := action.Verb == plan.Wait && action.Reason == v1alpha1.ReasonRetrying
	switch {
	case err != nil && judge(err).failure:
		status.Failures = nextFailure(status.Failures, p.in.Now, keyservice.RetryAfterOf(err))
	case err == nil && succeeded(action):
		status.Failures = nil
	}
	status.ObservedGeneration = p.ak.Generation
	expires, renewal := plan.Schedule(p.ak, status.IssuedAt.Time)
	if status.KeyID == "" {
		expires, renewal = time.Time{}, time.Time{}
	}
	// The API keeps whole seconds; a fraction would be a change in every pass.
	status.ExpiresAt, status.RenewalTime = metav1.NewTime(expires.Truncate(time.Second)), metav1.NewTime(renewal.Truncate(time.Second))

	if backingOff && status.KeyID == "" {
		return // the conditions still tell of the failure
	}
	setReady(p, err, action)
	if !backingOff {
		setSynced(p, err)
		setProgress(p, action, err)
	}
}

// succeeded: the action ends a row of failures. To settle what became of a failure is not yet a success.
func succeeded(action plan.Action) bool {
	switch action.Verb {
	case plan.Create, plan.Regenerate, plan.Publish, plan.Adopt, plan.Revoke, plan.UpdateSecret, plan.Block:
		return true
	case plan.Wait:
		return action.Reason == ""
	default:
		return false
	}
}

// recordIntent is the status between the intent and its outcome.
func recordIntent(p *pass, action plan.Action) {
	p.ak.Status.ObservedGeneration = p.ak.Generation
	if p.ak.Status.Failures != nil {
		return // another try is no news: the conditions tell of the failure until its outcome is known
	}
	setReady(p, nil, action)
	remove(p, v1alpha1.ConditionStalled)
	set(p, v1alpha1.ConditionReconciling, metav1.ConditionTrue, action.Reason, "A key is being made")
}

// nextFailure doubles the wait with each failure in a row, and never comes before the service asked.
func nextFailure(last *v1alpha1.Failures, now time.Time, retryAfter time.Duration) *v1alpha1.Failures {
	next := &v1alpha1.Failures{Count: 1, LastTime: metav1.NewTime(now.Truncate(time.Second))}
	if last != nil {
		next.Count = min(last.Count, 1<<20) + 1
	}
	delay := min(firstRetry<<min(next.Count-1, 16), lastRetry)
	next.NextAttempt = metav1.NewTime(next.LastTime.Add(max(delay, retryAfter)))
	return next
}

// next is when to look at the AccessKey again, unless an event comes first.
func (r *AccessKeyReconciler) next(p *pass, action plan.Action, err error) time.Duration {
	after := r.ResyncPeriod
	sooner := func(at time.Time) {
		if !at.IsZero() {
			after = min(after, max(at.Sub(p.in.Now), time.Millisecond))
		}
	}
	sooner(action.Until)
	sooner(p.trustedUntil)
	if err != nil && judge(err).failure && p.ak.Status.Failures != nil {
		sooner(p.ak.Status.Failures.NextAttempt.Time)
	}
	if errors.Is(err, errUserBusy) {
		sooner(p.in.Now.Add(time.Second))
	}
	if err == nil && (waitsForService(p) || action.Verb == plan.Revoke && p.connection.DeletesLater) {
		sooner(p.in.Now.Add(firstRetry))
	}
	if p.syncErr != nil || p.connectErr != nil {
		sooner(p.in.Now.Add(recheck))
	}
	return after
}

// waitsForService: an operation was carried out, and its pair waits for the service to let it work.
func waitsForService(p *pass) bool {
	intent := p.ak.Status.Intent
	return intent != nil && intent.KeyID != "" && intent.Operation != v1alpha1.OperationRevoke
}

func set(p *pass, conditionType string, status metav1.ConditionStatus, reason, message string) {
	const maxMessage = 2048
	meta.SetStatusCondition(&p.ak.Status.Conditions, metav1.Condition{
		Type:               conditionType,
		Status:             status,
		Reason:             reason,
		Message:            clean(message, maxMessage),
		ObservedGeneration: p.ak.Generation,
		LastTransitionTime: metav1.NewTime(p.in.Now.Truncate(time.Second)),
	})
}

func remove(p *pass, conditionType string) {
	meta.RemoveStatusCondition(&p.ak.Status.Conditions, conditionType)
}

// clean makes text of a service fit for a condition or an event.
func clean(text string, limit int) string {
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

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// warn notes a new trouble once: when the condition that tells of it changes.
func (p *pass) warn(conditionType, action string, before *metav1.Condition) {
	now := meta.FindStatusCondition(p.ak.Status.Conditions, conditionType)
	if now == nil || (before != nil && before.Reason == now.Reason && before.Status == now.Status) {
		return
	}
	p.note(corev1.EventTypeWarning, now.Reason, action, "%s", now.Message)
}
