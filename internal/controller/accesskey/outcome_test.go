// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
)

func TestTheBackOffDoublesAndRespectsTheService(t *testing.T) {
	for _, test := range []struct {
		before           int32
		kind             keyservice.Kind
		retryAfter, want time.Duration
	}{
		{0, keyservice.Unavailable, 0, 5 * time.Second}, {1, keyservice.Unavailable, 0, 10 * time.Second},
		{5, keyservice.Unavailable, 0, 160 * time.Second}, {6, keyservice.Unavailable, 0, 5 * time.Minute},
		{math.MaxInt32, keyservice.Unavailable, 0, 5 * time.Minute}, {0, keyservice.Unavailable, time.Hour, time.Hour},
		{2, keyservice.Unavailable, time.Second, 20 * time.Second},
		{0, keyservice.Throttled, 0, 5 * time.Second}, {1, keyservice.Throttled, 0, 10 * time.Second},
		{2, keyservice.Throttled, 0, 15 * time.Second}, {math.MaxInt32, keyservice.Throttled, 0, 15 * time.Second},
		{5, keyservice.Throttled, 20 * time.Second, 20 * time.Second}, {0, keyservice.Throttled, time.Hour, time.Hour},
	} {
		var last *v1alpha1.Failures
		if test.before > 0 {
			last = &v1alpha1.Failures{Count: test.before}
		}
		ak := published()
		ak.Status.Failures = last
		next := nextFailure(ak, noon.Add(500*time.Millisecond), &keyservice.Error{Kind: test.kind, RetryAfter: test.retryAfter})
		spread := next.NextAttempt.Sub(noon) - test.want
		if !next.LastTime.Time.Equal(noon) || spread < 0 || spread > test.want/10 || next.Count <= min(test.before, 99) {
			t.Errorf("%d failures, %s, retry after %s: %+v", test.before, test.kind, test.retryAfter, next)
		}
	}
}

// TestAccessKeysThatFailedTogetherComeAgainOneAfterTheOther, each always at the same time.
func TestAccessKeysThatFailedTogetherComeAgainOneAfterTheOther(t *testing.T) {
	attempts := map[time.Time]bool{}
	for n := range 20 {
		ak := published()
		ak.UID, ak.Status.Failures = types.UID(fmt.Sprint(n, "-e5c7-4a7d")), &v1alpha1.Failures{Count: 9}
		next := nextFailure(ak, noon, failing(keyservice.Unavailable)).NextAttempt.Time
		if again := nextFailure(ak, noon, failing(keyservice.Unavailable)).NextAttempt.Time; !again.Equal(next) {
			t.Errorf("first at %s, then at %s", next, again)
		}
		attempts[next] = true
	}
	if len(attempts) < 10 {
		t.Errorf("20 AccessKeys come at %d times", len(attempts))
	}
}

func TestFailuresAreCountedUntilASuccess(t *testing.T) {
	const before = 3
	wait := func(reason string) plan.Action { return plan.Action{Verb: plan.Wait, Reason: reason} }
	for name, test := range map[string]struct {
		action plan.Action
		err    error
		want   int32
	}{
		"the service fails again":             {plan.Action{Verb: plan.Create}, failing(keyservice.Unavailable), before + 1},
		"the Secret cannot be written":        {plan.Action{Verb: plan.Create}, &publishError{errors.New("denied")}, before + 1},
		"the KeyService cannot be used":       {plan.Action{Verb: plan.ReadLive}, connectError(v1alpha1.ReasonKeyServiceInvalid), before},
		"another AccessKey of the user":       {plan.Action{Verb: plan.Create}, errUserBusy, before},
		"the back-off":                        {wait(v1alpha1.ReasonRetrying), nil, before},
		"the failed operation is settled":     {wait(v1alpha1.ReasonSettling), nil, before},
		"the failed operation left an orphan": {plan.Action{Verb: plan.DeleteOrphan}, nil, before},
		"a pair is published":                 {plan.Action{Verb: plan.Create}, nil, 0},
		"a key is revoked":                    {plan.Action{Verb: plan.Revoke}, nil, 0},
		"the Secret is updated":               {plan.Action{Verb: plan.UpdateSecret}, nil, 0},
		"nothing is left to do":               {wait(""), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := scopeOf(func(s *scope) { s.ak.Status.Failures = &v1alpha1.Failures{Count: before} })
			recordOutcome(s, test.action, test.err)
			if got := s.ak.Status.Failures; (got == nil) != (test.want == 0) || got != nil && got.Count != test.want {
				t.Errorf("recorded %+v, want %d", got, test.want)
			}
		})
	}
}

