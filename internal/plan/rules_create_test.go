// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// publishingCases are about when a pair is issued or rotated.
var publishingCases = []decision{
	{"the first pair is issued", unissued(), byIssue(Create)},
	{"a key that the service lost is rotated", quiet(keys("F1")), byReplace(Create)},
	{"a user that the service no longer knows is asked for live", quiet(cached, userGone), answer{ruleAskForUser, do(ReadLive, v1alpha1.ReasonRestoring)}},
	{"a requested rotation happens", quiet(asksFor("today")), byRenewNow(Create)},
	{"another token requests another rotation", quiet(asksFor("today"), handled("yesterday")), byRenewNow(Create)},
	{"a rotation happens once per token", quiet(asksFor("today"), handled("today")), rests(renewal)},
	{"removing the token requests nothing", quiet(handled("today")), rests(renewal)},
	{"a pair is rotated at renewalTime", quiet(at(renewal)), byRotate(Create)},
	{"a pair is rotated before the service ends it, although the ttl was increased", quiet(lives(60*day), endsAt("K1", issued.Add(ttl)), at(renewal)), byRotate(Create)},
	{"a copy of the published Secret under the wanted name is not what was published", quiet(wants("copy")), byRename(Create)},
	{"a pair is not rotated a second early", quiet(at(renewal.Add(-time.Second))), rests(renewal)},
	{"a pair without a ttl is never rotated", quiet(endless, at(noon.Add(3650*day))), rests(time.Time{})},
}

// secretCases are about the state of the wanted Secret.
var secretCases = []decision{
	{"a Secret of which only the metadata is known is read live", quiet(cached, secret(SecretUnverified)), answer{ruleVerifySecret, do(ReadLive, v1alpha1.ReasonRestoring)}},
	{"a previous key is revoked on time before that", quiet(cached, secret(SecretUnverified), keys("K0", "K1"), previous("K0", noon)), byRevokePrevious(ReadLive)},
	{"a foreign Secret is not overwritten, and no key is created for it", unissued(secret(SecretForeign), cached),
		stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "Secret backup exists and is not controlled by this AccessKey")},
	{"a Secret of another AccessKey is not to be deleted", unissued(secret(SecretForeign), ownedBy("AccessKey restore")),
		stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "Secret backup is controlled by AccessKey restore; choose another secretName")},
	{"beside a foreign Secret the next revocation is still scheduled", quiet(secret(SecretForeign), wants("other"), overlapping("K0")),
		stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "Secret other exists", noon.Add(day))},
	{"a Secret that lost its owner is taken over with its pair", quiet(abandoned), byUpdateSecret(UpdateSecret)},
	{"a Secret that lost its owner and its pair is taken over with a new pair",
		quiet(secret(SecretEdited), recordSays(func(r *Record) { *r = recordFor("K1", 1) }), abandoned), byRestore(Create)},
	{"a Secret that lost its owner and carries the record of another AccessKey is foreign", quiet(abandoned, recordSays(func(r *Record) { r.Name = "other" })),
		stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "Secret backup exists")},
	{"a lost Secret gets a new pair", quiet(secret(SecretAbsent)), byRestore(Create)},
	{"an edited Secret gets a new pair", quiet(secret(SecretEdited)), byRestore(Create)},
	{"a Secret with a previous pair gets a new one", quiet(holdsPrevious("K0")), byRestore(Create)},
	{"a Secret with another pair of the current key gets a new one", quiet(recordSays(func(r *Record) { r.AccessKeyID = "AKIAX" })), byRestore(Create)},
	{"a Secret that is out of date is updated around its pair", quiet(outOfDate), byUpdateSecret(UpdateSecret)},
}

