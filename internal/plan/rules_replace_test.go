// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// replacingCases are about the strategy of a rotation.
var replacingCases = []decision{
	{
		name: "Auto makes a second key where the service holds two, although it could renew",
		in:   quiet(at(renewal), renews),
		rule: ruleRotate, want: Action{Verb: Create, Reason: v1alpha1.ReasonRotating},
	},
	{
		name: "Auto renews in place where the service holds one key",
		in:   quiet(at(renewal), oneSlot, renews),
		rule: ruleRotate, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonRotating, KeyID: "K1"},
	},
	{
		name: "Auto revokes and then creates where the service holds one key and can't renew it",
		in:   quiet(at(renewal), oneSlot),
		rule: ruleRotate, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRotating, KeyID: "K1"},
	},
	{
		name: "the pair after that is issued",
		in:   unissued(oneSlot),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "Replace renews in place although the service holds two keys",
		in:   quiet(asksFor("today"), replaces, renews),
		rule: ruleRenewNow, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonRenewing, KeyID: "K1"},
	},
	{
		name: "Replace makes the first pair as any other",
		in:   unissued(replaces, renews),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "Replace makes a new key when the current one vanished",
		in:   quiet(replaces, renews, keys("F1")),
		rule: ruleReplace, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "Replace renews for a Secret that is lost",
		in:   quiet(replaces, renews, secret(SecretAbsent)),
		rule: ruleRestore, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonRestoring, KeyID: "K1"},
	},
	{
		name: "a pair from before the last renewal that a person restored gets a new one",
		in:   quiet(replaces, renews, publishedAgo(10*day)),
		rule: ruleRestore, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonRestoring, KeyID: "K1"},
	},
	{
		name: "where no key is renewed a pair is as good as its key",
		in:   quiet(publishedAgo(10 * day)),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "Replace renews a key whose pair has ended at the service",
		in:   quiet(replaces, renews, endsAt("K1", noon)),
		rule: ruleReplace, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonRestoring, KeyID: "K1"},
	},
	{
		name: "a previous key whose pair has ended at the service is revoked at its time",
		in:   quiet(keys("K0", "K1"), previous("K0", noon.Add(day)), endsAt("K0", noon)),
		rule: ruleWait, want: Action{Verb: Wait, Until: noon.Add(day)},
	},
	{
		name: "Replace does not renew a key on its way out",
		in:   quiet(replaces, renews, being(keyservice.Deleting, "K1")),
		rule: ruleReplace, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "where there is no room beside a key on its way out, its end is waited for",
		in:   quiet(oneSlot, renews, being(keyservice.Deleting, "K1")),
		rule: ruleReplace, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRevoking, Until: noon.Add(5 * time.Second)}, says: "finish deleting key K1",
	},
	{
		name: "a key that failed can't be renewed, so it is revoked",
		in:   quiet(replaces, renews, being(keyservice.Failed, "K1")),
		rule: ruleReplace, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRestoring, KeyID: "K1"},
	},
	{
		name: "Replace does not revoke a key where there would be no room for another one after it",
		in:   quiet(asksFor("today"), replaces, keys("K1", "F1", "F2")),
		rule: ruleRenewNow, want: Action{Verb: Block, Reason: v1alpha1.ReasonQuotaExceeded}, says: "(K1, F1, F2)",
	},
	{
		name: "Replace renews in place whether there is room or not",
		in:   quiet(asksFor("today"), replaces, renews, keys("K1", "F1", "F2")),
		rule: ruleRenewNow, want: Action{Verb: Regenerate, Reason: v1alpha1.ReasonRenewing, KeyID: "K1"},
	},
	{
		name: "Replace does not touch a key older than the AccessKey",
		in:   quiet(asksFor("today"), replaces, renews, keys(), key("K1", issued.Add(-time.Hour))),
		rule: ruleRenewNow, want: Action{Verb: Create, Reason: v1alpha1.ReasonRenewing},
	},
	{
		name: "Replace needs a grant, too",
		in:   quiet(asksFor("today"), replaces, renews, notGranted),
		rule: ruleRenewNow, want: Action{Verb: Block, Reason: v1alpha1.ReasonNotGranted}, says: "ask its owner for a grant",
	},
	{
		name: "Replace waits for its turn, too",
		in:   quiet(asksFor("today"), replaces, renews, busy),
		rule: ruleRenewNow, want: Action{Verb: Wait, Reason: v1alpha1.ReasonWaiting, Until: noon.Add(time.Second)}, says: "another AccessKey of the same user",
	},
	{
		name: "Overlap makes a second key",
		in:   quiet(at(renewal), renews, strategy(v1alpha1.StrategyOverlap)),
		rule: ruleRotate, want: Action{Verb: Create, Reason: v1alpha1.ReasonRotating},
	},
	{
		name: "Overlap is not possible where the service holds one key, which is said before the first is made",
		in:   unissued(oneSlot, renews, strategy(v1alpha1.StrategyOverlap)),
		rule: ruleIssue, want: Action{Verb: Block, Reason: v1alpha1.ReasonOverlapUnsupported}, says: "holds 1 key per user; set it to Auto or Replace",
	},
	{
		name: "Overlap that became impossible still waits for the next revocation",
		in:   quiet(asksFor("today"), oneSlot, strategy(v1alpha1.StrategyOverlap), keys("K0", "K1"), previous("K0", noon.Add(day))),
		rule: ruleRenewNow, want: Action{Verb: Block, Reason: v1alpha1.ReasonOverlapUnsupported, Until: noon.Add(day)}, says: "set it to Auto or Replace",
	},
	{
		name: "Overlap is not denied by a service of which nothing is known yet",
		in:   unissued(quota(0), strategy(v1alpha1.StrategyOverlap), func(in *Input) { in.Service.Overlap = false }),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "a key that was disabled at the service is replaced",
		in:   quiet(being(keyservice.Disabled, "K1")),
		rule: ruleReplace, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "a disabled key makes room for its replacement",
		in:   quiet(keys("K1", "F1"), being(keyservice.Disabled, "K1")),
		rule: ruleReplace, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K1"},
	},
	{
		name: "a published key that the service has not activated yet is waited for",
		in:   quiet(being(keyservice.Pending, "K1")),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
}
