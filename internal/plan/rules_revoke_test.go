// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// revokingCases are about revoking keys, and about deleting the AccessKey.
var revokingCases = []decision{
	{"a deleted AccessKey without keys needs no live read, because its service may never have existed", unissued(deleting, cached), byRevokeAll(RemoveFinalizer)},
	{"a deleted AccessKey revokes its current key first", quiet(deleting, keys("K0", "K1"), overlapping("K0")), byRevokeAll(Revoke, "K1")},
	{"a deleted AccessKey revokes its previous keys early", quiet(deleting, keys("K0"), overlapping("K0")), byRevokeAll(Revoke, "K0")},
	{"a deleted AccessKey loses its finalizer when its keys no longer exist", quiet(deleting, keys("F1")), byRevokeAll(RemoveFinalizer)},
	{"where a user was made for the key, the user is deleted with an AccessKey whose key is gone", quiet(deleting, deletesUsers, keys()), byRevokeAll(Revoke, "K1")},
	{"but not what a person put in the key's place", quiet(deleting, deletesUsers, pairAt("K1", "AKIAX")), byRevokeAll(RemoveFinalizer)},
	{"at another service a deleted AccessKey revokes nothing", quiet(deleting, elsewhere), stalled(ruleOtherService, v1alpha1.ReasonIdentityChanged, "another cluster")},
	{"unless it has no keys", unissued(deleting, elsewhere), byRevokeAll(RemoveFinalizer)},
	{"or keeps them", quiet(deleting, retaining, elsewhere), answer{ruleRetain, do(Retain, v1alpha1.ReasonDeleting)}},
	{"at another service nothing is rotated", quiet(at(renewal), elsewhere, keys()), stalled(ruleOtherService, v1alpha1.ReasonIdentityChanged, "another cluster")},
	{"or settled", quiet(intends(2, time.Hour, "K1"), key("K2", issued), elsewhere), stalled(ruleOtherService, v1alpha1.ReasonIdentityChanged, "another cluster")},
	{"a deleted AccessKey whose keys are missing in the cached list needs a live read", quiet(deleting, keys(), cached),
		answer{ruleRevokeAll, do(ReadLive, v1alpha1.ReasonRevoking)}},
	{"a deleted AccessKey revokes its keys whatever the Secret is", quiet(deleting, secret(SecretForeign)), byRevokeAll(Revoke, "K1")},

	{"a previous key is revoked at revokeAt", quiet(keys("K0", "K1"), previous("K0", noon)), byRevokePrevious(Revoke, "K0")},
	{"a previous key is not revoked a second early", quiet(keys("K0", "K1"), previous("K0", noon.Add(time.Second))), rests(noon.Add(time.Second))},
	{"a later previous key is revoked although an earlier one in the list still has time", quiet(keys("K0", "K1"), previous("K9", noon.Add(day)), previous("K0", noon)),
		byRevokePrevious(Revoke, "K0")},
	{"a ttl that was shortened ends a previous key before its revokeAt", quiet(keys("K0", "K1"), lives(10*day), previous("K0", noon.Add(5*day))), byRevokePrevious(Revoke, "K0")},
	{"a ttl that was shortened to a later time does not revoke yet", quiet(keys("K0", "K1"), lives(11*day), previous("K0", noon.Add(5*day))), rests(issued.Add(day))},
	{"a previous key that is published again is not revoked, but replaced", quiet(keys("K0", "K1"), unlimited, previous("K0", noon), holdsPrevious("K0")), byRestore(Create)},
	{"a previous key that no longer exists is forgotten", quiet(previous("K0", noon)), byRevokePrevious(Forget, "K0")},
	{"a previous key is revoked at revokeAt even if the Secret is foreign", quiet(keys("K0", "K1"), previous("K0", noon), secret(SecretForeign)), byRevokePrevious(Revoke, "K0")},
}