// creatingCases are about the conditions for creating a key.
var creatingCases = []decision{
	{"a KeyService that is applied together with the AccessKey may come after it", unissued(lacking("KeyService qumulo"), createdAgo(togetherDelay-time.Second), cached),
		waiting(ruleIssue, v1alpha1.ReasonWaiting, noon.Add(time.Second), "for missing objects, which may be about to be applied: KeyService qumulo does not exist")},
	{"and is asked for live when it should be there", unissued(lacking("KeyService qumulo"), createdAgo(togetherDelay), cached), byIssue(ReadLive)},
	{"a pair at rest does not wait for it", quiet(lacking("KeyService qumulo"), createdAgo(0)), rests(renewal)},
	{"no key is created without a grant", unissued(notGranted, cached),
		stalled(ruleIssue, v1alpha1.ReasonNotGranted, `qumulo does not grant keys of user "local:backup" to namespace team-a`)},
	{"without a grant the next revocation is still scheduled", quiet(notGranted, keys("K0", "K1"), overlapping("K0"), asksFor("today")),
		stalled(ruleRenewNow, v1alpha1.ReasonNotGranted, "ask its owner for a grant", noon.Add(day))},
	{"a previous key that is published again is not scheduled for revocation", quiet(notGranted, keys("K0", "K1"), previous("K0", noon), holdsPrevious("K0")),
		stalled(ruleRestore, v1alpha1.ReasonNotGranted, "ask its owner for a grant")},
	{"a pair at rest needs no grant, but a missing one is reported before the pair ends",
		quiet(notGranted), stalled(ruleReportDenial, v1alpha1.ReasonNotGranted, "access key AKIAK1 was issued under a former grant; it keeps working but is not rotated", renewal)},
	{"no key is created for a user that the KeyService does not allow", unissued(forbidden, cached),
		stalled(ruleIssue, v1alpha1.ReasonUserNotAllowed, `allowedUsers of KeyService qumulo does not cover user "local:backup"; create an AccessKey for another user, or ask the owner of the KeyService`)},
	{"no key is created with a ttl that is longer than what is granted", unissued(cluster, grantedFor(ttl-time.Second), cached),
		stalled(ruleIssue, v1alpha1.ReasonTTLNotGranted, "with a ttl of at most 719h59m59s, and this AccessKey has 720h; set ttl to 719h59m59s or less")},
	{"no key is created without a ttl if a grant bounds it", unissued(cluster, grantedFor(90*day), endless, cached),
		stalled(ruleIssue, v1alpha1.ReasonTTLNotGranted, "with a ttl of at most 2160h, and this AccessKey has none")},
	{"a key is created with the longest ttl that is granted", unissued(cluster, grantedFor(ttl)), byIssue(Create)},
	{"a user that is not allowed is reported before what is granted", unissued(cluster, forbidden, notGranted, grantedFor(day)),
		stalled(ruleIssue, v1alpha1.ReasonUserNotAllowed, "allowedUsers")},
	{"a key stays although the ttl that is granted was shortened, but it is not rotated", quiet(cluster, grantedFor(day), at(renewal)),
		stalled(ruleRotate, v1alpha1.ReasonTTLNotGranted, "set ttl to 24h or less (access key AKIAK1 was issued before that; it keeps working but is not rotated)")},
	{"a key whose user is no longer allowed is reported before it ends", quiet(forbidden),
		stalled(ruleReportDenial, v1alpha1.ReasonUserNotAllowed, "access key AKIAK1 was issued before that; it keeps working but is not rotated", renewal)},
	{"a Secret is kept up to date without a grant", quiet(notGranted, outOfDate), byUpdateSecret(UpdateSecret)},
	{"no key is created if its pair could not wait for its activation", unissued(activatesLater, next(SecretForeign)),
		stalled(ruleIssue, v1alpha1.ReasonSecretConflict, "Secret backup-next, in which a new pair waits")},
	{"no key is regenerated if its pair could not wait for its activation",
		quiet(at(renewal), activatesLater, regenerates, replaces, next(SecretForeign)), stalled(ruleRotate, v1alpha1.ReasonSecretConflict, "backup-next")},
	{"an abandoned Secret of another AccessKey with the name of the next one is not overwritten", unissued(activatesLater, stages("K9", 1, day), nextOf("another")),
		stalled(ruleIssue, v1alpha1.ReasonSecretConflict, "Secret backup-next")},
	{"where pairs work at once, the next Secret does not matter", unissued(next(SecretForeign)), byIssue(Create)},
	{"no key is created at a KeyService that is being deleted", unissued(serviceDeleting),
		stalled(ruleIssue, v1alpha1.ReasonKeyServiceDeleting, "KeyService qumulo is being deleted")},
	{"the finalizer is added before the first live read", unissued(noFinalizer, cached), byIssue(AddFinalizer)},
	{"another finalizer does not count", unissued(noFinalizer, othersFinalizer), byIssue(AddFinalizer)},
	{"a KeyService without the in-use finalizer is awaited", unissued(notInUse),
		waiting(ruleIssue, v1alpha1.ReasonWaiting, noon.Add(10*time.Second), "the in-use finalizer of KeyService qumulo and its Secrets")},
	{"a finalizer that the API server does not accept is reported with its words", unissued(notInUse, inUseProblem),
		waiting(ruleIssue, v1alpha1.ReasonWaiting, noon.Add(10*time.Second), "the in-use finalizer of KeyService qumulo and its Secrets: the webhook is away")},
	{"it is awaited before the AccessKey has its own finalizer, which only an operator with its permissions can remove", unissued(noFinalizer, notInUse),
		waiting(ruleIssue, v1alpha1.ReasonWaiting, noon.Add(10*time.Second), "the in-use finalizer of KeyService qumulo and its Secrets")},
	{"there is one operation at a time per user", unissued(busy), waiting(ruleIssue, v1alpha1.ReasonWaiting, noon.Add(time.Second), "another AccessKey of the same user")},
	{"the other AccessKey is named", unissued(busy, busyWith("team-b/restore", 9*time.Minute)),
		waiting(ruleIssue, v1alpha1.ReasonWaiting, noon.Add(time.Second), "another AccessKey of the same user (team-b/restore)")},
	{"and after ten minutes, a person should look at it", unissued(busy, busyWith("team-b/restore", 10*time.Minute)),
		stalled(ruleIssue, v1alpha1.ReasonUserBusy, "(team-b/restore) has had an open operation since 2026-03-01T12:50:00Z", noon.Add(30*time.Second))},
	{"an operation of another AccessKey delays no revocation", quiet(busy, keys("K0", "K1"), previous("K0", noon)), byRevokePrevious(Revoke, "K0")},
}

