// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// chosenCases are about open intents whose handle is known.
var chosenCases = []decision{
	{
		name: "a published pair of the chosen handle is adopted at once",
		in:   quiet(renews, intendsFor("K2", time.Second), key("K2", noon), holds("K2", 2), publishedAgo(time.Second)),
		rule: ruleSettle, want: Action{Verb: Adopt, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a published pair that was renewed is adopted although its key was known before",
		in:   quiet(renews, intendsFor("K1", time.Second), holds("K1", 2), publishedAgo(time.Second)),
		rule: ruleSettle, want: Action{Verb: Adopt, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a published pair of the same revision from an earlier request is not what the intent made",
		in:   quiet(renews, intendsFor("K1", 2*time.Minute), holds("K1", 2), publishedAgo(3*time.Minute)),
		rule: ruleSettle, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonSettling, KeyID: "K1"},
	},
	{
		name: "a published pair of another key is not what the intent made",
		in:   quiet(renews, intendsFor("K2", 2*time.Minute), key("K2", noon), key("K3", noon), holds("K3", 2), publishedAgo(2*time.Minute)),
		rule: ruleSettle, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a chosen key with our mark is ours although another AccessKey records an earlier one of the same ID",
		in:   unissued(renews, intendsFor("K2", 2*time.Minute), claimedKey("K2", noon), marked("K2", "5f6c")),
		rule: ruleSettle, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a chosen key is not renewed for two minutes, since a late request would take the new pair away",
		in:   quiet(renews, intendsFor("K2", 119*time.Second), key("K2", noon)),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: noon.Add(time.Second)},
	},
	{
		name: "a chosen key whose answer was lost is renewed",
		in:   quiet(renews, intendsFor("K2", 2*time.Minute), key("K2", noon)),
		rule: ruleSettle, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a chosen key that does not work yet is renewed all the same",
		in:   quiet(renews, intendsFor("K2", 2*time.Minute), key("K2", noon), being(keyservice.Pending, "K2")),
		rule: ruleSettle, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a recorded key whose renewal was not answered is renewed again",
		in:   quiet(renews, replaces, intendsFor("K1", 2*time.Minute)),
		rule: ruleSettle, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonSettling, KeyID: "K1"},
	},
	{
		name: "a chosen key that was never made leaves nothing to settle",
		in:   quiet(renews, intendsFor("K2", 2*time.Minute)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a key of another AccessKey is not renewed, however the intent was written",
		in:   quiet(renews, intendsFor("B1", 2*time.Minute), claimedKey("B1", noon)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a key older than the AccessKey is not renewed, however the intent was written",
		in:   quiet(renews, intendsFor("F1", 2*time.Minute), key("F1", issued.Add(-time.Hour))),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a key with the mark of another AccessKey is not renewed",
		in:   quiet(renews, intendsFor("B1", 2*time.Minute), key("B1", noon), marked("B1", "other")),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a chosen key of a deleted AccessKey is deleted",
		in:   quiet(renews, deleting, intendsFor("K2", 2*time.Minute), key("K2", noon)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a chosen key of a deleted AccessKey is deleted even if a Secret under a former name holds its pair",
		in:   quiet(renews, deleting, intendsFor("K2", 2*time.Minute), key("K2", noon), former("old-next", "K2")),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a recorded key of a deleted AccessKey is left to the revocation of all",
		in:   quiet(renews, deleting, intendsFor("K1", 2*time.Minute)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a chosen key that the service can't renew is deleted",
		in:   quiet(intendsFor("K2", 2*time.Minute), key("K2", noon)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a chosen key that the service could not make is deleted",
		in:   quiet(renews, intendsFor("K2", 2*time.Minute), key("K2", noon), being(keyservice.Failed, "K2")),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a chosen key that the service could not make is deleted even if a person restored a former pair of its handle",
		in:   quiet(renews, intendsFor("K2", 2*time.Minute), key("K2", noon), being(keyservice.Failed, "K2"), holds("K2", 1)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a recorded key that failed is left to its replacement",
		in:   quiet(renews, intendsFor("K1", 2*time.Minute), being(keyservice.Failed, "K1")),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a recorded key that the service can't renew any more is left as it is",
		in:   quiet(intendsFor("K1", 2*time.Minute)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a chosen key whose pair could not be published is deleted",
		in:   quiet(renews, intendsFor("K2", 2*time.Minute), key("K2", noon), secret(SecretForeign)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a recorded key is not renewed while its pair could not be published",
		in:   quiet(renews, intendsFor("K1", 2*time.Minute), secret(SecretForeign)),
		rule: ruleSettle, want: Action{Verb: Block, Reason: v1alpha1.ReasonSecretConflict}, says: "the Secret backup exists",
	},
	{
		name: "waiting for that does not keep a previous key alive",
		in:   quiet(renews, intendsFor("K1", 2*time.Minute), secret(SecretForeign), key("K0", noon), previous("K0", noon)),
		rule: ruleSettle, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "a chosen key on its way out is waited for",
		in:   quiet(renews, intendsFor("K2", 2*time.Minute), key("K2", noon), being(keyservice.Deleting, "K2")),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRevoking, Until: noon.Add(5 * time.Second)}, says: "finish deleting key K2",
	},
}

// waitingCases are about pairs that wait until the service lets them work.
var waitingCases = []decision{
	{
		name: "a pair that works now is published at once",
		in:   quiet(renews, intendsFor("K2", time.Second), key("K2", noon), stages("K2", 2, time.Second)),
		rule: ruleSettle, want: Action{Verb: Publish, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a pair that does not work yet is waited for",
		in:   quiet(renews, intendsFor("K2", time.Hour), key("K2", noon), being(keyservice.Pending, "K2"), stages("K2", 2, time.Hour)),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonWaiting, Until: noon.Add(5 * time.Second)}, says: "activate key K2",
	},
	{
		name: "a pair that does not work yet does not keep a previous key alive",
		in: quiet(renews, quota(3), intendsFor("K2", time.Hour), keys("K0", "K1"), previous("K0", noon), key("K2", noon),
			being(keyservice.Pending, "K2"), stages("K2", 2, time.Hour)),
		rule: ruleSettle, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "a pair whose key failed is given up",
		in:   quiet(renews, intendsFor("K2", time.Second), key("K2", noon), being(keyservice.Failed, "K2"), stages("K2", 2, time.Second)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a pair whose key was disabled meanwhile is given up",
		in:   quiet(renews, intendsFor("K2", time.Second), key("K2", noon), being(keyservice.Disabled, "K2"), stages("K2", 2, time.Second)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a pair whose key is on its way out is waited for",
		in:   quiet(renews, intendsFor("K2", time.Second), key("K2", noon), being(keyservice.Deleting, "K2"), stages("K2", 2, time.Second)),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRevoking, Until: noon.Add(5 * time.Second)}, says: "finish deleting key K2",
	},
	{
		name: "a pair of a deleted AccessKey is not published any more",
		in:   quiet(renews, deleting, intendsFor("K2", time.Second), key("K2", noon), stages("K2", 2, time.Second)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a pair from an earlier request is not published",
		in:   quiet(renews, intendsFor("K2", 2*time.Minute), key("K2", noon), stages("K2", 2, 3*time.Minute)),
		rule: ruleSettle, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a pair that was edited while it waited is made again",
		in:   quiet(renews, intendsFor("K2", 2*time.Minute), key("K2", noon), next(SecretEdited)),
		rule: ruleSettle, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "the Secret in which a pair waited goes when nothing is open",
		in:   quiet(stages("K1", 1, time.Hour)),
		rule: ruleDropNext, want: Action{Verb: DropSecret, Reason: v1alpha1.EventSecretUpdated, Name: "backup-next"},
	},
	{
		name: "the Secret in which a pair waited goes even if it was edited",
		in:   quiet(next(SecretEdited), wants("other"), holds("K1", 1)),
		rule: ruleDropNext, want: Action{Verb: DropSecret, Reason: v1alpha1.EventSecretUpdated, Name: "other-next"},
	},
	{
		name: "a former Secret under that name stays while its key works",
		in:   quiet(stages("K0", 1, day), keys("K0", "K1"), previous("K0", noon.Add(day))),
		rule: ruleWait, want: Action{Verb: Wait, Until: noon.Add(day)},
	},
	{
		name: "a former Secret under that name goes when its key is gone",
		in:   quiet(stages("K0", 1, day), previous("K0", noon.Add(day))),
		rule: ruleDropNext, want: Action{Verb: DropSecret, Reason: v1alpha1.EventSecretUpdated, Name: "backup-next"},
	},
	{
		name: "a Secret of that name that is not ours stays",
		in:   quiet(next(SecretForeign)),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "no Secret of that name is the rule",
		in:   quiet(next(SecretAbsent)),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
}
