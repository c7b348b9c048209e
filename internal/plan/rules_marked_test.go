// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// markedCases are about keys that carry the mark of an AccessKey at the service.
var markedCases = []decision{
	{
		name: "a key with our mark that nothing records is deleted",
		in:   quiet(key("K2", noon), marked("K2", "5f6c")),
		rule: ruleSweepMarked, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonRevoking, KeyID: "K2"},
	},
	{
		name: "a key with our mark is ours, however old the service says it is",
		in:   quiet(key("K2", issued.Add(-day)), marked("K2", "5f6c")),
		rule: ruleSweepMarked, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonRevoking, KeyID: "K2"},
	},
	{
		name: "a key with the mark of another AccessKey is left alone",
		in:   quiet(key("B1", noon), marked("B1", "other")),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "a key with our mark that another AccessKey records is left alone",
		in:   quiet(claimedKey("B1", noon), marked("B1", "5f6c")),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "the current key and the previous ones carry our mark, and stay",
		in:   quiet(keys("K0", "K1"), previous("K0", noon.Add(day)), marked("K0", "5f6c"), marked("K1", "5f6c")),
		rule: ruleWait, want: Action{Verb: Wait, Until: noon.Add(day)},
	},
	{
		name: "the key of a published pair that status lost stays",
		in:   quiet(quota(3), keys("K1", "K2"), marked("K2", "5f6c"), holds("K2", 2)),
		rule: ruleRestore, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "the key of a Secret under a former name stays",
		in:   quiet(keys("K1", "K0"), marked("K0", "5f6c"), former("old", "K0")),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "a deleted AccessKey leaves no key behind that only a Secret under a former name remembers",
		in:   quiet(deleting, keys("K1", "K0"), marked("K0", "5f6c"), former("old", "K0")),
		rule: ruleSweepMarked, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "a key with our mark on its way out needs no second deletion",
		in:   quiet(key("K2", noon), marked("K2", "5f6c"), being(keyservice.Deleting, "K2")),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "what the cache shows of marks is not acted upon",
		in:   quiet(cached, key("K2", noon), marked("K2", "5f6c")),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "a recorded key with the mark of another AccessKey is not revoked",
		in:   quiet(deleting, marked("K1", "other")),
		rule: ruleRevokeAll, want: Action{Verb: Block, Reason: v1alpha1.ReasonKeyNotOurs}, says: "key K1",
	},
}

// goingCases are about deletions that the service does in its own time.
var goingCases = []decision{
	{
		name: "a deleted AccessKey waits until its key is gone",
		in:   quiet(deleting, being(keyservice.Deleting, "K1")),
		rule: ruleRevokeAll, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRevoking, Until: noon.Add(5 * time.Second)}, says: "finish deleting key K1",
	},
	{
		name: "a deleted AccessKey revokes its other keys meanwhile",
		in:   quiet(deleting, keys("K1", "K0"), previous("K0", noon.Add(day)), being(keyservice.Deleting, "K1")),
		rule: ruleRevokeAll, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonDeleting, KeyID: "K0"},
	},
	{
		name: "a deleted AccessKey revokes a key that failed",
		in:   quiet(deleting, being(keyservice.Failed, "K1")),
		rule: ruleRevokeAll, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonDeleting, KeyID: "K1"},
	},
	{
		name: "a previous key on its way out is waited for",
		in:   quiet(keys("K0", "K1"), previous("K0", noon), being(keyservice.Deleting, "K0")),
		rule: ruleRevokePrevious, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRevoking, Until: noon.Add(5 * time.Second)}, says: "finish deleting key K0",
	},
	{
		name: "a previous key on its way out holds up no other one",
		in:   quiet(keys("K0", "K9", "K1"), previous("K0", noon), previous("K9", noon), being(keyservice.Deleting, "K0")),
		rule: ruleRevokePrevious, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K9"},
	},
	{
		name: "a previous key on its way out before its time is no hurry",
		in:   quiet(keys("K0", "K1"), previous("K0", noon.Add(day)), being(keyservice.Deleting, "K0")),
		rule: ruleWait, want: Action{Verb: Wait, Until: noon.Add(day)},
	},
	{
		name: "a previous key that makes room is not revoked a second time",
		in:   quiet(asksFor("today"), keys("K0", "K1"), previous("K0", noon.Add(day)), being(keyservice.Deleting, "K0")),
		rule: ruleRenewNow, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRevoking, Until: noon.Add(5 * time.Second)}, says: "finish deleting key K0",
	},
	{
		name: "while a key of anybody is on its way out none is given up to make room",
		in:   quiet(asksFor("today"), quota(3), keys("K0", "K1", "F1"), previous("K0", noon.Add(day)), being(keyservice.Deleting, "F1")),
		rule: ruleRenewNow, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRevoking, Until: noon.Add(5 * time.Second)}, says: "finish deleting key F1",
	},
	{
		name: "where there is room a key on its way out is not waited for",
		in:   quiet(asksFor("today"), quota(3), keys("K1", "F1"), being(keyservice.Deleting, "F1")),
		rule: ruleRenewNow, want: Action{Verb: Create, Reason: v1alpha1.ReasonRenewing},
	},
}
