// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// chosenCases are about open intents on a key whose ID is known: the operator chose it, or regenerates the key.
var chosenCases = []decision{
	{"a published pair of the chosen key is recorded at once",
		quiet(regenerates, intendsFor("K2", time.Second), key("K2", noon), holds("K2", 2), publishedAgo(time.Second)), bySettle(RecordPublished)},
	{"a published pair of a regenerated key is recorded although the key was known before",
		quiet(regenerates, intendsFor("K1", time.Second), holds("K1", 2), publishedAgo(time.Second)), bySettle(RecordPublished)},
	{"a published pair of the same revision from an earlier request is the result if the service still has it",
		quiet(regenerates, lost("K1"), holds("K1", 2), publishedAgo(3*time.Minute)), bySettle(RecordPublished)},
	{"and is not if the list does not show that", quiet(regenerates, keepsAccessKeyID, lost("K1"), holds("K1", 2), publishedAgo(3*time.Minute)), bySettle(Regenerate, "K1")},
	{"a published pair of another key is not the result of the intent",
		quiet(regenerates, lost("K2"), key("K2", noon), key("K3", noon), holds("K3", 2), publishedAgo(2*time.Minute)), bySettle(Regenerate, "K2")},
	{"a chosen key with the mark of this AccessKey is its own although another one records an earlier key with the same ID",
		unissued(regenerates, lost("K2"), key("K2", noon), claimed("K2"), marked("K2", uid)), bySettle(Regenerate, "K2")},
	{"a chosen key is not regenerated for two minutes, because a request that is carried out late would end the new pair",
		quiet(regenerates, intendsFor("K2", 119*time.Second), key("K2", noon)), settlesAt(noon.Add(time.Second))},
	{"a chosen key whose response was lost is regenerated", quiet(regenerates, lost("K2"), key("K2", noon)), bySettle(Regenerate, "K2")},
	{"a chosen key that is not active yet is regenerated, too", quiet(regenerates, lost("K2"), key("K2", noon), being(keyservice.Pending, "K2")), bySettle(Regenerate, "K2")},
	{"a recorded key is regenerated again if the response was lost", quiet(regenerates, replaces, lost("K1")), bySettle(Regenerate, "K1")},
	{"a pair that was published late, before its key was regenerated in vain, is recorded when no request is under way any more",
		quiet(regenerates, lost("K2"), key("K2", noon), holds("K2", 2)), bySettle(RecordPublished)},
	{"and not before", quiet(regenerates, intendsFor("K2", time.Minute), key("K2", noon), holds("K2", 2)), settlesAt(noon.Add(time.Minute))},
	{"unless the key was regenerated", quiet(regenerates, lost("K2"), key("K2", noon), pairAt("K2", "AKIAX"), holds("K2", 2)), bySettle(Regenerate, "K2")},
	{"a pair of another revision is not the operation's", quiet(regenerates, lost("K2"), key("K2", noon), holds("K2", 1)), bySettle(Regenerate, "K2")},
	{"a chosen key that was never created leaves nothing to settle", quiet(regenerates, lost("K2")), bySettle(ClearIntent)},
	{"a key of another AccessKey is never regenerated", quiet(regenerates, lost("B1"), key("B1", noon), claimed("B1")), bySettle(ClearIntent)},
	{"a foreign key that existed before the intent is never regenerated", quiet(regenerates, intends(2, 2*time.Minute, "F1"), key("F1", issued), choosing("F1")),
		bySettle(ClearIntent)},
	{"a key with the mark of another AccessKey is never regenerated", quiet(regenerates, lost("B1"), key("B1", noon), marked("B1", "other")), bySettle(ClearIntent)},
	{"a chosen key of a deleted AccessKey is deleted", quiet(regenerates, deleting, lost("K2"), key("K2", noon)), bySettle(DeleteOrphan, "K2")},
	{"a key whose regeneration was lost is revoked with its AccessKey, although it has the mark of a former one and another pair",
		quiet(regenerates, deleting, lost("K1"), pairAt("K1", "AKIAX"), marked("K1", formerUID)), answer{ruleSettle, do(Revoke, v1alpha1.ReasonDeleting, "K1")}},
	{"a chosen key that the service cannot regenerate is deleted", quiet(lost("K2"), key("K2", noon)), bySettle(DeleteOrphan, "K2")},
	{"a chosen key that failed at the service is deleted at once, with the reason",
		quiet(regenerates, intendsFor("K2", time.Second), key("K2", noon), being(keyservice.Failed, "K2"), says("K2", "no space")), failedToMake("K2", "no space")},
	{"a chosen key that failed without a reason is deleted", quiet(regenerates, lost("K2"), key("K2", noon), being(keyservice.Failed, "K2")),
		failedToMake("K2", "does not say why")},
	{"a foreign key that failed is left alone", quiet(regenerates, intends(2, time.Second, "F1"), key("F1", issued), choosing("F1"), being(keyservice.Failed, "F1")),
		settlesAt(noon.Add(119 * time.Second))},
	{"a recorded key that failed is left to its rotation", quiet(regenerates, lost("K1"), being(keyservice.Failed, "K1")), bySettle(ClearIntent)},
	{"a recorded key that the service can no longer regenerate is left as it is", quiet(lost("K1")), bySettle(ClearIntent)},
	{"a chosen key whose pair cannot be published is deleted", quiet(regenerates, lost("K2"), key("K2", noon), secret(SecretForeign)), bySettle(DeleteOrphan, "K2")},
	{"a chosen key is deleted if the Secret holds the record of another AccessKey",
		quiet(regenerates, lost("K2"), key("K2", noon), abandoned, recordSays(func(r *Record) { r.Name = "other" })), bySettle(DeleteOrphan, "K2")},
	{"a chosen key is regenerated for a Secret that the AccessKey may take over", quiet(regenerates, lost("K2"), key("K2", noon), abandoned), bySettle(Regenerate, "K2")},
	{"a recorded key is not regenerated while its pair cannot be published", quiet(regenerates, lost("K1"), secret(SecretForeign)),
		stalled(ruleSettle, v1alpha1.ReasonSecretConflict, "Secret backup exists")},
	{"a previous key is revoked on time while no pair can be published", quiet(regenerates, lost("K1"), secret(SecretForeign), key("K0", noon), previous("K0", noon)),
		makesRoom(ruleSettle, "K0")},
	{"the deletion of a chosen key is awaited", quiet(regenerates, lost("K2"), key("K2", noon), being(keyservice.Deleting, "K2")), awaits(ruleSettle, "K2")},
}

