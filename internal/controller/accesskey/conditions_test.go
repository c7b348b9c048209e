// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"cmp"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/test/fake"
)

// TestNoFailureChangesReady keeps promise 1: an outage, in whatever step it is noticed, never changes Ready.
func TestNoFailureChangesReady(t *testing.T) {
	failures := []error{&publishError{errors.New("denied")}, connectError(v1alpha1.ReasonKeyServiceNotFound), errUserBusy}
	for kind := range classifications {
		failures = append(failures, failing(kind))
	}
	for _, failure := range failures {
		for _, verb := range []plan.Verb{plan.ReadLive, plan.Create, plan.Regenerate, plan.Revoke, plan.DeleteOrphan, plan.Wait} {
			s, err := scopeOf(withoutContact), failure
			recordOutcome(s, plan.Action{Verb: plan.Wait}, nil)
			before := *meta.FindStatusCondition(s.ak.Status.Conditions, v1alpha1.ConditionReady)
			if verb == plan.Wait { // the shared listing failed
				s.syncErr, err = failure, nil
			}
			s.in.Now = noon.Add(time.Minute)
			recordOutcome(s, plan.Action{Verb: verb, Reason: v1alpha1.ReasonRotating}, err)
			after := *meta.FindStatusCondition(s.ak.Status.Conditions, v1alpha1.ConditionReady)
			if before.Status != metav1.ConditionTrue || before != after {
				t.Errorf("%v in %s: Ready changed from %v to %v", failure, verb, before, after)
			}
		}
	}
	s := scopeOf(withSecret(plan.SecretUnverified), withCondition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonIssued))
	setReady(s, plan.Action{Verb: plan.ReadLive}, failing(keyservice.Unavailable))
	expectCondition(t, s.ak, v1alpha1.ConditionReady, "True Issued: as before")
}

func TestSyncedReportsTheLastRequest(t *testing.T) {
	const asBefore, answered = "True ServiceReachable: as before", "True ServiceReachable: The service answered"
	reachable := withCondition(v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonServiceReachable)
	unavailable := withCondition(v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonUnavailable)
	type changes = []func(*scope)
	for name, test := range map[string]struct {
		changes changes
		err     error
		want    string
	}{
		"the service answers":            {nil, nil, answered},
		"the service answers again":      {changes{unavailable}, nil, answered},
		"no request":                     {changes{reachable, withoutContact}, nil, asBefore},
		"the listing failed":             {changes{reachable, listingFailed}, nil, "False Unavailable: " + refusal},
		"the operation failed as well":   {changes{listingFailed}, failing(keyservice.Throttled), "False Throttled: " + refusal},
		"the response was lost":          {nil, failing(keyservice.Ambiguous), "False Ambiguous: " + refusal},
		"the Secret was not written":     {nil, &publishError{errors.New("denied")}, answered},
		"the KeyService cannot be used":  {changes{reachable, withoutContact}, connectError(v1alpha1.ReasonKeyServiceInvalid), asBefore},
		"suspended":                      {changes{reachable, withoutContact, suspended}, nil, "Unknown Suspended: spec.suspend is set, so the keys are not listed until something has to be settled or revoked"},
		"suspended and is being deleted": {changes{reachable, withoutContact, suspended, deleted}, nil, asBefore},
	} {
		t.Run(name, func(t *testing.T) {
			s := scopeOf(test.changes...)
			setSynced(s, test.err)
			expectCondition(t, s.ak, v1alpha1.ConditionSynced, test.want)
		})
	}
}

// TestEveryConditionIsOfTheObservedGeneration lets kubectl wait for a condition after a change of the spec about which the service is not
// asked.
func TestEveryConditionIsOfTheObservedGeneration(t *testing.T) {
	s := scopeOf(withoutContact, withCondition(v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonServiceReachable))
	s.ak.Generation++
	recordOutcome(s, plan.Action{Verb: plan.Wait}, nil)
	for _, condition := range s.ak.Status.Conditions {
		if condition.ObservedGeneration != s.ak.Generation {
			t.Errorf("%s is of generation %d instead of %d", condition.Type, condition.ObservedGeneration, s.ak.Generation)
		}
	}
	expectCondition(t, s.ak, v1alpha1.ConditionSynced, "True ServiceReachable: as before")
}

