// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// publishingCases are about when a pair is made, and about the Secret around it.
var publishingCases = []decision{
	{
		name: "a foreign Secret is not overwritten, and no key is made for it",
		in:   unissued(secret(SecretForeign), cached),
		rule: ruleForeignSecret, want: Action{Verb: Block, Reason: v1alpha1.ReasonSecretConflict}, says: "the Secret backup exists",
	},
	{
		name: "a foreign Secret is looked past at the next revocation",
		in:   quiet(secret(SecretForeign), wants("other"), previous("K0", noon.Add(day))),
		rule: ruleForeignSecret, want: Action{Verb: Block, Reason: v1alpha1.ReasonSecretConflict, Until: noon.Add(day)}, says: "the Secret other exists",
	},
	{
		name: "the first pair is issued",
		in:   unissued(),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "a lost Secret gets a new pair",
		in:   quiet(secret(SecretAbsent)),
		rule: ruleRestore, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "an edited Secret gets a new pair",
		in:   quiet(secret(SecretEdited)),
		rule: ruleRestore, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "a Secret with an older pair gets a new one",
		in:   quiet(holds("K0", 1)),
		rule: ruleRestore, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "a key that vanished at the service is replaced",
		in:   quiet(keys("F1")),
		rule: ruleReplace, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "a renewal that is asked for is made",
		in:   quiet(asksFor("today")),
		rule: ruleRenewNow, want: Action{Verb: Create, Reason: v1alpha1.ReasonRenewing},
	},
	{
		name: "another token asks for another renewal",
		in:   quiet(asksFor("today"), handled("yesterday")),
		rule: ruleRenewNow, want: Action{Verb: Create, Reason: v1alpha1.ReasonRenewing},
	},
	{
		name: "a renewal is made once per token",
		in:   quiet(asksFor("today"), handled("today")),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "taking the token away asks for nothing",
		in:   quiet(handled("today")),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "a long token is handled once it is recorded as far as it fits",
		in:   quiet(asksFor(strings.Repeat("x", 2000)), handled(strings.Repeat("x", 1024))),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "a long token is not cut in the middle of a character, which the API server would change",
		in:   quiet(asksFor(strings.Repeat("x", 1023)+"ü"), handled(strings.Repeat("x", 1023))),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "a pair is rotated at renewalTime",
		in:   quiet(at(renewal)),
		rule: ruleRotate, want: Action{Verb: Create, Reason: v1alpha1.ReasonRotating},
	},
	{
		name: "a pair is not rotated a second early",
		in:   quiet(at(renewal.Add(-time.Second))),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "a pair without a ttl is never rotated",
		in:   quiet(endless, at(noon.Add(3650*day))),
		rule: ruleWait, want: Action{Verb: Wait},
	},
	{
		name: "a Secret that is out of date is brought up to date around its pair",
		in:   quiet(outOfDate),
		rule: ruleUpdateSecret, want: Action{Verb: UpdateSecret, Reason: v1alpha1.EventSecretUpdated},
	},
	{
		name: "a Secret under a former name stays while its key works",
		in:   quiet(keys("K0", "K1"), previous("K0", noon.Add(day)), former("old", "K0")),
		rule: ruleWait, want: Action{Verb: Wait, Until: noon.Add(day)},
	},
	{
		name: "a Secret under a former name goes when its key is gone",
		in:   quiet(former("old", "K1"), former("older", "K0")),
		rule: ruleDropFormer, want: Action{Verb: DropSecret, Reason: v1alpha1.EventSecretUpdated, Name: "older"},
	},
	{
		name: "a Secret under a former name that holds no pair any more goes",
		in:   quiet(former("old", "")),
		rule: ruleDropFormer, want: Action{Verb: DropSecret, Reason: v1alpha1.EventSecretUpdated, Name: "old"},
	},
	{
		name: "a Secret under a name that is wanted again is not dropped by a stale list",
		in:   quiet(former("backup", "K0")),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
}