// waitingCases are about pairs that wait in the next Secret until the service has activated them.
var waitingCases = []decision{
	{"a waiting pair is promoted as soon as it is active", quiet(regenerates, intendsFor("K2", time.Second), key("K2", noon), stages("K2", 2, time.Second)),
		bySettle(Promote, "K2")},
	{"a pair that is not active yet waits", quiet(regenerates, intendsFor("K2", time.Hour), key("K2", noon), being(keyservice.Pending, "K2"), stages("K2", 2, time.Hour)),
		waiting(ruleSettle, v1alpha1.ReasonWaiting, noon.Add(5*time.Second), "activate key K2")},
	{"a previous key is revoked on time while a pair waits",
		quiet(regenerates, quota(3), intendsFor("K2", time.Hour), keys("K0", "K1"), previous("K0", noon), key("K2", noon), being(keyservice.Pending, "K2"), stages("K2", 2, time.Hour)),
		makesRoom(ruleSettle, "K0")},
	{"the key of a waiting pair is deleted if it failed, with the reason",
		quiet(regenerates, intendsFor("K2", time.Second), key("K2", noon), being(keyservice.Failed, "K2"), says("K2", "no space"), stages("K2", 2, time.Second)),
		failedToMake("K2", "no space")},
	{"a pair waits with what the service says about it",
		quiet(regenerates, intendsFor("K2", time.Hour), key("K2", noon), being(keyservice.Pending, "K2"), says("K2", "queued"), stages("K2", 2, time.Hour)),
		waiting(ruleSettle, v1alpha1.ReasonWaiting, noon.Add(5*time.Second), "activate key K2: queued")},
	{"the key of a waiting pair is deleted if it was disabled",
		quiet(regenerates, intendsFor("K2", time.Second), key("K2", noon), being(keyservice.Disabled, "K2"), stages("K2", 2, time.Second)), bySettle(DeleteOrphan, "K2")},
	{"the deletion of a waiting pair's key is awaited",
		quiet(regenerates, intendsFor("K2", time.Second), key("K2", noon), being(keyservice.Deleting, "K2"), stages("K2", 2, time.Second)), awaits(ruleSettle, "K2")},
	{"a waiting pair of a deleted AccessKey is not promoted", quiet(regenerates, deleting, intendsFor("K2", time.Second), key("K2", noon), stages("K2", 2, time.Second)),
		bySettle(DeleteOrphan, "K2")},
	{"a waiting pair is not promoted over the Secret of another AccessKey",
		unissued(regenerates, intendsFor("K2", time.Minute), key("K2", noon), stages("K2", 2, time.Minute), holds("K9", 9), abandoned, recordSays(func(r *Record) { r.Name = "other" })),
		stalled(ruleSettle, v1alpha1.ReasonSecretConflict, "Secret backup exists")},
	{"a waiting pair of an earlier request is not promoted", quiet(regenerates, lost("K2"), key("K2", noon), stages("K2", 2, 3*time.Minute)), bySettle(Regenerate, "K2")},
	{"a waiting pair that was edited is regenerated", quiet(regenerates, lost("K2"), key("K2", noon), next(SecretEdited)), bySettle(Regenerate, "K2")},
	{"a waiting pair in a Secret that the AccessKey does not control is not promoted",
		quiet(regenerates, lost("K2"), key("K2", noon), stages("K2", 2, 2*time.Minute), func(in *Input) { in.Next.Adoptable = true }), bySettle(Regenerate, "K2")},
	{"a pair waits where the service chooses the ID, too",
		quiet(intends(2, time.Minute, "K1"), key("K2", noon), stages("K2", 2, time.Minute), being(keyservice.Pending, "K2")),
		waiting(ruleSettle, v1alpha1.ReasonWaiting, noon.Add(5*time.Second), "activate key K2")},
	{"a published pair is recorded although a copy of it still waits",
		quiet(regenerates, intendsFor("K2", time.Second), key("K2", noon), holds("K2", 2), publishedAgo(time.Second), stages("K2", 2, time.Second)), bySettle(RecordPublished)},

	{"the next Secret is deleted when no operation is open", quiet(stages("K1", 1, time.Hour)), byDropNext(DropNext)},
	{"the next Secret is deleted even if it was edited", quiet(next(SecretEdited)), byDropNext(DropNext)},
	{"a Secret with the name of the next one is kept while a previous key works that was published in it", quiet(stages("K0", 1, day), previousIn("backup-next", "K0")),
		rests(noon.Add(day))},
	{"a foreign Secret with the name of the next one is kept", quiet(next(SecretForeign)), rests(renewal)},
	{"an abandoned Secret of another AccessKey with the name of the next one is kept", quiet(stages("K1", 1, day), nextOf("another")), rests(renewal)},
	{"an abandoned Secret with the name of the next one is taken over and deleted", quiet(stages("K1", 1, day), nextOf("backup")), byDropNext(DropNext)},
	{"a Secret with the name of the next one is read live before it is deleted", quiet(cached, next(SecretUnverified)), byDropNext(ReadLive)},
}

// failedToMake is the answer for a key that the service could not create.
func failedToMake(id, why string) answer {
	action := do(DeleteOrphan, v1alpha1.ReasonSettling, id)
	action.Detail = why
	return answer{ruleSettle, action}
}

// says sets what the service says about the state of a listed key.
func says(id, message string) change { return func(in *Input) { in.key(id).Message = message } }

// choosing sets the key of the open intent.
func choosing(id string) change { return func(in *Input) { in.AccessKey.Status.Intent.KeyID = id } }
