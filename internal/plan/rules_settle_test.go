// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// settlingCases are about open intents for which the service chose the key's ID.
var settlingCases = []decision{
	{"a pair that was published before a crash is recorded at once", quiet(intends(2, time.Second, "K1"), holds("K2", 2), key("K2", noon)), bySettle(RecordPublished)},
	{"a published pair whose key was known before the intent is not its result", quiet(intends(1, time.Hour, "K1")), bySettle(ClearIntent)},
	{"a published pair whose key no longer exists is not recorded", quiet(intends(2, time.Hour, "K1"), holds("K2", 2)), bySettle(ClearIntent)},
	{"a published pair of another revision is not the result of the intent", quiet(intends(2, time.Hour, "K1"), holds("K2", 3), key("K2", issued)), bySettle(DeleteOrphan, "K2")},
	{"a pair that a former AccessKey of the same name published is not the result of the intent",
		quiet(intends(2, time.Hour, "K1"), holds("K2", 2), recordSays(func(r *Record) { r.UID = formerUID }), key("K2", issued)), bySettle(DeleteOrphan, "K2")},
	{"a Secret that the AccessKey does not control proves nothing about the intent", quiet(intends(2, time.Hour, "K1"), holds("K2", 2), abandoned, key("K2", issued)),
		bySettle(DeleteOrphan, "K2")},
	{"a pair with a foreign key is not recorded although the Secret claims it", quiet(intends(2, time.Hour, "K1"), holds("F2", 2), key("F2", noon)),
		answer{ruleSettle, Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: "F2"}}},
	{"an intent without a candidate stays open for two minutes, because its request may be carried out late", quiet(intends(2, 119*time.Second, "K1")),
		settlesAt(noon.Add(time.Second))},
	{"an intent with a candidate stays open as long, because a second candidate may follow", quiet(intends(2, 119*time.Second, "K1"), key("K2", noon)),
		settlesAt(noon.Add(time.Second))},
	{"an intent without a candidate after two minutes created none", quiet(intends(2, 2*time.Minute, "K1")), bySettle(ClearIntent)},
	{"the one candidate of an intent is deleted, because its secret is lost", quiet(intends(2, 2*time.Minute, "K1"), key("K2", noon)), bySettle(DeleteOrphan, "K2")},
	{"one candidate without a creation time is left to a person, because it may be anybody's", quiet(intends(2, 2*time.Minute, "K1"), key("F2", time.Time{})),
		answer{ruleSettle, Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: "F2"}}},
	{"unless the Secret holds its pair", quiet(intends(2, 2*time.Minute, "K1"), key("K2", time.Time{}), holds("K2", 2)), bySettle(RecordPublished)},
	{"while the one candidate exists nothing is deleted", quiet(intends(2, day, "K1"), key("F2", time.Time{}), ambiguous("F2")),
		stalled(ruleSettle, v1alpha1.ReasonAmbiguousKeys, "key F2 could be the one that it created, or somebody else's")},
	{"two candidates are left to a person", quiet(intends(2, time.Hour, "K1"), key("K2", issued), key("F3", issued)),
		answer{ruleSettle, Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: "K2, F3"}}},
	{"a key of another AccessKey is not a candidate", quiet(intends(2, time.Hour, "K1"), key("B1", issued), claimed("B1"), key("K2", issued)), bySettle(DeleteOrphan, "K2")},
	{"while both candidates exist nothing is deleted", quiet(intends(2, day, "K1"), key("K2", noon), key("F3", noon), ambiguous("K2", "F3")),
		stalled(ruleSettle, v1alpha1.ReasonAmbiguousKeys, "each of the keys K2, F3 could be the one")},
	{"when one candidate no longer exists the other is left alone", quiet(intends(2, day, "K1"), key("F3", noon), ambiguous("K2", "F3")), bySettle(ClearIntent)},
	{"while a person decides the next revocation is still scheduled",
		quiet(intends(2, day), key("K2", noon), key("F3", noon), ambiguous("K2", "F3"), overlapping("K0"), key("K0", issued)),
		stalled(ruleSettle, v1alpha1.ReasonAmbiguousKeys, "K2, F3", noon.Add(day))},
	{"while a person decides a previous key is revoked on time",
		quiet(intends(2, day), key("K2", noon), key("F3", noon), ambiguous("K2", "F3"), previous("K0", noon), key("K0", issued)), makesRoom(ruleSettle, "K0")},
	{"a deleted AccessKey revokes what it records before a person decides", quiet(deleting, intends(2, day, "K1"), key("K2", noon), key("F3", noon), ambiguous("K2", "F3")),
		answer{ruleSettle, do(Revoke, v1alpha1.ReasonDeleting, "K1")}},
	{"and then waits for the decision", quiet(deleting, intends(2, day, "K1"), keys("K2", "F3"), ambiguous("K2", "F3")),
		stalled(ruleSettle, v1alpha1.ReasonAmbiguousKeys, "each of the keys K2, F3 could be the one")},
	{"a pair that this process still has is published at once", quiet(held, intends(2, time.Second, "K1"), key("K2", noon)), bySettle(PublishHeld)},
	{"whatever a person has to decide", quiet(held, intends(2, day, "K1"), ambiguous("K2", "F3"), key("K2", noon), key("F3", noon)), bySettle(PublishHeld)},
	{"unless the Secret holds it already", quiet(held, intends(2, time.Minute, "K1"), key("K2", noon), holds("K2", 2)), bySettle(RecordPublished)},
	{"or belongs to somebody else", quiet(held, intends(2, time.Minute, "K1"), key("K2", noon), secret(SecretForeign)),
		stalled(ruleSettle, v1alpha1.ReasonSecretConflict, "is not controlled by this AccessKey")},
	{"or the AccessKey is deleted", quiet(held, deleting, intends(2, 2*time.Minute, "K1"), key("K2", noon)), bySettle(DeleteOrphan, "K2")},
	{"an open intent is settled before a deleted AccessKey revokes", quiet(deleting, intends(2, 2*time.Minute, "K1"), key("K2", noon)), bySettle(DeleteOrphan, "K2")},
	{"an open intent is settled before a lost status is adopted", quiet(wiped, intends(2, 2*time.Minute, "K1"), holds("K1", 1)), bySettle(ClearIntent)},
}

