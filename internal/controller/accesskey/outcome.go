// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

const (
	firstRetry = plan.FirstPause
	lastRetry  = 5 * time.Minute
	// lastThrottledRetry is the longest pause after a request that was throttled: the requests to the service slow down already,
	// and a key that is half revoked should not wait for minutes.
	lastThrottledRetry = 15 * time.Second
	// recheckPeriod is when a failed listing, or a KeyService that cannot be used, is checked again without an event.
	recheckPeriod = time.Minute
	// refusedDelay is when to look again whether refused credentials were replaced.
	refusedDelay = 10 * time.Second
	// outdatedDelay is when to come again for the result of a listing that is under way.
	outdatedDelay = 5 * time.Second
)

// recordOutcome writes the outcome into the status.
func recordOutcome(s *scope, action plan.Action, err error) {
	status := &s.ak.Status
	if errors.Is(err, errUserBusy) {
		action, err = plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonWaiting, Detail: "for another AccessKey of the same user to finish its operation"}, nil
	}
	recordAttempts(s, action, err)
	status.ObservedGeneration = s.ak.Generation
	status.UserID = s.in.UserID
	recordSchedule(s)
	s.refuseEnable()
	backingOff := action.Verb == plan.Wait && action.Reason == v1alpha1.ReasonRetrying
	if backingOff && status.KeyID == "" {
		return // the conditions still report the failure
	}
	setReady(s, action, err)
	setVerified(s)
	if !backingOff {
		setSynced(s, err)
		setProgress(s, action, err)
	}
}

// recordAttempts counts failures in a row, and forgets failures and repairs that are over.
func recordAttempts(s *scope, action plan.Action, err error) {
	status := &s.ak.Status
	switch {
	case err != nil && Classify(err).Failure:
		status.Failures = nextFailure(s.ak, s.in.Now, err)
	case err == nil && succeeded(s, action):
		status.Failures = nil
	}
	rests := err == nil && action.Verb == plan.Wait && action.Reason == ""
	if rests && !s.in.Now.Before(plan.RepairsEnd(status)) {
		status.Repairs = nil
	}
}

func recordSchedule(s *scope) {
	expires, renewal := s.in.Schedule()
	if s.ak.Status.KeyID == "" {
		expires, renewal = time.Time{}, time.Time{}
	}
	s.ak.Status.ExpiresAt, s.ak.Status.RenewalTime = seconds(expires), seconds(renewal)
}

// succeeded reports whether the action ends a series of failures. Settling a failed operation is not yet a success, nor is a pair
// that waits until it works.
func succeeded(s *scope, action plan.Action) bool {
	switch action.Verb {
	case plan.Create, plan.Regenerate:
		return s.ak.Status.Intent == nil || s.in.Answered()
	case plan.Promote, plan.PublishHeld, plan.RecordPublished, plan.Adopt, plan.ImportPair, plan.Revoke, plan.Disable, plan.Enable, plan.UpdateSecret,
		plan.Stall:
		return true
	case plan.Wait:
		return action.Reason == ""
	default:
		return false
	}
}

// recordIntent sets the status between the intent and the outcome of the operation.
func recordIntent(s *scope, action plan.Action) {
	s.countRepair(action)
	s.ak.Status.ObservedGeneration = s.ak.Generation
	if s.ak.Status.Failures != nil {
		return // the conditions report the failure until the outcome of the retry is known
	}
	if s.ak.Status.KeyID == "" {
		setReady(s, action, nil)
	}
	remove(s, v1alpha1.ConditionStalled)
	set(s, v1alpha1.ConditionReconciling, metav1.ConditionTrue, action.Reason, "A pair is being issued")
}

// countRepair counts an action that repairs what somebody did to the Secret.
func (s *scope) countRepair(action plan.Action) {
	if s.in.Repairs(action) {
		s.ak.Status.Repairs = plan.NextRepair(s.ak.Status.Repairs, s.in.Now)
	}
}

// nextFailure doubles the wait with each consecutive failure, and respects the time that the service asked for. AccessKeys that
// failed together come again one after the other.
func nextFailure(ak *v1alpha1.AccessKey, now time.Time, err error) *v1alpha1.Failures {
	next := &v1alpha1.Failures{Count: 1, LastTime: seconds(now)}
	if last := ak.Status.Failures; last != nil {
		next.Count = min(last.Count, 1<<20) + 1
	}
	longest := lastRetry
	if keyservice.KindOf(err) == keyservice.Throttled {
		longest = lastThrottledRetry
	}
	delay := min(firstRetry<<min(next.Count-1, 16), longest)
	delay += plan.Jitter(ak.UID, delay)
	if keyservice.KindOf(err) != keyservice.Unauthorized { // nothing is sent until the credentials may be tried again
		delay = max(delay, keyservice.RetryAfterOf(err))
	}
	next.NextAttempt = metav1.NewTime(next.LastTime.Add(delay))
	return next
}

// next returns when to reconcile the AccessKey again, unless an event comes first.
func (r *Reconciler) next(s *scope, action plan.Action, err error) time.Duration {
	after := r.ResyncPeriod
	sooner := func(applies bool, at time.Time) {
		if applies && !at.IsZero() {
			after = min(after, max(at.Sub(s.in.Now), time.Millisecond))
		}
	}
	sooner(true, action.Until)
	sooner(plan.RepairsEnd(&s.ak.Status).After(s.in.Now), plan.RepairsEnd(&s.ak.Status))
	sooner(true, s.in.Expiry())
	sooner(err != nil && Classify(err).Failure, nextAttempt(s.ak))
	sooner(errors.Is(err, errUserBusy), s.in.Now.Add(time.Second))
	sooner(err == nil && (waitsForActivation(s) || action.Verb == plan.Revoke && s.connection.DeletesLater), s.in.Now.Add(firstRetry))
	sooner(err == nil && s.in.Answered(), s.in.Now.Add(firstRetry))
	sooner(err == nil && s.in.NextProbe().After(s.in.Now), s.in.NextProbe())
	sooner(s.syncErr != nil || s.connectErr != nil, s.in.Now.Add(recheckPeriod))
	sooner(s.outdated, s.in.Now.Add(outdatedDelay))
	refused := meta.FindStatusCondition(s.ak.Status.Conditions, v1alpha1.ConditionSynced)
	sooner(s.ak.Status.Failures != nil && refused != nil && refused.Reason == v1alpha1.ReasonUnauthorized, s.in.Now.Add(refusedDelay))
	return after
}

func nextAttempt(ak *v1alpha1.AccessKey) time.Time {
	if ak.Status.Failures == nil {
		return time.Time{}
	}
	return ak.Status.Failures.NextAttempt.Time
}

// waitsForActivation reports whether an operation was carried out whose pair waits until the service has activated it.
func waitsForActivation(s *scope) bool {
	intent := s.ak.Status.Intent
	return s.in.Service.ActivatesLater && intent != nil && intent.KeyID != "" && intent.Operation != v1alpha1.OperationRevoke
}
