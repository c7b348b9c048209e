// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// clockCases are about a clock that was set between two passes.
var clockCases = []decision{
	{
		name: "a failure of the future was before the clock was set back, so it is not waited for",
		in:   quiet(failedAt(noon.Add(time.Second)), cached, sameGeneration, asksFor("now")),
		rule: ruleRenewNow, want: Action{Verb: Look, Reason: v1alpha1.ReasonRenewing},
	},
	{
		name: "a failure of this moment is waited for",
		in:   quiet(failedAt(noon), sameGeneration, asksFor("now")),
		rule: ruleBackOff, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRetrying, Until: noon.Add(time.Minute)},
	},
	{
		name: "a service that was mended in the future, before the clock was set back, ends no back-off",
		in:   quiet(failed, sameGeneration, readySince(noon.Add(time.Second)), asksFor("now")),
		rule: ruleBackOff, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRetrying, Until: noon.Add(time.Minute)},
	},
	{
		name: "an intent of the future is settled two minutes after it was begun in truth",
		in:   quiet(intends(2, -time.Hour, "K1"), begun(2*time.Minute)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "an intent that looks old, since the clock was set forward, is open for two minutes in truth",
		in:   quiet(intends(2, time.Hour, "K1"), begun(119*time.Second)),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: noon.Add(time.Second)},
	},
	{
		name: "a pair is rotated when it is as old in truth, although the clock was set back",
		in:   quiet(at(renewal.Add(-time.Hour)), issuedInTruth("K1", issued.Add(-time.Hour)), cached),
		rule: ruleRotate, want: Action{Verb: Look, Reason: v1alpha1.ReasonRotating},
	},
	{
		name: "a pair that looks old, since the clock was set forward, is rotated: nobody knows how long the machine slept",
		in:   quiet(at(renewal), issuedInTruth("K1", issued.Add(time.Hour)), cached),
		rule: ruleRotate, want: Action{Verb: Look, Reason: v1alpha1.ReasonRotating},
	},
	{
		name: "the next moment is waited for by the clock as it is set now",
		in:   quiet(issuedInTruth("K1", issued.Add(-time.Hour))),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal.Add(-time.Hour)},
	},
	{
		name: "a previous key that is as old as its ttl in truth is revoked",
		in:   quiet(previous("K0", noon.Add(time.Hour)), keys("K0", "K1"), issuedInTruth("K0", noon.Add(-ttl)), cached),
		rule: ruleRevokePrevious, want: Action{Verb: Look, Reason: v1alpha1.ReasonRevoking},
	},
	{
		name: "a key that was made when the request was under way, by a clock that is known to be an hour ahead, is the intent's",
		in:   quiet(intends(2, 30*time.Minute, "K1"), key("K2", noon.Add(30*time.Minute)), behind(-time.Hour)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "by a clock that is known, the request can land for two minutes, and the clock may be off by one",
		in:   quiet(intends(2, 30*time.Minute, "K1"), key("K2", noon.Add(-27*time.Minute)), behind(0)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a key that was made later by a clock that is known is not the intent's",
		in:   quiet(intends(2, 30*time.Minute, "K1"), key("F2", noon.Add(-27*time.Minute+time.Second)), behind(0)),
		rule: ruleSettle, want: Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys}, says: "F2",
	},
	{
		name: "nor is one that was made earlier",
		in:   quiet(intends(2, 30*time.Minute, "K1"), key("F2", noon.Add(-31*time.Minute-time.Second)), behind(0)),
		rule: ruleSettle, want: Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys}, says: "F2",
	},
}

func failedAt(at time.Time) change {
	return func(in *Input) {
		in.AccessKey.Status.Failures = &v1alpha1.Failures{Count: 1, LastTime: metav1.NewTime(at), NextAttempt: metav1.NewTime(at.Add(time.Minute))}
	}
}

// begun is how long ago the intent was begun in truth.
func begun(ago time.Duration) change { return func(in *Input) { in.Begun = in.Now.Add(-ago) } }

func issuedInTruth(id string, at time.Time) change {
	return func(in *Input) { in.Issued = map[string]time.Time{id: at} }
}

// behind is how far the service's clock is behind, which it has told.
func behind(d time.Duration) change {
	return func(in *Input) { in.Service.ClockKnown, in.Service.ClockBehind = true, d }
}