// quotaCases are about the room for a new key.
var quotaCases = []decision{
	{"without a quota there is always room", quiet(asksFor("today"), unlimited, keys("K1", "F1", "F2", "F3")), byRenewNow(Create)},
	{"the oldest previous key makes room first",
		quiet(asksFor("today"), quota(3), keys("K8", "K9", "K1"), previous("K8", noon.Add(day)), previousFrom("K9", issued.Add(-20*day))), makesRoom(ruleRenewNow, "K9")},
	{"the oldest previous key makes room wherever it is recorded",
		quiet(asksFor("today"), quota(3), keys("K9", "K8", "K1"), previousFrom("K9", issued.Add(-20*day)), previous("K8", noon.Add(day))), makesRoom(ruleRenewNow, "K9")},
	{"a current key that no Secret holds makes room", quiet(secret(SecretAbsent), keys("K1", "F1")), makesRoom(ruleRestore, "K1")},
	{"a previous key makes room before the current one", quiet(secret(SecretAbsent), keys("K1", "K0"), overlapping("K0")), makesRoom(ruleRestore, "K0")},
	{"a key that has just made room does not count, although a list may still have it",
		quiet(secret(SecretAbsent), keys("K1", "K0"), listsAfter(time.Minute), revokedAgo("K0", 59*time.Second)), byRestore(Create)},
	{"and counts if it is there after the list lag", quiet(secret(SecretAbsent), keys("K1", "K0"), listsAfter(time.Minute), revokedAgo("K0", time.Minute)), makesRoom(ruleRestore, "K1")},
	{"a current key that somebody disabled makes room before a previous key that works", quiet(keys("K1", "K0"), being(keyservice.Disabled, "K1"), overlapping("K0")), makesRoom(ruleReplace, "K1")},
	{"but not before one that does not work either", quiet(keys("K1", "K0"), being(keyservice.Disabled, "K1"), being(keyservice.Disabled, "K0"), overlapping("K0")), makesRoom(ruleReplace, "K0")},
	{"a previous key that does not work makes room before an older one that works",
		quiet(asksFor("today"), quota(3), keys("K8", "K9", "K1"), being(keyservice.Disabled, "K8"), overlapping("K8"), previousFrom("K9", issued.Add(-20*day))), makesRoom(ruleRenewNow, "K8")},
	{"a previous key that is published again makes no room, and neither does the current one", quiet(keys("K0", "K1"), overlapping("K0"), holdsPrevious("K0")),
		stalled(ruleRestore, v1alpha1.ReasonQuotaExceeded, "key K1 is not revoked for the repair")},
	{"the published key is never revoked to make room", quiet(at(renewal), keys("K1", "F1")),
		stalled(ruleRotate, v1alpha1.ReasonQuotaExceeded, "has 2 keys of at most 2 (K1 of this AccessKey, F1)")},
	{"the current key is not revoked while only a Secret with a former name holds it", quiet(secret(SecretAbsent), wants("new"), keys("K1", "F1")),
		stalled(ruleRename, v1alpha1.ReasonQuotaExceeded, "(K1 of this AccessKey, F1)")},
	{"the current key in a Secret with a former name is revoked when the wanted Secret holds another one",
		quiet(wants("new"), holdsPrevious("K0"), keys("K1", "K0"), overlapping("K0")), makesRoom(ruleRename, "K1")},
	{"a previous key that no longer works makes room before the current one in a Secret with a former name",
		quiet(wants("new"), holdsPrevious("K0"), keys("K1", "K0"), overlapping("K0"), being(keyservice.Disabled, "K0")), makesRoom(ruleRename, "K0")},
	{"the current key in a Secret with a former name is kept when the wanted Secret holds a key that no longer exists",
		quiet(wants("new"), holdsPrevious("K0"), overlapping("K0"), keys("K1", "F1")), stalled(ruleRename, v1alpha1.ReasonQuotaExceeded, "(K1 of this AccessKey, F1)")},
	{"the current key in a Secret with a former name is kept when the wanted Secret is stale", quiet(regenerates, wants("new"), publishedAgo(day), keys("K1", "F1")),
		stalled(ruleRename, v1alpha1.ReasonQuotaExceeded, "(K1 of this AccessKey, F1)")},
	{"a key of another AccessKey makes no room", quiet(at(renewal), key("B1", issued), claimed("B1")),
		stalled(ruleRotate, v1alpha1.ReasonQuotaExceeded, "(K1 of this AccessKey, B1 of another AccessKey), so there is no room for a new one; give each AccessKey a user of its own")},
	{"a previous key that was replaced externally makes no room", quiet(asksFor("today"), keys("K1", "K0"), overlapping("K0"), pairAt("K0", "AKIAX")),
		stalled(ruleRenewNow, v1alpha1.ReasonQuotaExceeded, "(K1 of this AccessKey, K0), so there is no room for a new one; delete a key that is no longer used at the service", noon.Add(day))},
	{"a status that can record no more previous keys makes room for one",
		quiet(asksFor("today"), unlimited, keys("K1", "P0", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P12", "P13", "P14"), manyPrevious(15)), makesRoom(ruleRenewNow, "P0")},
	{"first by forgetting one that the service no longer has", quiet(asksFor("today"), unlimited, keys("K1", "P0"), manyPrevious(15)), answer{ruleRenewNow, do(Forget, v1alpha1.ReasonRenewing, "P1")}},
	{"a status with fewer previous keys does not", quiet(asksFor("today"), unlimited, manyPrevious(14)), byRenewNow(Create)},
	{"a user with more keys than the quota has no room either", unissued(keys("F1", "F2", "F3")),
		stalled(ruleIssue, v1alpha1.ReasonQuotaExceeded, "has 3 keys of at most 2 (F1, F2, F3)")},
	{"where a user can have one key, a foreign key is not replaced", unissued(oneSlot, keys("F1")),
		stalled(ruleIssue, v1alpha1.ReasonUserExists, "that this AccessKey did not create")},
}

// replacingCases are about the strategy of a rotation.
var replacingCases = []decision{
	{"Auto creates a second key where the service holds two, although it could regenerate", quiet(at(renewal), regenerates), byRotate(Create)},
	{"Auto regenerates where the service holds one key", quiet(at(renewal), oneSlot, regenerates), byRotate(Regenerate, "K1")},
	{"Auto revokes and then creates where the service holds one key and cannot regenerate it", quiet(at(renewal), oneSlot), byRotate(Revoke, "K1")},
	{"Replace regenerates although the service holds two keys", quiet(asksFor("today"), replaces, regenerates), byRenewNow(Regenerate, "K1")},
	{"Replace creates a new key when the current one no longer exists", quiet(replaces, regenerates, keys("F1")), byReplace(Create)},
	{"Replace regenerates for a lost Secret", quiet(replaces, regenerates, secret(SecretAbsent)), byRestore(Regenerate, "K1")},
	{"a stale pair that a person restored is rotated", quiet(replaces, regenerates, publishedAgo(10*day)), byRestore(Regenerate, "K1")},
	{"a pair of the current key from an earlier time is stale at every service", quiet(publishedAgo(10 * day)), byRestore(Create)},
	{"Replace regenerates a key whose pair has expired at the service", quiet(replaces, regenerates, endsAt("K1", noon)), byReplace(Regenerate, "K1")},
	{"a previous key whose pair has expired at the service is revoked on time", quiet(keys("K0", "K1"), overlapping("K0"), endsAt("K0", noon)), rests(noon.Add(day))},
	{"Replace does not regenerate a key that is being deleted", quiet(replaces, regenerates, being(keyservice.Deleting, "K1")), byReplace(Create)},
	{"without room beside a key that is being deleted, its end is awaited", quiet(oneSlot, regenerates, being(keyservice.Deleting, "K1")), awaits(ruleReplace, "K1")},
	{"a key that failed cannot be regenerated, so it is revoked", quiet(replaces, regenerates, being(keyservice.Failed, "K1")), byReplace(Revoke, "K1")},
	{"Replace does not revoke a key where there would be no room for another one after it", quiet(asksFor("today"), replaces, keys("K1", "F1", "F2")),
		stalled(ruleRenewNow, v1alpha1.ReasonQuotaExceeded, "(K1 of this AccessKey, F1, F2)")},
	{"Replace regenerates whether there is room or not", quiet(asksFor("today"), replaces, regenerates, keys("K1", "F1", "F2")), byRenewNow(Regenerate, "K1")},
	{"Replace does not touch a key that was replaced externally", quiet(replaces, regenerates, pairAt("K1", "AKIAX")), byReplace(Create)},
	{"Replace needs a grant", quiet(asksFor("today"), replaces, regenerates, notGranted), stalled(ruleRenewNow, v1alpha1.ReasonNotGranted, "ask its owner for a grant")},
	{"Overlap creates a second key", quiet(at(renewal), regenerates, overlaps), byRotate(Create)},
	{"Overlap at a service that holds one key is reported before the first is created", unissued(oneSlot, regenerates, overlaps),
		stalled(ruleIssue, v1alpha1.ReasonOverlapUnsupported, "holds 1 key per user; set it to Auto or Replace")},
	{"Overlap that became impossible still waits for the next revocation",
		quiet(asksFor("today"), oneSlot, overlaps, keys("K0", "K1"), overlapping("K0")),
		stalled(ruleRenewNow, v1alpha1.ReasonOverlapUnsupported, "set it to Auto or Replace", noon.Add(day))},
	{"Overlap is not refused while nothing is known about the service", unissued(quota(0), overlaps, func(in *Input) { in.Service.Overlap = false }), byIssue(Create)},
	{"a current key that was disabled at the service is rotated", quiet(being(keyservice.Disabled, "K1")), byReplace(Create)},
	{"a disabled key makes room for its replacement", quiet(keys("K1", "F1"), being(keyservice.Disabled, "K1")), makesRoom(ruleReplace, "K1")},
	{"a published key that the service has not activated yet is left alone", quiet(being(keyservice.Pending, "K1")), rests(renewal)},
}

func TestRenewalToken(t *testing.T) {
	for _, c := range []struct{ name, token, want string }{
		{"none", "", ""},
		{"as it is", "2026-03-01", "2026-03-01"},
		{"cut to the length that status can hold", strings.Repeat("x", 1025), strings.Repeat("x", 1024)},
		{"cut at a whole character", strings.Repeat("日", 400), strings.Repeat("日", 341)},
	} {
		if got := quiet(asksFor(c.token)).RenewalToken(); got != c.want || !utf8.ValidString(got) {
			t.Errorf("%s: RenewalToken = %q, want %q", c.name, got, c.want)
		}
	}
}
