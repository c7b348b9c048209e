// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// stored puts the status through JSON, as the API server does.
func stored(t *testing.T, p *pass) {
	t.Helper()
	encoded, err := json.Marshal(p.ak)
	if err != nil {
		t.Fatal(err)
	}
	written := &v1alpha1.AccessKey{}
	if err := json.Unmarshal(encoded, written); err != nil {
		t.Fatal(err)
	}
	p.rebase(written)
}

// renewing by a share of the ttl; 0 for the default.
func renewing(ttl time.Duration, percentage int32) func(*pass) {
	return func(p *pass) {
		p.ak.Spec.TTL = &metav1.Duration{Duration: ttl}
		p.ak.Spec.RenewBefore, p.ak.Spec.RenewBeforePercentage = nil, percentage
	}
}

func TestAPassThatFindsNothingNewChangesNothing(t *testing.T) {
	rest := plan.Action{Verb: plan.Wait}
	for name, test := range map[string]struct {
		change []func(*pass)
		action plan.Action
		err    error
	}{
		"at rest":                {action: rest},
		"at rest, without a ttl": {change: []func(*pass){func(p *pass) { p.ak.Spec.TTL, p.ak.Spec.RenewBefore = nil, nil }}, action: rest},
		"at rest, with a third of the ttl that is no whole second": {change: []func(*pass){renewing(100*time.Second, 0)}, action: rest},
		"at rest, with a share of the ttl that is no whole second": {change: []func(*pass){renewing(7*time.Minute, 33)}, action: rest},
		"at rest, with a ttl that is no whole second":              {change: []func(*pass){renewing(90500*time.Millisecond, 0)}, action: rest},
		"at rest, in an overlap":                                   {change: []func(*pass){func(p *pass) { p.ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: "K0"}} }}, action: rest},
		"at rest, while the resync fails": {
			change: []func(*pass){withoutContact, func(p *pass) { p.syncErr = failing(keyservice.Unavailable) }}, action: rest,
		},
		"suspended":                       {change: []func(*pass){suspended, withoutContact}, action: plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonSuspended}},
		"settling":                        {action: plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonSettling}},
		"waiting for another AccessKey":   {change: []func(*pass){withoutKey}, err: errUserBusy},
		"blocked":                         {action: plan.Action{Verb: plan.Block, Reason: v1alpha1.ReasonNotGranted, Detail: "ask for a grant"}},
		"blocked before the first key":    {change: []func(*pass){withoutKey}, action: plan.Action{Verb: plan.Block, Reason: v1alpha1.ReasonNotGranted, Detail: "ask for a grant"}},
		"the KeyService can't be used":    {change: []func(*pass){withoutContact}, err: connectError(v1alpha1.ReasonKeyServiceInvalid)},
		"the Secret is gone, backing off": {change: []func(*pass){holding(plan.SecretAbsent)}, action: plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonRetrying}},
	} {
		t.Run(name, func(t *testing.T) {
			p := passOf(test.change...)
			recordOutcome(p, test.action, test.err)
			stored(t, p)
			p.in.Now = p.in.Now.Add(10*time.Minute + 300*time.Millisecond)
			recordOutcome(p, test.action, test.err)
			if !equality.Semantic.DeepEqual(p.base.Status, p.ak.Status) {
				t.Errorf("the status went from\n%+v to\n%+v", p.base.Status, p.ak.Status)
			}
		})
	}
}

func TestFailuresAreCountedUntilASuccess(t *testing.T) {
	const before = 3
	for name, test := range map[string]struct {
		action plan.Action
		err    error
		want   int32
	}{
		"another failure of the service":         {plan.Action{Verb: plan.Create}, failing(keyservice.Unavailable), before + 1},
		"a pair that can't be published":         {plan.Action{Verb: plan.Create}, &publishError{errors.New("forbidden")}, before + 1},
		"a KeyService that can't be used":        {plan.Action{Verb: plan.Look}, connectError(v1alpha1.ReasonKeyServiceInvalid), before},
		"another AccessKey at work":              {plan.Action{Verb: plan.Create}, errUserBusy, before},
		"the wait itself":                        {plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonRetrying}, nil, before},
		"finding out what became of the failure": {plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonSettling}, nil, before},
		"an intent that made nothing":            {plan.Action{Verb: plan.ClearIntent}, nil, before},
		"an orphan of the failure is deleted":    {plan.Action{Verb: plan.DeleteOrphan}, nil, before},
		"a pair is published":                    {plan.Action{Verb: plan.Create}, nil, 0},
		"a published pair is found":              {plan.Action{Verb: plan.Adopt}, nil, 0},
		"a key is revoked":                       {plan.Action{Verb: plan.Revoke}, nil, 0},
		"the Secret is brought up to date":       {plan.Action{Verb: plan.UpdateSecret}, nil, 0},
		"a person is needed for something else":  {plan.Action{Verb: plan.Block}, nil, 0},
		"nothing is to be done":                  {plan.Action{Verb: plan.Wait}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := passOf(func(p *pass) { p.ak.Status.Failures = &v1alpha1.Failures{Count: before} })
			recordOutcome(p, test.action, test.err)
			var got int32
			if p.ak.Status.Failures != nil {
				got = p.ak.Status.Failures.Count
			}
			if got != test.want {
				t.Errorf("counted %d, want %d", got, test.want)
			}
		})
	}
}

