// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// creatingCases are about what has to come before a key is made.
var creatingCases = []decision{
	{
		name: "nothing is made without a grant",
		in:   unissued(notGranted, cached),
		rule: ruleIssue, want: Action{Verb: Block, Reason: v1alpha1.ReasonNotGranted}, says: `qumulo grants namespace team-a no key of user "local:backup"`,
	},
	{
		name: "without a grant the next revocation is still waited for",
		in:   quiet(notGranted, keys("K0", "K1"), previous("K0", noon.Add(day)), asksFor("today")),
		rule: ruleRenewNow, want: Action{Verb: Block, Reason: v1alpha1.ReasonNotGranted, Until: noon.Add(day)}, says: "ask its owner for a grant",
	},
	{
		name: "the time of a previous key that is published again is not waited for, since it has passed",
		in:   quiet(notGranted, keys("K0", "K1"), previous("K0", noon), holds("K0", 1)),
		rule: ruleRestore, want: Action{Verb: Block, Reason: v1alpha1.ReasonNotGranted}, says: "ask its owner for a grant",
	},
	{
		name: "a pair at rest needs no grant, but a person is told before it ends",
		in:   quiet(notGranted),
		rule: ruleTellOfGrant, want: Action{Verb: Block, Reason: v1alpha1.ReasonNotGranted, Until: renewal},
		says: "access key AKIAK1, which was granted once, works on but is not rotated",
	},
	{
		name: "a Secret is kept up to date without a grant",
		in:   quiet(notGranted, outOfDate),
		rule: ruleUpdateSecret, want: Action{Verb: UpdateSecret, Reason: v1alpha1.EventSecretUpdated},
	},
	{
		name: "no pair is made that could not wait anywhere",
		in:   unissued(activatesLater, next(SecretForeign)),
		rule: ruleIssue, want: Action{Verb: Block, Reason: v1alpha1.ReasonSecretConflict}, says: "the Secret backup-next, in which a new pair waits",
	},
	{
		name: "nor is one made in place",
		in:   quiet(at(renewal), activatesLater, renews, strategy(v1alpha1.StrategyReplace), next(SecretForeign)),
		rule: ruleRotate, want: Action{Verb: Block, Reason: v1alpha1.ReasonSecretConflict}, says: "backup-next",
	},
	{
		name: "where pairs need not wait, the Secret of that name is nobody's business",
		in:   unissued(next(SecretForeign)),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "a KeyService that is being deleted makes no more keys",
		in:   unissued(serviceDeleting),
		rule: ruleIssue, want: Action{Verb: Block, Reason: v1alpha1.ReasonKeyServiceDeleting}, says: "KeyService qumulo is being deleted",
	},
	{
		name: "the finalizer goes on before the first look",
		in:   unissued(unprotected, cached),
		rule: ruleIssue, want: Action{Verb: Protect, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "another finalizer is not ours",
		in:   unissued(unprotected, othersFinalizer),
		rule: ruleIssue, want: Action{Verb: Protect, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "a KeyService that could vanish is waited for",
		in:   unissued(notHeld),
		rule: ruleIssue, want: Action{Verb: Wait, Reason: v1alpha1.ReasonWaiting, Until: noon.Add(10 * time.Second)}, says: "KeyService qumulo and its Secrets to be held",
	},
	{
		name: "one operation at a time is made per user",
		in:   unissued(busy),
		rule: ruleIssue, want: Action{Verb: Wait, Reason: v1alpha1.ReasonWaiting, Until: noon.Add(time.Second)}, says: "another AccessKey of the same user",
	},
	{
		name: "an operation of another AccessKey holds up no revocation",
		in:   quiet(busy, keys("K0", "K1"), previous("K0", noon)),
		rule: ruleRevokePrevious, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},

	{
		name: "below the quota a key is made at once",
		in:   quiet(asksFor("today"), quota(2)),
		rule: ruleRenewNow, want: Action{Verb: Create, Reason: v1alpha1.ReasonRenewing},
	},
	{
		name: "without a quota there is always room",
		in:   quiet(asksFor("today"), unlimited, keys("K1", "F1", "F2", "F3")),
		rule: ruleRenewNow, want: Action{Verb: Create, Reason: v1alpha1.ReasonRenewing},
	},
	{
		name: "a previous key in its overlap makes room",
		in:   quiet(asksFor("today"), keys("K0", "K1"), previous("K0", noon.Add(day))),
		rule: ruleRenewNow, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "the oldest previous key makes room first",
		in:   quiet(asksFor("today"), quota(3), keys("K8", "K9", "K1"), previous("K8", noon.Add(day)), previousFrom("K9", issued.Add(-20*day))),
		rule: ruleRenewNow, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K9"},
	},
	{
		name: "the oldest previous key makes room wherever it is recorded",
		in:   quiet(asksFor("today"), quota(3), keys("K9", "K8", "K1"), previousFrom("K9", issued.Add(-20*day)), previous("K8", noon.Add(day))),
		rule: ruleRenewNow, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K9"},
	},
	{
		name: "a current key that no Secret holds makes room",
		in:   quiet(secret(SecretEdited), keys("K1", "F1")),
		rule: ruleRestore, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K1"},
	},
	{
		name: "a previous key makes room before the current one",
		in:   quiet(secret(SecretAbsent), keys("K1", "K0"), previous("K0", noon.Add(day))),
		rule: ruleRestore, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "a previous key that is published again makes no room, but the unpublished current one does",
		in:   quiet(keys("K0", "K1"), previous("K0", noon.Add(day)), holds("K0", 1)),
		rule: ruleRestore, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K1"},
	},
	{
		name: "the published key is never given up",
		in:   quiet(at(renewal), keys("K1", "F1")),
		rule: ruleRotate, want: Action{Verb: Block, Reason: v1alpha1.ReasonQuotaExceeded}, says: "has 2 keys of at most 2 (K1, F1)",
	},
	{
		name: "the current key is not given up while only a Secret under a former name serves it",
		in:   quiet(secret(SecretAbsent), wants("new"), keys("K1", "F1")),
		rule: ruleRestore, want: Action{Verb: Block, Reason: v1alpha1.ReasonQuotaExceeded}, says: "(K1, F1)",
	},
	{
		name: "the current key under a former name is given up when the wanted Secret serves another one",
		in:   quiet(wants("new"), holds("K0", 1), keys("K1", "K0"), previous("K0", noon.Add(day))),
		rule: ruleRestore, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K1"},
	},
	{
		name: "the current key under a former name is kept when the wanted Secret serves a key that is gone",
		in:   quiet(wants("new"), holds("K0", 1), keys("K1", "F1")),
		rule: ruleRestore, want: Action{Verb: Block, Reason: v1alpha1.ReasonQuotaExceeded}, says: "(K1, F1)",
	},
	{
		name: "the current key under a former name is kept when the wanted Secret serves a pair from before its renewal",
		in:   quiet(renews, wants("new"), publishedAgo(day), keys("K1", "F1")),
		rule: ruleRestore, want: Action{Verb: Block, Reason: v1alpha1.ReasonQuotaExceeded}, says: "(K1, F1)",
	},
	{
		name: "the current key under a former name is kept when the wanted Secret serves a former pair of a handle that came again",
		in: quiet(renews, wants("new"), holds("K0", 1), publishedAgo(20*day), keys("K1", "K0"),
			previous("K0", noon.Add(day)), marked("K0", "other")),
		rule: ruleRestore, want: Action{Verb: Block, Reason: v1alpha1.ReasonQuotaExceeded, Until: noon.Add(day)}, says: "(K1, K0)",
	},
	{
		name: "a key of another AccessKey makes no room",
		in:   quiet(at(renewal), claimedKey("K0", issued), previous("K0", renewal.Add(day))),
		rule: ruleRotate, want: Action{Verb: Block, Reason: v1alpha1.ReasonQuotaExceeded, Until: renewal.Add(day)}, says: "(K1, K0)",
	},
	{
		name: "a key older than the AccessKey makes no room",
		in:   quiet(asksFor("today"), key("K0", issued.Add(-time.Hour)), previous("K0", noon.Add(day))),
		rule: ruleRenewNow, want: Action{Verb: Block, Reason: v1alpha1.ReasonQuotaExceeded, Until: noon.Add(day)}, says: "(K1, K0)",
	},
	{
		name: "a user with more keys than the quota has no room either",
		in:   unissued(keys("F1", "F2", "F3")),
		rule: ruleIssue, want: Action{Verb: Block, Reason: v1alpha1.ReasonQuotaExceeded}, says: "has 3 keys of at most 2 (F1, F2, F3)",
	},
	{
		name: "where a user has one key, a key that somebody else made is not replaced",
		in:   unissued(oneSlot, keys("F1")),
		rule: ruleIssue, want: Action{Verb: Block, Reason: v1alpha1.ReasonUserExists}, says: "which this AccessKey did not make",
	},
}