// clockCases are about the clock of the service, and about how long an operation stays open.
var clockCases = []decision{
	{"a service clock that is not known may be off by a quarter of an hour", quiet(intends(2, 30*time.Minute, "K1"), key("K2", noon.Add(-15*time.Minute))),
		bySettle(DeleteOrphan, "K2")},
	{"one candidate from a later time is left to a person", quiet(intends(2, 30*time.Minute, "K1"), key("F2", noon.Add(-15*time.Minute+time.Second))),
		answer{ruleSettle, Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: "F2"}}},
	{"one candidate from an earlier time is left to a person", quiet(intends(2, 30*time.Minute, "K1"), key("F2", noon.Add(-45*time.Minute-time.Second))),
		answer{ruleSettle, Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: "F2"}}},
	{"a service clock that is known to be an hour ahead is corrected", quiet(intends(2, 30*time.Minute, "K1"), key("K2", noon.Add(30*time.Minute)), ahead(time.Hour)),
		bySettle(DeleteOrphan, "K2")},
	{"a service clock that is known to be an hour behind is corrected", quiet(intends(2, 30*time.Minute, "K1"), key("K2", noon.Add(-90*time.Minute)), ahead(-time.Hour)),
		bySettle(DeleteOrphan, "K2")},
	{"by a known clock, a request can be carried out for two minutes, and the clock may be off by one",
		quiet(intends(2, 30*time.Minute, "K1"), key("K2", noon.Add(-27*time.Minute)), ahead(0)), bySettle(DeleteOrphan, "K2")},
	{"by a known clock, a key that was created later is left to a person",
		quiet(intends(2, 30*time.Minute, "K1"), key("F2", noon.Add(-27*time.Minute+time.Second)), ahead(0)),
		answer{ruleSettle, Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: "F2"}}},
	{"by a known clock, a key may have been created a minute before the request", quiet(intends(2, 30*time.Minute, "K1"), key("K2", noon.Add(-31*time.Minute)), ahead(0)),
		bySettle(DeleteOrphan, "K2")},
	{"by a known clock, a key that was created earlier is left to a person",
		quiet(intends(2, 30*time.Minute, "K1"), key("F2", noon.Add(-31*time.Minute-time.Second)), ahead(0)),
		answer{ruleSettle, Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: "F2"}}},

	{"an old intent stays open for two minutes after the start of this process, because the clock may have been set forward",
		quiet(intends(2, time.Hour, "K1"), startedAgo(119*time.Second)), settlesAt(noon.Add(time.Second))},
	{"a service that may answer late is waited for longer", quiet(intends(2, 2*time.Minute, "K1"), answersIn(20*time.Minute)), settlesAt(noon.Add(18 * time.Minute))},
	{"and its new key may be as late", quiet(intends(2, 30*time.Minute, "K1"), answersIn(20*time.Minute), key("K2", noon.Add(-10*time.Minute)), ahead(0)), bySettle(DeleteOrphan, "K2")},
	{"a pair that waits is not given up while the list may lack its key", quiet(intends(2, 2*time.Minute, "K1"), listsAfter(time.Minute), stages("K2", 2, 2*time.Minute)),
		settlesAt(noon.Add(time.Minute))},
	{"but then", quiet(intends(2, 3*time.Minute, "K1"), listsAfter(time.Minute), stages("K2", 2, 3*time.Minute)), bySettle(ClearIntent)},
	{"a pair of an earlier attempt proves nothing about this one", quiet(intends(2, 2*time.Minute, "K1"), listsAfter(time.Minute), stages("K1", 1, 2*time.Minute)), bySettle(ClearIntent)},
	{"an old intent is settled two minutes after the start of this process", quiet(intends(2, time.Hour, "K1"), startedAgo(2*time.Minute)), bySettle(ClearIntent)},
	{"a deletion stays open for two minutes after the start of this process", quiet(reusesIDs, revokes("K1", time.Hour), startedAgo(time.Minute)),
		settlesAt(noon.Add(time.Minute))},
}