// markedCases are about keys that carry the mark of an AccessKey.
var markedCases = []decision{
	{"a key with the mark of this AccessKey that nothing records is deleted", quiet(key("K2", noon), marked("K2", uid)), bySweep(DeleteOrphan, "K2")},
	{"a key with the mark of another AccessKey is left alone", quiet(key("B1", noon), marked("B1", "other")), rests(renewal)},
	{"a marked key that another AccessKey records is left alone", quiet(key("B1", noon), claimed("B1"), marked("B1", uid)), rests(renewal)},
	{"the recorded keys carry the mark and are kept", quiet(keys("K0", "K1"), overlapping("K0"), marked("K0", uid), marked("K1", uid)), rests(noon.Add(day))},
	{"the key of a published pair is kept although the status lost it", quiet(quota(3), keys("K1", "K2"), marked("K2", uid), holds("K2", 2)), byRestore(Create)},
	{"a deleted AccessKey deletes the key of a published pair, too, if the status lost it", quiet(deleting, keys("K1", "K2"), marked("K2", uid), holds("K2", 2)),
		bySweep(DeleteOrphan, "K2")},
	{"a marked key that is being deleted is not deleted again", quiet(key("K2", noon), marked("K2", uid), being(keyservice.Deleting, "K2")), rests(renewal)},
	{"marks in the cache cause no action", quiet(cached, key("K2", noon), marked("K2", uid)), rests(renewal)},
	{"a recorded key with the mark of the AccessKey from which it was adopted is revoked", quiet(deleting, marked("K1", formerUID)), byRevokeAll(Revoke, "K1")},
}

// deletionCases are about asynchronous deletions.
var deletionCases = []decision{
	{"a deleted AccessKey waits until its key no longer exists", quiet(deleting, being(keyservice.Deleting, "K1")), awaits(ruleRevokeAll, "K1")},
	{"a deleted AccessKey revokes its other keys meanwhile", quiet(deleting, keys("K1", "K0"), overlapping("K0"), being(keyservice.Deleting, "K1")), byRevokeAll(Revoke, "K0")},
	{"a deleted AccessKey revokes a key that failed", quiet(deleting, being(keyservice.Failed, "K1")), byRevokeAll(Revoke, "K1")},
	{"the deletion of a previous key is awaited", quiet(keys("K0", "K1"), previous("K0", noon), being(keyservice.Deleting, "K0")), awaits(ruleRevokePrevious, "K0")},
	{"the deletion of a previous key delays no other one", quiet(keys("K0", "K9", "K1"), previous("K0", noon), previous("K9", noon), being(keyservice.Deleting, "K0")),
		byRevokePrevious(Revoke, "K9")},
	{"a previous key that is deleted early needs no attention", quiet(keys("K0", "K1"), overlapping("K0"), being(keyservice.Deleting, "K0")), rests(noon.Add(day))},
	{"a previous key that makes room is not revoked a second time", quiet(asksFor("today"), keys("K0", "K1"), overlapping("K0"), being(keyservice.Deleting, "K0")),
		awaits(ruleRenewNow, "K0")},
	{"while any key is being deleted none is revoked to make room",
		quiet(asksFor("today"), quota(3), keys("K0", "K1", "F1"), overlapping("K0"), being(keyservice.Deleting, "F1")), awaits(ruleRenewNow, "F1")},
	{"where there is room no deletion is awaited", quiet(asksFor("today"), quota(3), keys("K1", "F1"), being(keyservice.Deleting, "F1")), byRenewNow(Create)},
}

// externalCases are about pairs that were replaced externally: another pair has the ID of a recorded key.
var externalCases = []decision{
	{"a current pair that was replaced externally is left alone, and a new one is issued", quiet(pairAt("K1", "AKIAX")), byReplace(Create)},
	{"a previous pair that was replaced externally is left alone and forgotten", quiet(keys("K0", "K1"), pairAt("K0", "AKIAX"), previous("K0", noon)),
		byRevokePrevious(Forget, "K0")},
	{"a deleted AccessKey leaves a pair alone that was replaced externally", quiet(deleting, pairAt("K1", "AKIAX")), byRevokeAll(RemoveFinalizer)},
	{"a key with the mark of this AccessKey is its own, whichever pair it has", quiet(keys("K0", "K1"), pairAt("K0", "AKIAX"), marked("K0", uid), previous("K0", noon)),
		byRevokePrevious(Revoke, "K0")},
	{"a pair that an open operation may have regenerated was not replaced externally", quiet(regenerates, pairAt("K1", "AKIAX"), regenerating("K1", 2*time.Minute)),
		bySettle(Regenerate, "K1")},
	{"a foreign pair under the ID of a deletion without a response is left alone", quiet(pairAt("K1", "AKIAX"), revokes("K1", 2*time.Minute)), bySettle(ClearIntent)},
}