func TestAtMostOneOfReconcilingAndStalledIsPresent(t *testing.T) {
	none := func(*scope) {}
	for name, test := range map[string]struct {
		change               func(*scope)
		action               plan.Action
		err                  error
		reconciling, stalled string
	}{
		"suspended":             {none, plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonSuspended}, nil, "", ""},
		"a pair was published":  {none, plan.Action{Verb: plan.Create, Reason: v1alpha1.ReasonRotating}, nil, "", ""},
		"settling":              {none, plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonSettling}, nil, "True Settling: Finding out whether a request was carried out whose response was lost", ""},
		"waiting":               {none, plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonWaiting, Detail: "for it"}, nil, "True Waiting: Waiting for it", ""},
		"before the first pair": {withoutKey, plan.Action{Verb: plan.ClearIntent}, nil, "True Issuing: A pair is being issued", ""},
		"is being deleted":      {deleted, plan.Action{Verb: plan.Revoke}, nil, "True Revoking: The keys are being revoked", ""},
		"a passing failure":     {none, plan.Action{Verb: plan.Create}, failing(keyservice.Unavailable), "True Retrying: " + refusal, ""},
		"a lasting failure":     {none, plan.Action{Verb: plan.ReadLive}, failing(keyservice.NotFound), "", "True UserNotFound: " + refusal},
		"an unusable service":   {none, plan.Action{Verb: plan.ReadLive}, connectError(v1alpha1.ReasonCredentialsNotFound), "", "True CredentialsNotFound: correct the KeyService"},
		"no grant":              {none, plan.Action{Verb: plan.Stall, Reason: v1alpha1.ReasonNotGranted, Detail: "ask for it"}, nil, "", "True NotGranted: ask for it"},
		"no grant, and failing": {none, plan.Action{Verb: plan.Stall, Reason: v1alpha1.ReasonNotGranted}, failing(keyservice.Throttled), "True Retrying: " + refusal, ""},
	} {
		for _, earlier := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
			t.Run(name+" after "+earlier, func(t *testing.T) {
				s := scopeOf(test.change, withCondition(earlier, metav1.ConditionTrue, v1alpha1.ReasonInvalid))
				setProgress(s, test.action, test.err)
				expectCondition(t, s.ak, v1alpha1.ConditionReconciling, cmp.Or(test.reconciling, "absent"))
				expectCondition(t, s.ak, v1alpha1.ConditionStalled, cmp.Or(test.stalled, "absent"))
			})
		}
	}
}

