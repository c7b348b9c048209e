// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"accesskey.dev/operator/api/v1alpha1"
)

// trustCases are about who wrote what, which pair is in a place, and whether the service listens to the operator at all.
var trustCases = []decision{
	{
		name: "a status that was signed with another key leads to nothing",
		in:   quiet(signedByOther, at(renewal)),
		rule: ruleSignedByOther, want: Action{Verb: Block, Reason: v1alpha1.ReasonProofKeyChanged}, says: "--trust-unproven",
	},
	{
		name: "a deleted AccessKey whose status was signed with another key revokes nothing",
		in:   quiet(signedByOther, deleting),
		rule: ruleSignedByOther, want: Action{Verb: Block, Reason: v1alpha1.ReasonProofKeyChanged}, says: "restore the operator's Secret",
	},
	{
		name: "Retain lets go whoever signed",
		in:   quiet(signedByOther, deleting, policy(v1alpha1.DeletionPolicyRetain)),
		rule: ruleRetain, want: Action{Verb: Release, Reason: v1alpha1.EventRetained},
	},

	{
		name: "a service that refuses the credentials is not asked for a rotation",
		in:   quiet(cached, at(renewal), refusing),
		rule: ruleRotate, want: Action{Verb: Block, Reason: v1alpha1.ReasonUnauthorized}, says: "KeyService qumulo: the service refuses the operator's credentials, and is not asked again until they are mended: who are you?",
	},
	{
		name: "a service that refuses the credentials is not asked to revoke",
		in:   quiet(cached, deleting, refusing),
		rule: ruleRevokeAll, want: Action{Verb: Block, Reason: v1alpha1.ReasonUnauthorized}, says: "who are you?",
	},
	{
		name: "nothing is to be asked while a pair is at rest",
		in:   quiet(cached, refusing),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},

	{
		name: "a pair that a person put into the place of the current one is theirs, and ours is replaced",
		in:   quiet(pairAt("K1", "AKIAX")),
		rule: ruleReplace, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "a pair that a person put into the place of a previous one is theirs, and ours is gone",
		in:   quiet(keys("K0", "K1"), pairAt("K0", "AKIAX"), previous("K0", noon)),
		rule: ruleRevokePrevious, want: Action{Verb: Forget, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "a deleted AccessKey leaves the pair that a person put into the place of its own",
		in:   quiet(deleting, pairAt("K1", "AKIAX")),
		rule: ruleRevokeAll, want: Action{Verb: Release, Reason: v1alpha1.ReasonDeleting},
	},
	{
		name: "a marked place is ours, whichever pair is in it",
		in:   quiet(keys("K0", "K1"), pairAt("K0", "AKIAX"), marked("K0", "5f6c"), previous("K0", noon)),
		rule: ruleRevokePrevious, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "the pair that an open operation may have put into its place is ours",
		in:   quiet(deleting, pairAt("K1", "AKIAX"), intendsFor("K1", settleAfter)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a Secret that holds another pair than the one in the place is not recorded again",
		in:   quiet(wiped, pairAt("K1", "AKIAX")),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "a Secret under a former name goes although another pair is in the place of its own",
		in:   quiet(former("old", "K1"), func(in *Input) { in.FormerSecrets[0].AccessKeyID = "AKIAX" }),
		rule: ruleDropFormer, want: Action{Verb: DropSecret, Reason: v1alpha1.EventSecretUpdated, Name: "old"},
	},
}

func signedByOther(in *Input) { in.Proof = SignedByAnother }

func refusing(in *Input) { in.Service.Refusal = "who are you?" }