func TestTheNextAttemptIsRecorded(t *testing.T) {
	p := passOf()
	err := failing(keyservice.Throttled)
	err.RetryAfter = 2 * time.Minute
	recordOutcome(p, plan.Action{Verb: plan.Create}, err)
	want := v1alpha1.Failures{Count: 1, LastTime: metav1.NewTime(noon), NextAttempt: metav1.NewTime(noon.Add(2 * time.Minute))}
	if got := p.ak.Status.Failures; got == nil || *got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWhileTheNextAttemptWaitsTheFailureStaysTold(t *testing.T) {
	const failed = "create key: the service said no"
	waiting := plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonRetrying}
	t.Run("before the first key", func(t *testing.T) {
		p := passOf(withoutKey)
		recordOutcome(p, plan.Action{Verb: plan.Look}, failing(keyservice.NotFound))
		recordOutcome(p, waiting, nil)
		expectCondition(t, p, v1alpha1.ConditionReady, "Unknown Pending: No key has been issued yet: "+failed)
		expectCondition(t, p, v1alpha1.ConditionStalled, "True UserNotFound: "+failed)
	})
	t.Run("with a key, whose Secret is lost meanwhile", func(t *testing.T) {
		p := passOf()
		recordOutcome(p, plan.Action{Verb: plan.Create}, failing(keyservice.Unavailable))
		holding(plan.SecretAbsent)(p)
		recordOutcome(p, waiting, nil)
		expectCondition(t, p, v1alpha1.ConditionReady, "False SecretMissing: Secret backup is missing; a new pair is on its way")
		expectCondition(t, p, v1alpha1.ConditionSynced, "False Unavailable: "+failed)
		expectCondition(t, p, v1alpha1.ConditionReconciling, "True Retrying: "+failed)
	})
}

func TestAnotherAccessKeyAtWorkIsNoFailure(t *testing.T) {
	p := passOf()
	recordOutcome(p, plan.Action{Verb: plan.Create, Reason: v1alpha1.ReasonRotating}, errUserBusy)
	expectCondition(t, p, v1alpha1.ConditionReconciling,
		"True Waiting: Waiting for another AccessKey of the same user to finish its operation")
	expectCondition(t, p, v1alpha1.ConditionSynced, "True ServiceReachable: The service answered")
	if p.ak.Status.Failures != nil {
		t.Errorf("counted %+v", p.ak.Status.Failures)
	}
}

func TestTheScheduleFollowsTheSpec(t *testing.T) {
	issued := noon.Add(-time.Hour)
	for name, test := range map[string]struct {
		change  func(*pass)
		expires time.Time
	}{
		"as it was":     {func(*pass) {}, issued.Add(720 * time.Hour)},
		"a shorter ttl": {func(p *pass) { p.ak.Spec.TTL = hours(480) }, issued.Add(480 * time.Hour)},
		"no ttl":        {func(p *pass) { p.ak.Spec.TTL = nil }, time.Time{}},
		"no key":        {withoutKey, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := passOf(test.change, func(p *pass) { p.ak.Generation = 4 })
			recordOutcome(p, plan.Action{Verb: plan.Wait}, nil)
			status := &p.ak.Status
			if status.ObservedGeneration != 4 {
				t.Errorf("observed generation %d", status.ObservedGeneration)
			}
			if !status.ExpiresAt.Time.Equal(test.expires) {
				t.Errorf("expires at %s, want %s", status.ExpiresAt, test.expires)
			}
			if test.expires.IsZero() {
				if !status.RenewalTime.IsZero() {
					t.Errorf("renews at %s", status.RenewalTime)
				}
				return
			}
			// A tenth of the time between issue and renewal at most is jitter.
			latest := test.expires.Add(-240 * time.Hour)
			earliest := latest.Add(-latest.Sub(issued) / 10)
			if renewal := status.RenewalTime.Time; renewal.Before(earliest) || renewal.After(latest) {
				t.Errorf("renews at %s, want %s to %s", renewal, earliest, latest)
			}
		})
	}
}

func TestAnOpenIntentIsTold(t *testing.T) {
	p := passOf(having(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonQuotaExceeded))
	recordIntent(p, plan.Action{Verb: plan.Create, Reason: v1alpha1.ReasonRotating})
	expectCondition(t, p, v1alpha1.ConditionReady, "True Issued: Secret backup holds access key AKIA1, valid until 2026-03-31T11:00:00Z")
	expectCondition(t, p, v1alpha1.ConditionReconciling, "True Rotating: A key is being made")
	expectCondition(t, p, v1alpha1.ConditionStalled, "absent")
}

func TestTheIntentOfAnotherTryIsNoNews(t *testing.T) {
	p := passOf(withoutKey)
	recordOutcome(p, plan.Action{Verb: plan.Create}, failing(keyservice.Invalid))
	stored(t, p)
	recordIntent(p, plan.Action{Verb: plan.Create, Reason: v1alpha1.ReasonIssuing})
	if !equality.Semantic.DeepEqual(p.base.Status, p.ak.Status) {
		t.Errorf("the status went from\n%+v to\n%+v", p.base.Status, p.ak.Status)
	}
}