func TestTheNextReconciliationIsWhenSomethingIsDue(t *testing.T) {
	const resync = 10 * time.Minute
	retryIn := func(d time.Duration) func(*scope) {
		return func(s *scope) {
			s.ak.Status.Failures = &v1alpha1.Failures{Count: 1, NextAttempt: metav1.NewTime(noon.Add(d))}
		}
	}
	activates := func(s *scope) { s.in.Service.ActivatesLater, s.ak.Status.Intent = true, &v1alpha1.Intent{KeyID: "K2"} }
	wait, none := plan.Action{Verb: plan.Wait}, func(*scope) {}
	for name, test := range map[string]struct {
		change func(*scope)
		action plan.Action
		err    error
		want   time.Duration
	}{
		"nothing":                       {none, wait, nil, resync},
		"a step after the resync":       {none, plan.Action{Verb: plan.Wait, Until: noon.Add(time.Hour)}, nil, resync},
		"a step before the resync":      {none, plan.Action{Verb: plan.Stall, Until: noon.Add(time.Minute)}, nil, time.Minute},
		"a step that is late":           {none, plan.Action{Verb: plan.Wait, Until: noon.Add(-time.Minute)}, nil, time.Millisecond},
		"the end of the pair":           {func(s *scope) { s.in.Keys[0].ExpiresAt = noon.Add(time.Minute) }, wait, nil, time.Minute},
		"the end of its ttl":            {func(s *scope) { s.ak.Spec.TTL = hours(1); s.ak.Spec.TTL.Duration += time.Minute }, wait, nil, time.Minute},
		"an end that has passed":        {func(s *scope) { s.in.Keys[0].ExpiresAt = noon }, wait, nil, resync},
		"a retry":                       {retryIn(20 * time.Second), wait, failing(keyservice.Unavailable), 20 * time.Second},
		"the retry of earlier":          {retryIn(time.Second), wait, nil, resync},
		"the turn of the user":          {retryIn(-time.Second), wait, errUserBusy, time.Second},
		"a failed listing":              {listingFailed, wait, nil, recheckPeriod},
		"a listing that is under way":   {func(s *scope) { s.outdated = true }, wait, nil, outdatedDelay},
		"a KeyService that is unusable": {func(s *scope) { s.connectErr = errors.New("") }, wait, connectError(""), recheckPeriod},
		"an activation":                 {activates, wait, nil, firstRetry},
		"the end of a deletion":         {func(s *scope) { s.connection.DeletesLater = true }, plan.Action{Verb: plan.Revoke}, nil, firstRetry},
	} {
		t.Run(name, func(t *testing.T) {
			s := scopeOf(func(s *scope) { s.connection = &connect.Connection{} }, test.change)
			if got := (&Reconciler{ResyncPeriod: resync}).next(s, test.action, test.err); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestAScopeThatFindsNothingNewChangesNothing guards the free steady state: fractions of seconds, for example, would cause a
// write in every scope.
func TestAScopeThatFindsNothingNewChangesNothing(t *testing.T) {
	none, wait := func(*scope) {}, plan.Action{Verb: plan.Wait}
	for name, test := range map[string]struct {
		change func(*scope)
		action plan.Action
		err    error
	}{
		"nothing to do":             {none, wait, nil},
		"a ttl with fractions":      {func(s *scope) { s.ak.Spec.TTL = &metav1.Duration{Duration: 1e6*time.Second + 500*time.Millisecond} }, wait, nil},
		"an overlap with fractions": {func(s *scope) { s.ak.Spec.RenewBefore, s.ak.Spec.RenewBeforePercentage = nil, 33 }, wait, nil},
		"no ttl":                    {func(s *scope) { s.ak.Spec.TTL, s.ak.Spec.RenewBefore = nil, nil }, wait, nil},
		"the listing fails":         {listingFailed, wait, nil},
		"suspended":                 {suspended, plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonSuspended}, nil},
		"stalled":                   {none, plan.Action{Verb: plan.Stall, Reason: v1alpha1.ReasonNotGranted, Detail: "ask"}, nil},
		"an unusable KeyService":    {withoutContact, wait, connectError(v1alpha1.ReasonKeyServiceInvalid)},
		"backing off":               {withSecret(plan.SecretAbsent), plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonRetrying}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := scopeOf(test.change)
			recordOutcome(s, test.action, test.err)
			store(t, s)
			s.in.Now = s.in.Now.Add(10*time.Minute + 300*time.Millisecond)
			recordOutcome(s, test.action, test.err)
			if !equality.Semantic.DeepEqual(s.base.Status, s.ak.Status) {
				t.Errorf("the status changed from\n%+v to\n%+v", s.base.Status, s.ak.Status)
			}
		})
	}
}

func TestTheStatusFollowsTheSpec(t *testing.T) {
	issued := noon.Add(-time.Hour)
	for _, test := range []struct {
		change  func(*scope)
		expires time.Time
	}{
		{func(s *scope) { s.ak.Spec.TTL = hours(480) }, issued.Add(480 * time.Hour)},
		{func(s *scope) { s.ak.Spec.TTL = nil }, time.Time{}},
		{withoutKey, time.Time{}},
	} {
		s := scopeOf(test.change, func(s *scope) { s.ak.Generation, s.in.UserID = 4, "resolved" })
		recordOutcome(s, plan.Action{Verb: plan.Wait}, nil)
		status := &s.ak.Status
		if status.ObservedGeneration != 4 || status.UserID != "resolved" || !status.ExpiresAt.Time.Equal(test.expires) ||
			status.RenewalTime.IsZero() != test.expires.IsZero() {
			t.Errorf("recorded %+v, want to expire at %s", status, test.expires)
		}
	}
}

func TestTheConditionsReportAFailureUntilTheRetry(t *testing.T) {
	s := scopeOf(withoutKey)
	recordOutcome(s, plan.Action{Verb: plan.ReadLive}, failing(keyservice.NotFound))
	recordOutcome(s, plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonRetrying}, nil)
	recordIntent(s, plan.Action{Verb: plan.Create, Reason: v1alpha1.ReasonIssuing})
	expectCondition(t, s.ak, v1alpha1.ConditionReady, "Unknown Pending: No pair has been issued yet: "+refusal)
	expectCondition(t, s.ak, v1alpha1.ConditionStalled, "True UserNotFound: "+refusal)
}