// reuseCases are about services that reuse IDs, where a deletion without a response could hit the next key.
var reuseCases = []decision{
	{"a reused ID is left alone for two minutes after a deletion without a response", quiet(reusesIDs, revokes("K1", 119*time.Second), asksFor("today")),
		settlesAt(noon.Add(time.Second))},
	{"the finalizer is kept until a deletion without a response can no longer be carried out", quiet(reusesIDs, deleting, keys(), revokes("K1", time.Minute)),
		settlesAt(noon.Add(time.Minute))},
	{"a recorded key whose deletion got no response is left to the rules for it", quiet(reusesIDs, revokes("K1", 2*time.Minute)), bySettle(ClearIntent)},
	{"a deletion without a response that was carried out is settled", quiet(reusesIDs, keys("K1"), revokes("K0", 2*time.Minute)), bySettle(ClearIntent)},
	{"an orphan whose deletion got no response is deleted again", quiet(reusesIDs, keys("K1", "K2"), marked("K2", uid), revokes("K2", 2*time.Minute)),
		bySettle(DeleteOrphan, "K2")},
	{"a foreign key under the ID of a deletion without a response is left alone", quiet(reusesIDs, keys("K1", "K2"), revokes("K2", 2*time.Minute)), bySettle(ClearIntent)},
	{"a reused ID is not revoked while a request of another AccessKey of the user can be under way",
		quiet(reusesIDs, keys("K0", "K1"), previous("K0", noon), underWayUntil(noon.Add(time.Minute))),
		waiting(ruleRevokePrevious, v1alpha1.ReasonWaiting, noon.Add(time.Minute), "another AccessKey of the same user")},
	{"a reused ID is not regenerated while a request of another AccessKey of the user can be under way",
		quiet(reusesIDs, regenerates, lost("K1"), underWayUntil(noon.Add(time.Minute))),
		waiting(ruleSettle, v1alpha1.ReasonWaiting, noon.Add(time.Minute), "another AccessKey of the same user")},
	{"an operation of another AccessKey that stays open delays no revocation", quiet(reusesIDs, keys("K0", "K1"), previous("K0", noon), busy, underWayUntil(noon)),
		byRevokePrevious(Revoke, "K0")},
	{"where IDs are not reused, requests of others do not matter", quiet(keys("K0", "K1"), previous("K0", noon), underWayUntil(noon.Add(time.Minute))),
		byRevokePrevious(Revoke, "K0")},
}

func underWayUntil(until time.Time) change { return func(in *Input) { in.UserBusyUntil = until } }

func TestARevocationIsToldUnlessItWasAnnounced(t *testing.T) {
	end := noon.Add(-time.Minute)
	for _, c := range []struct {
		name string
		in   Input
		want bool
	}{
		{"a key at the end of its overlap", quiet(previous("K0", end), key("K0", issued)), true},
		{"not a key that is revoked early", quiet(previous("K0", noon.Add(time.Second)), key("K0", issued)), false},
		{"not a key that is revoked late", quiet(previous("K0", noon.Add(-tellLate)), key("K0", issued)), false},
		{"not a compromised key", quiet(previous("K0", end), key("K0", issued), names("K0")), false},
		{"a key at the end of its quarantine", quiet(key("K0", issued), inQuarantine("K0", end)), true},
		{"not a key whose quarantine ends early", quiet(key("K0", issued), inQuarantine("K0", noon.Add(time.Hour))), false},
		{"not a key whose ttl was shortened", quiet(previous("K0", end), key("K0", issued), lives(time.Minute)), false},
		{"not a key of a deleted AccessKey", quiet(deleting, previous("K0", end), key("K0", issued)), false},
		{"not the current key", quiet(), false},
	} {
		id := "K0"
		if len(c.in.AccessKey.Status.PreviousKeys) == 0 {
			id = "K1"
		}
		if got := c.in.EndsAsAnnounced(id); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
