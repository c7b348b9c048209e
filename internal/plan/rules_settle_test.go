// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// settlingCases are about open intents and lost status.
var settlingCases = []decision{
	{
		name: "a pair that was published before a crash is adopted at once",
		in:   quiet(intends(2, time.Second, "K1"), holds("K2", 2), key("K2", noon)),
		rule: ruleSettle, want: Action{Verb: Adopt, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a published pair of the intent's revision that was known before is not what the intent made",
		in:   quiet(intends(1, time.Hour, "K1")),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a published pair whose key is gone from the service is not adopted",
		in:   quiet(intends(2, time.Hour, "K1"), holds("K2", 2)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a published pair of another revision is no orphan either",
		in:   unissued(intends(9, time.Hour), holds("K1", 1), key("K1", noon.Add(-time.Hour))),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "an intent that shows no key is open for two minutes, since its create can land late",
		in:   quiet(intends(2, 119*time.Second, "K1")),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: noon.Add(time.Second)},
	},
	{
		name: "an intent that shows a key is open as long, since the key could be somebody else's",
		in:   quiet(intends(2, 119*time.Second, "K1"), key("K2", noon)),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: noon.Add(time.Second)},
	},
	{
		name: "a key that another AccessKey may be about to publish is waited for",
		in:   quiet(intends(2, 2*time.Minute, "K1"), key("K2", noon), contested("K2", noon.Add(time.Minute))),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: noon.Add(time.Minute)},
	},
	{
		name: "a key that nobody came to publish is the orphan",
		in:   quiet(intends(2, 2*time.Minute, "K1"), key("K2", noon), contested("K2", noon)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "an intent that showed no key for two minutes made none",
		in:   quiet(intends(2, 2*time.Minute, "K1")),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "the one new key of an intent is deleted, since its secret is lost",
		in:   quiet(intends(2, 2*time.Minute, "K1"), key("K2", noon)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a service that does not say when a key was made is trusted that it is new",
		in:   quiet(intends(2, 2*time.Minute, "K1"), key("K2", time.Time{})),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "the clock of the service may be off by a quarter of an hour",
		in:   quiet(intends(2, 30*time.Minute, "K1"), key("K2", noon.Add(-15*time.Minute))),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "one new key from another time is for a person to judge",
		in:   quiet(intends(2, 30*time.Minute, "K1"), key("F2", noon.Add(-15*time.Minute+time.Second))),
		rule: ruleSettle, want: Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys}, says: "F2",
	},
	{
		name: "two new keys are for a person to judge",
		in:   quiet(intends(2, time.Hour, "K1"), key("K2", issued), key("F3", issued)),
		rule: ruleSettle, want: Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys}, says: "K2, F3",
	},
	{
		name: "a key of another AccessKey is no candidate",
		in:   quiet(intends(2, time.Hour, "K1"), claimedKey("B1", issued), key("K2", issued)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a key with the mark of another AccessKey is no candidate, however the intent was written",
		in:   quiet(intends(2, time.Hour, "K1"), key("B1", issued), marked("B1", "other")),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a key older than the AccessKey is no candidate, however the intent was written",
		in:   unissued(intends(1, 2*time.Hour), key("F1", noon.Add(-2*time.Hour))),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a recorded key is no candidate, however the intent was written",
		in:   quiet(intends(2, time.Hour), keys("K0", "K1"), previous("K0", noon.Add(day)), secret(SecretAbsent)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "while both candidates are there nothing is deleted",
		in:   quiet(intends(2, day, "K1"), key("K2", noon), key("F3", noon), ambiguous("K2", "F3")),
		rule: ruleSettle, want: Action{Verb: Block, Reason: v1alpha1.ReasonAmbiguousKeys}, says: "K2, F3",
	},
	{
		name: "when one candidate is gone the other is left alone",
		in:   quiet(intends(2, day, "K1"), key("F3", noon), ambiguous("K2", "F3")),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "waiting for a person ends for a moment at the next revocation",
		in:   quiet(intends(2, day), key("K2", noon), key("F3", noon), ambiguous("K2", "F3"), previous("K0", noon.Add(day)), key("K0", issued)),
		rule: ruleSettle, want: Action{Verb: Block, Reason: v1alpha1.ReasonAmbiguousKeys, Until: noon.Add(day)}, says: "K2, F3",
	},
	{
		name: "waiting for a person does not keep a previous key alive",
		in:   quiet(intends(2, day), key("K2", noon), key("F3", noon), ambiguous("K2", "F3"), previous("K0", noon), key("K0", issued)),
		rule: ruleSettle, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "an open intent is settled before a deleted AccessKey revokes",
		in:   quiet(deleting, intends(2, 2*time.Minute, "K1"), key("K2", noon)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},

	{
		name: "a published pair with our mark is recorded again although another AccessKey records an earlier key of the same ID",
		in:   unissued(holds("K1", 1), claimedKey("K1", noon), marked("K1", "5f6c")),
		rule: ruleAdopt, want: Action{Verb: Adopt, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a pair that was given up is not recorded again while the service still lists its key",
		in:   unissued(holds("K1", 1), key("K1", noon), revision(1)),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "a lost status is found again in the published pair",
		in:   quiet(wiped),
		rule: ruleAdopt, want: Action{Verb: Adopt, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a lost status is found again before a deleted AccessKey lets go",
		in:   quiet(wiped, deleting),
		rule: ruleAdopt, want: Action{Verb: Adopt, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a published pair whose key is gone is not worth recording",
		in:   quiet(wiped, keys()),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "a published pair whose key is gone still leads to the previous keys",
		in:   quiet(wiped, keys("K0"), holds("K1", 2, previousKey("K0", noon.Add(day)))),
		rule: ruleAdopt, want: Action{Verb: Adopt, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a previous key that status knows by itself is no reason to record a pair whose key is gone",
		in:   quiet(deleting, noCurrent, keys("K0"), previous("K0", noon.Add(day)), holds("K1", 2, previousKey("K0", noon.Add(day)))),
		rule: ruleRevokeAll, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonDeleting, KeyID: "K0"},
	},
	{
		name: "a published pair that another AccessKey records is not taken over",
		in:   quiet(wiped, keys(), claimedKey("K1", issued)),
		rule: ruleAdopt, want: Action{Verb: Block, Reason: v1alpha1.ReasonKeyNotOurs}, says: "key K1",
	},
	{
		name: "a published pair older than the AccessKey is not taken over",
		in:   quiet(wiped, keys(), key("K1", issued.Add(-time.Hour))),
		rule: ruleAdopt, want: Action{Verb: Block, Reason: v1alpha1.ReasonKeyNotOurs}, says: "key K1",
	},
}
