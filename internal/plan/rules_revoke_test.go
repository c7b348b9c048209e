// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// revokingCases are about the end of keys, and of the AccessKey.
var revokingCases = []decision{
	{
		name: "a deleted AccessKey without keys lets go from the cache alone, since its service may never have been there",
		in:   unissued(deleting, cached),
		rule: ruleRevokeAll, want: Action{Verb: Release, Reason: v1alpha1.ReasonDeleting},
	},
	{
		name: "a deleted AccessKey revokes its current key first",
		in:   quiet(deleting, keys("K0", "K1"), previous("K0", noon.Add(day))),
		rule: ruleRevokeAll, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonDeleting, KeyID: "K1"},
	},
	{
		name: "a deleted AccessKey revokes its previous keys before their time",
		in:   quiet(deleting, keys("K0"), previous("K0", noon.Add(day))),
		rule: ruleRevokeAll, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonDeleting, KeyID: "K0"},
	},
	{
		name: "a deleted AccessKey lets go when its keys are gone",
		in:   quiet(deleting, keys("F1")),
		rule: ruleRevokeAll, want: Action{Verb: Release, Reason: v1alpha1.ReasonDeleting},
	},
	{
		name: "a deleted AccessKey whose keys were only denied by a resync looks first",
		in:   quiet(deleting, keys(), cached),
		rule: ruleRevokeAll, want: Action{Verb: Look, Reason: v1alpha1.ReasonRevoking},
	},
	{
		name: "a deleted AccessKey leaves a key to the other one that records it",
		in:   quiet(deleting, keys(), claimedKey("K1", issued)),
		rule: ruleRevokeAll, want: Action{Verb: Release, Reason: v1alpha1.ReasonDeleting},
	},
	{
		name: "a deleted AccessKey does not touch a key that is older than itself",
		in:   quiet(deleting, keys(), key("K1", issued.Add(-time.Hour))),
		rule: ruleRevokeAll, want: Action{Verb: Block, Reason: v1alpha1.ReasonKeyNotOurs}, says: "set deletionPolicy: Retain",
	},
	{
		name: "a key as old as the clocks can be apart may be ours",
		in:   quiet(deleting, keys(), key("K1", issued.Add(-time.Minute-clockSkew))),
		rule: ruleRevokeAll, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonDeleting, KeyID: "K1"},
	},

	{
		name: "a previous key is revoked at its time",
		in:   quiet(keys("K0", "K1"), previous("K0", noon)),
		rule: ruleRevokePrevious, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "a previous key is not revoked a second early",
		in:   quiet(keys("K0", "K1"), previous("K0", noon.Add(time.Second))),
		rule: ruleWait, want: Action{Verb: Wait, Until: noon.Add(time.Second)},
	},
	{
		name: "a later previous key is revoked although an earlier one in the list still has time",
		in:   quiet(keys("K0", "K1"), previous("K9", noon.Add(day)), previous("K0", noon)),
		rule: ruleRevokePrevious, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "a ttl that was shortened ends a previous key before its revokeAt",
		in:   quiet(keys("K0", "K1"), lives(10*day), previous("K0", noon.Add(5*day))),
		rule: ruleRevokePrevious, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "a ttl that was shortened to a later moment is waited for",
		in:   quiet(keys("K0", "K1"), lives(11*day), previous("K0", noon.Add(5*day))),
		rule: ruleWait, want: Action{Verb: Wait, Until: issued.Add(day)},
	},
	{
		name: "a previous key that is published again is not revoked, but replaced",
		in:   quiet(keys("K0", "K1"), unlimited, previous("K0", noon), holds("K0", 1)),
		rule: ruleRestore, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "a previous key that is gone is forgotten",
		in:   quiet(previous("K0", noon)),
		rule: ruleRevokePrevious, want: Action{Verb: Forget, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "a previous key that another AccessKey records is forgotten",
		in:   quiet(claimedKey("K0", issued), previous("K0", noon)),
		rule: ruleRevokePrevious, want: Action{Verb: Forget, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "a previous key that is older than the AccessKey is not touched",
		in:   quiet(key("K0", issued.Add(-time.Hour)), previous("K0", noon)),
		rule: ruleRevokePrevious, want: Action{Verb: Block, Reason: v1alpha1.ReasonKeyNotOurs}, says: "key K0",
	},
	{
		name: "a previous key is revoked at its time even if the Secret is foreign",
		in:   quiet(keys("K0", "K1"), previous("K0", noon), secret(SecretForeign)),
		rule: ruleRevokePrevious, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
}