func TestStalledStaysWhileAPreviousKeyIsRevoked(t *testing.T) {
	for _, verb := range []plan.Verb{plan.Revoke, plan.Disable, plan.Enable} {
		s := scopeOf(withCondition(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonSecretContested))
		setProgress(s, plan.Action{Verb: verb, KeyID: "previous"}, nil)
		expectCondition(t, s.ak, v1alpha1.ConditionStalled, "True SecretContested: as before")
		setProgress(s, plan.Action{Verb: plan.Wait}, nil)
		expectCondition(t, s.ak, v1alpha1.ConditionStalled, "absent")
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		`user "a": größer`:              `user "a": größer`,
		"a\nb\tc\x1b[31md":              "a b c [31md",
		"a\xffb":                        "a?b",
		strings.Repeat("x", 20):         strings.Repeat("x", 20),
		strings.Repeat("x", 21):         strings.Repeat("x", 17) + "…",
		strings.Repeat("x", 16) + "äöü": strings.Repeat("x", 16) + "…", // no character is cut in two
	} {
		if got := Clean(text, 20); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestAnEventReportsAnIssuedPair(t *testing.T) {
	const (
		rotated  = "Normal Rotated Issued access key AKIA1 into Secret backup "
		previous = "; the previous access key AKIA0 works until 2026-03-01T12:00:00Z"
		warning  = "Warning ReplacesInPlace Rotations replace the pair in place, because "
	)
	overlap := func(s *scope) {
		s.ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: "K0", AccessKeyID: "AKIA0", RevokeAt: metav1.NewTime(noon)}}
	}
	oneKey := func(s *scope) { s.in.Service.KeysPerUser, s.in.Service.Overlap = 1, false }
	replace := func(s *scope) { s.ak.Spec.Rotation = &v1alpha1.Rotation{Strategy: v1alpha1.StrategyReplace} }
	leaked := func(s *scope) {
		overlap(s)
		s.ak.Spec.CompromisedKeyIDs = []string{"K0"}
	}
	nothing := func(*scope) {}
	for _, test := range []struct {
		change         func(*scope)
		reason         v1alpha1.IssueReason
		previous, want string
	}{
		{nothing, v1alpha1.IssuedNew, "", ""}, // the conditions report it
		{oneKey, v1alpha1.IssuedNew, "", warning + "the service holds 1 key per user: "},
		{replace, v1alpha1.IssuedNew, "", warning + "rotation.strategy is Replace: "},
		{overlap, v1alpha1.IssuedScheduled, "AKIA0", rotated + "(its renewal time had come)" + previous},
		{overlap, v1alpha1.IssuedRequested, "AKIA0", rotated + "(requested by the annotation accesskey.dev/renew)" + previous},
		{overlap, v1alpha1.IssuedRenamed, "AKIA0", rotated + "(spec.secretName changed)" + previous},
		{leaked, v1alpha1.IssuedCompromised, "AKIA0", rotated + "(spec.compromisedKeyIDs names the key before); the previous access key AKIA0 is revoked now"},
		{nothing, v1alpha1.IssuedRestored, "AKIA0", rotated + "(the Secret or the key was lost)"},
	} {
		s := scopeOf(test.change)
		if test.previous != "" {
			s.ak.Status.Revision = 2
		}
		s.ak.Status.Intent = &v1alpha1.Intent{Reason: test.reason}
		s.noteIssued(s.cause(plan.Action{Verb: plan.Create}), test.previous)
		if got := strings.Join(sent(s), "|"); !strings.HasPrefix(got, test.want) || !strings.Contains(test.want, warning) && got != test.want {
			t.Errorf("sent %q\nwant %q", got, test.want)
		}
		if again := sent(s); len(again) > 0 {
			t.Errorf("sent again: %q", again)
		}
	}
}

func TestAPairThatSettlesAnOperationIsReportedAsSuch(t *testing.T) {
	s := scopeOf()
	s.ak.Status.Intent = &v1alpha1.Intent{Reason: v1alpha1.IssuedScheduled}
	if got := s.cause(plan.Action{Verb: plan.Regenerate, Reason: v1alpha1.ReasonSettling}); got != "the response to an earlier request was lost" {
		t.Errorf("the cause is %q", got)
	}
}

func TestAProblemIsReportedOnceAndAgainWhenItChanges(t *testing.T) {
	wait, read := plan.Action{Verb: plan.Wait}, plan.Action{Verb: plan.ReadLive}
	stall := plan.Action{Verb: plan.Stall, Reason: v1alpha1.ReasonNotGranted, Detail: "ask"}
	s := scopeOf()
	for i, step := range []struct {
		action plan.Action
		err    error
		want   string
	}{
		{wait, nil, ""},
		{read, failing(keyservice.Unavailable), "Warning Unavailable " + refusal},
		{read, failing(keyservice.Unavailable), ""},
		{read, failing(keyservice.Unauthorized), "Warning Unauthorized " + refusal}, // one event, although two conditions report it
		{wait, nil, ""},
		{read, failing(keyservice.Unavailable), "Warning Unavailable " + refusal},
		{stall, nil, "Warning NotGranted ask"},
		{stall, nil, ""},
		{read, connectError(v1alpha1.ReasonKeyServiceInvalid), "Warning KeyServiceInvalid correct the KeyService"},
	} {
		s.contacted = step.err == nil
		recordOutcome(s, step.action, step.err)
		if got := strings.Join(sent(s), "|"); got != step.want {
			t.Errorf("step %d: sent %q, want %q", i, got, step.want)
		}
		store(t, s)
	}
}

func TestAReplacementWithoutRegenerationIsReportedAsARotation(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.change(func(ak *v1alpha1.AccessKey) {
		ak.Spec.Rotation = &v1alpha1.Rotation{Strategy: v1alpha1.StrategyReplace}
	})
	b.settle()
	b.renew()
	b.reconcile()
	b.expectEvents("Normal Revoked ")
	b.reconcile()
	b.expectPublished(2)
	b.expectEvents("Normal Rotated ")
}