func TestCandidateKeyIDs(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		want []string
	}{
		{"a new key", quiet(intends(2, 0, "K1"), key("K2", noon)), []string{"K2"}},
		{"every new key, in the order of the service", quiet(intends(2, 0, "K1"), key("K3", noon), key("K2", noon)), []string{"K3", "K2"}},
		{"not a known key", quiet(intends(2, 0, "K1", "F1"), key("F1", noon)), nil},
		{"not the current nor a previous key", quiet(intends(2, 0), secret(SecretAbsent), keys("K0", "K1"), previous("K0", noon)), nil},
		{"not a claimed key", quiet(intends(2, 0, "K1"), key("B1", noon), claimed("B1")), nil},
		{"not a key with the mark of another AccessKey", quiet(intends(2, 0, "K1"), key("B1", noon), marked("B1", "other")), nil},
		{"a key with the mark of this AccessKey", quiet(intends(2, 0, "K1"), key("K2", noon), marked("K2", uid)), []string{"K2"}},
		{"a new key of any age", quiet(intends(2, 0, "K1"), key("K2", noon.Add(-day))), []string{"K2"}},
		{"a key of unknown age", quiet(intends(2, 0, "K1"), key("K2", time.Time{})), []string{"K2"}},
	} {
		if got := c.in.CandidateKeyIDs(); !slices.Equal(got, c.want) {
			t.Errorf("%s: CandidateKeyIDs = %v, want %v", c.name, got, c.want)
		}
	}
}