func TestTheConditionsReportAnOpenIntent(t *testing.T) {
	s := scopeOf(withCondition(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonQuotaExceeded))
	recordIntent(s, plan.Action{Verb: plan.Create, Reason: v1alpha1.ReasonRotating})
	expectCondition(t, s.ak, v1alpha1.ConditionReconciling, "True Rotating: A pair is being issued")
	expectCondition(t, s.ak, v1alpha1.ConditionStalled, "absent")
	expectCondition(t, s.ak, v1alpha1.ConditionReady, "absent") // with a key, an intent changes nothing
}

var (
	secrets     = schema.GroupResource{Resource: "secrets"}
	errConflict = apierrors.NewConflict(secrets, "backup", errors.New("stale"))
	errDenied   = apierrors.NewForbidden(secrets, "backup", errors.New("exceeded quota"))
)

func TestClassify(t *testing.T) {
	withReason := failing(keyservice.Invalid)
	withReason.Reason = v1alpha1.ReasonUserExists
	for name, test := range map[string]struct {
		err  error
		want Classification
	}{
		"the service does not answer":          {failing(keyservice.Unavailable), Classification{Synced: v1alpha1.ReasonUnavailable, Failure: true}},
		"the service throttles":                {failing(keyservice.Throttled), Classification{Synced: v1alpha1.ReasonThrottled, Failure: true}},
		"a response was lost":                  {failing(keyservice.Ambiguous), Classification{Synced: v1alpha1.ReasonAmbiguous, Failure: true}},
		"the credentials are refused":          {failing(keyservice.Unauthorized), Classification{Synced: v1alpha1.ReasonUnauthorized, Stalled: v1alpha1.ReasonUnauthorized, Failure: true}},
		"there is no such user":                {failing(keyservice.NotFound), Classification{Stalled: v1alpha1.ReasonUserNotFound, Failure: true}},
		"the quota is full":                    {failing(keyservice.QuotaExceeded), Classification{Stalled: v1alpha1.ReasonQuotaExceeded, Failure: true}},
		"the request is rejected":              {failing(keyservice.Invalid), Classification{Stalled: v1alpha1.ReasonInvalid, Failure: true}},
		"a backend gives a reason of its own":  {withReason, Classification{Stalled: v1alpha1.ReasonUserExists, Failure: true}},
		"a wrapped error":                      {fmt.Errorf("outer: %w", failing(keyservice.Throttled)), Classification{Synced: v1alpha1.ReasonThrottled, Failure: true}},
		"an error without a kind":              {errors.New("odd"), Classification{Synced: v1alpha1.ReasonUnavailable, Failure: true}},
		"another AccessKey of the user":        {errUserBusy, Classification{}},
		"the KeyService does not exist":        {connectError(v1alpha1.ReasonKeyServiceNotFound), Classification{Stalled: v1alpha1.ReasonKeyServiceNotFound}},
		"the KeyService has no credentials":    {fmt.Errorf("outer: %w", connectError(v1alpha1.ReasonCredentialsNotFound)), Classification{Stalled: v1alpha1.ReasonCredentialsNotFound}},
		"the API server rejects the Secret":    {&publishError{errDenied}, Classification{Stalled: v1alpha1.ReasonSecretRefused, Failure: true}},
		"the Secret could not be written":      {&publishError{errConflict}, Classification{Failure: true}},
		"the Secret belongs to somebody else":  {&publishError{fmt.Errorf("writing: %w", secret.ErrForeign)}, Classification{Stalled: v1alpha1.ReasonSecretConflict, Failure: true}},
		"a rejected key cannot be rolled back": {&publishError{fmt.Errorf("%w (and: %w)", errDenied, failing(keyservice.Unauthorized))}, Classification{Stalled: v1alpha1.ReasonSecretRefused, Failure: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Classify(test.err); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// TestIsKubeError: only errors of the API server are left to controller-runtime.
func TestIsKubeError(t *testing.T) {
	for err, want := range map[error]bool{
		nil: false, errConflict: true, errors.New("dial tcp: connection refused"): true, fmt.Errorf("%w", failing(keyservice.Unavailable)): false,
		connectError(v1alpha1.ReasonKeyServiceInvalid): false, errUserBusy: false, errNoSlot: false, &publishError{errConflict}: false,
	} {
		if got := IsKubeError(err); got != want {
			t.Errorf("%v: got %t", err, got)
		}
	}
}
