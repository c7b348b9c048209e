// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// compromiseCases are about spec.compromisedKeyIDs.
var compromiseCases = []decision{
	{"a compromised key is replaced at once", quiet(names("K1")), byCompromised(Create)},
	{"also if its access key ID is named", quiet(names("AKIAK1")), byCompromised(Create)},
	{"also if an earlier pair in the same key was revoked for another reason", quiet(names("K1"), revoked("K1", v1alpha1.RevokedInPlace)), byCompromised(Create)},
	{"an ID counts once, whichever key gets it again", quiet(names("K1"), revoked("K1", v1alpha1.RevokedCompromised)), rests(renewal)},
	{"an open operation is settled first", quiet(names("K1"), intends(2, time.Minute, "K1")), settlesAt(noon.Add(time.Minute))},
	{"a failure before the spec changed does not hold it back", quiet(names("K1"), failed, edited), byCompromised(Create)},
	{"a failure since then does, as with any request", quiet(names("K1"), failed, sameGeneration), waiting(ruleBackOff, v1alpha1.ReasonRetrying, noon.Add(time.Minute), "")},
	{"another writer of the Secret does not hold it back", quiet(names("K1"), editedBy(flux), repaired(3, time.Second)), byCompromised(Create)},
	{"a previous key makes room for it", quiet(names("K1"), keys("K0", "K1"), overlapping("K0")), makesRoom(ruleCompromised, "K0")},
	{"also if the Secret was changed", quiet(names("K1"), editedBy(flux), keys("K0", "K1"), overlapping("K0")), makesRoom(ruleCompromised, "K0")},
	{"a foreign key makes no room, and a person has to decide", quiet(names("K1"), keys("K1", "F1")), stalled(ruleCompromised, v1alpha1.ReasonQuotaExceeded,
		"access key AKIAK1 is compromised, and works until its replacement is published; to replace it in place, without an overlap, set rotation.strategy to Replace; to revoke it without a replacement, delete this AccessKey")},
	{"with Replace it is revoked for its replacement", quiet(names("K1"), replaces, keys("K1", "F1")), byCompromised(Revoke, "K1")},
	{"or regenerated", quiet(names("K1"), oneSlot, regenerates), byCompromised(Regenerate, "K1")},
	{"without a grant a person has to decide", quiet(names("K1"), notGranted), stalled(ruleCompromised, v1alpha1.ReasonNotGranted, "to revoke it without a replacement, delete this AccessKey")},
	{"beside a foreign Secret a person has to decide", quiet(names("K1"), secret(SecretForeign)), stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "access key AKIAK1 is compromised")},
	{"a service that refuses the credentials leaves it", quiet(cached, names("K1"), refusing), stalled(ruleCompromised, v1alpha1.ReasonUnauthorized, "access key AKIAK1 is compromised")},
	{"a suspended AccessKey gets no new pair", quiet(names("K1"), suspending), stalled(ruleSuspended, v1alpha1.ReasonCompromisedKeyInUse,
		"spec.suspend is set, so no new pair is issued; unset it to replace the key; access key AKIAK1 is compromised")},
	{"a deleted AccessKey revokes it as any other key", quiet(names("K1"), deleting), byRevokeAll(Revoke, "K1")},
	{"a key that is gone is replaced whatever is named", quiet(names("K1"), keys()), byCompromised(Create)},
	{"without a key nothing is replaced", unissued(names("K1")), byIssue(Create)},

	{"a compromised previous key is revoked at once", quiet(names("K0"), keys("K0", "K1"), overlapping("K0")), byRevokePrevious(Revoke, "K0")},
	{"also while the AccessKey is suspended", quiet(names("K0"), suspending, keys("K0", "K1"), overlapping("K0")), makesRoom(ruleSuspended, "K0")},
	{"also beside a foreign Secret", quiet(names("AKIAK0"), secret(SecretForeign), keys("K0", "K1"), overlapping("K0")), byRevokePrevious(Revoke, "K0")},
	{"before the current one is replaced", quiet(names("K0", "K1"), unlimited, keys("K0", "K1"), overlapping("K0")), byRevokePrevious(Revoke, "K0")},
	{"not while the Secret holds its pair", quiet(names("K0"), unlimited, keys("K0", "K1"), overlapping("K0"), holdsPrevious("K0")), byRestore(Create)},
	{"and forgotten if it is gone", quiet(names("K0"), overlapping("K0")), byRevokePrevious(Forget, "K0")},
	{"but not a pair that was put in its place", quiet(names("K0"), keys("K0", "K1"), overlapping("K0"), pairAt("K0", "AKIAX")), byRevokePrevious(Forget, "K0")},
	{"without a quarantine", quiet(names("K0"), disables, quarantines(3*day), keys("K0", "K1"), previous("K0", noon)), byRevokePrevious(Revoke, "K0")},
	{"also in its quarantine", quiet(names("K0"), keys("K0", "K1"), inQuarantine("K0", noon.Add(day))), byRevokePrevious(Revoke, "K0")},
	{"and not enabled again", quiet(names("K0"), keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), asksToEnable("K0")), byRevokePrevious(Revoke, "K0")},
	{"nor for longer if it was", quiet(names("K0"), keys("K0", "K1"), enabledAgain("K0", noon.Add(day))), byRevokePrevious(Revoke, "K0")},
	{"its deletion is awaited", quiet(names("K0"), keys("K0", "K1"), overlapping("K0"), being(keyservice.Deleting, "K0")), awaits(ruleRevokePrevious, "K0")},

	{"a key that the AccessKey does not have is not touched, but reported", quiet(names("F1", "K9"), unlimited, keys("K0", "K1", "F1"), overlapping("K0")),
		stalled(ruleReportUnknown, v1alpha1.ReasonCompromisedKeyUnknown, "nothing was revoked for them: F1, K9;", noon.Add(day))},
	{"also while the AccessKey is suspended", quiet(names("F1"), suspending, keys("K1", "F1")), stalled(ruleSuspended, v1alpha1.ReasonCompromisedKeyUnknown, "F1")},
	{"a key in the history is known", quiet(names("K9", "AKIAK9"), revoked("K9", v1alpha1.RevokedGone)), rests(renewal)},
	{"it keeps nothing from being rotated", quiet(names("F1"), at(renewal)), byRotate(Create)},
}

// renamingCases are about a spec.secretName that changed.
var renamingCases = []decision{
	{"a new secretName gets a new pair, and the former Secret keeps the old one", quiet(wants("new"), secret(SecretAbsent), former(SecretIntact)), byRename(Create)},
	{"where pairs are replaced in place the pair moves", quiet(wants("new"), secret(SecretAbsent), former(SecretIntact), oneSlot, regenerates), byRename(Move)},
	{"and where the quota is full", quiet(wants("new"), secret(SecretAbsent), former(SecretIntact), keys("K1", "F1")), byRename(Move)},
	{"so that no previous key makes room", quiet(wants("new"), secret(SecretAbsent), former(SecretIntact), keys("K0", "K1"), overlapping("K0")), byRename(Move)},
	{"it moves on after a crash", quiet(wants("new"), former(SecretAbsent), replaces, func(in *Input) { in.Secret.Copy = true }), byRename(Move)},
	{"but not into a Secret that cannot be rendered", quiet(wants("new"), secret(SecretAbsent), former(SecretIntact), replaces, func(in *Input) { in.TemplateProblem = "line 3" }),
		stalled(ruleRename, v1alpha1.ReasonInvalidTemplate, "line 3")},
	{"a pair that was lost does not move", quiet(wants("new"), secret(SecretAbsent), former(SecretEdited), oneSlot, regenerates), byRename(Regenerate, "K1")},
	{"or one that no longer works", quiet(wants("new"), secret(SecretAbsent), former(SecretIntact), oneSlot, endsAt("K1", noon)), byRename(Revoke, "K1")},
	{"a compromised one is replaced", quiet(names("K1"), wants("new"), secret(SecretAbsent), former(SecretIntact), oneSlot, regenerates), byCompromised(Regenerate, "K1")},
	{"a foreign Secret has to go first", quiet(wants("new"), secret(SecretForeign), former(SecretIntact), oneSlot), stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "Secret new exists")},
	{"a pair that moved has no reason to be rotated", quiet(oneSlot), rests(renewal)},
}
