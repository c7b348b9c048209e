// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"reflect"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// restored is an AccessKey after a restore or a move: it has no status, and its Secret carries the record of the former
// AccessKey with the same name.
func restored(changes ...change) Input {
	former := recordSays(func(r *Record) { r.UID = formerUID })
	return quiet(append([]change{wiped, abandoned, former}, changes...)...)
}

// remembers adds previous keys to the record on the Secret.
func remembers(ids ...string) change {
	return recordSays(func(r *Record) {
		for _, id := range ids {
			r.PreviousKeys = append(r.PreviousKeys, previousKey(id, noon.Add(day)))
		}
	})
}

// adoptingCases are about AccessKeys without a status whose Secret carries a record.
var adoptingCases = []decision{
	{"a restored AccessKey adopts the pair in its Secret", restored(), byAdopt(Adopt)},
	{"an AccessKey that only lost its status adopts the pair in its own Secret", quiet(wiped), byAdopt(Adopt)},
	{"a pair that was edited after the restore is adopted too, because the record still leads to the key", restored(func(in *Input) { in.Secret.State = SecretEdited }),
		byAdopt(Adopt)},
	{"the finalizer is added before a pair is adopted", restored(noFinalizer), byAdopt(AddFinalizer)},
	{"the in-use finalizer is awaited before a pair is adopted", restored(notInUse), waiting(ruleAdopt, v1alpha1.ReasonWaiting, noon.Add(10*time.Second), "the in-use finalizer")},
	{"a deleted AccessKey adopts its pair first, so that it is revoked", restored(deleting), byAdopt(Adopt)},
	{"a deleted AccessKey adopts its pair without the in-use finalizer", restored(deleting, notInUse), byAdopt(Adopt)},
	{"a suspended AccessKey adopts nothing", restored(suspending), answer{ruleSuspended, do(Wait, v1alpha1.ReasonSuspended)}},
	{"only a live read shows what the Secret records", quiet(wiped, cached, secret(SecretUnverified)), byAdopt(ReadLive)},

	{"an old backup whose key no longer exists gets a new pair", restored(keys()), byIssue(Create)},
	{"an old backup leads to its previous keys although its current key no longer exists", restored(keys("K0"), remembers("K0")), byAdopt(Adopt)},
	{"a pair that was replaced externally is not adopted", restored(pairAt("K1", "AKIAX")), byIssue(Create)},
	{"a key that is being deleted is not adopted", restored(being(keyservice.Deleting, "K1")), byIssue(Create)},
	{"a key that another AccessKey records is not adopted", restored(claimed("K1")), byIssue(Create)},
	{"a deleted AccessKey whose key no longer exists just goes", restored(deleting, keys()), byRevokeAll(RemoveFinalizer)},

	{"a Secret that was copied to another name is foreign", restored(recordSays(func(r *Record) { r.Name = "restore" })),
		stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "Secret backup exists")},
	{"a Secret that was copied to another namespace is foreign", restored(recordSays(func(r *Record) { r.Namespace = "team-b" })),
		stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "Secret backup exists")},
	{"a Secret of another service is foreign", restored(recordSays(func(r *Record) { r.Service = "qumulo/other" })),
		stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "Secret backup exists")},
	{"a Secret of another user is foreign", restored(recordSays(func(r *Record) { r.User = "auth_id:502" })),
		stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "Secret backup exists")},
	{"a deleted AccessKey leaves a foreign Secret alone", restored(deleting, recordSays(func(r *Record) { r.Name = "restore" })), byRevokeAll(RemoveFinalizer)},
	{"an AccessKey that records a key does not adopt another one", quiet(holds("K2", 2), abandoned, key("K2", issued), unlimited), byRestore(Create)},
	{"an AccessKey that has revoked its key does not adopt it again", unissued(holds("K1", 1), key("K1", noon), revision(1)), byIssue(Create)},

	{"a pair of a user that the KeyService does not allow is not adopted", restored(forbidden),
		stalled(ruleAdopt, v1alpha1.ReasonUserNotAllowed, "allowedUsers of KeyService qumulo does not cover")},
	{"a deleted AccessKey of such a user does not revoke what a record claims", restored(forbidden, deleting), byRevokeAll(RemoveFinalizer)},
	{"a key that carries the mark of this AccessKey is recorded again whatever is granted", quiet(wiped, cluster, notGranted, marked("K1", uid)), byAdopt(Adopt)},
	{"anyone could have written the record for a key of a ClusterKeyService",
		restored(cluster),
		stalled(ruleAdopt, v1alpha1.ReasonAdoptionNotVerified, "delete the Secret to get a new pair, and revoke access key AKIAK1 at the service if nobody uses it")},
	{"the mark of the former AccessKey proves nothing, because the record names it", restored(cluster, marked("K1", formerUID)),
		stalled(ruleAdopt, v1alpha1.ReasonAdoptionNotVerified, "AKIAK1")},
	{"the mark of this AccessKey proves that the key is its own", quiet(wiped, cluster, marked("K1", uid)), byAdopt(Adopt)},
	{"an old backup at a ClusterKeyService gets a new pair", restored(cluster, keys()), byIssue(Create)},
	{"an old backup at a ClusterKeyService gets a new pair although a previous key of the record still exists",
		restored(cluster, keys("K0"), remembers("K0")), byIssue(Create)},
	{"a pair that cannot be verified is not overwritten although a previous key has the mark of this AccessKey",
		quiet(wiped, cluster, keys("K1", "K0"), remembers("K0"), marked("K0", uid)), stalled(ruleAdopt, v1alpha1.ReasonAdoptionNotVerified, "AKIAK1")},
	{"a deleted AccessKey of a ClusterKeyService adopts the keys with its mark, so that they are revoked",
		quiet(wiped, cluster, deleting, keys("K1", "K0"), remembers("K0"), marked("K0", uid)), byAdopt(Adopt)},
	{"a deleted AccessKey of a ClusterKeyService does not revoke what it cannot verify", restored(cluster, deleting), byRevokeAll(RemoveFinalizer)},
}

func TestNotAdopted(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		want []string
	}{
		{"nothing of a KeyService", restored(keys("K0", "K1"), remembers("K0")), nil},
		{"what exists of a ClusterKeyService", restored(cluster, keys("K0"), remembers("K0", "K9")), []string{"AKIAK0"}},
		{"nothing that another AccessKey records", restored(cluster, keys("K0"), claimed("K0"), remembers("K0")), nil},
		{"nothing with the mark of this AccessKey", restored(cluster, keys("K0"), marked("K0", uid), remembers("K0")), nil},
	} {
		if got := c.in.NotAdopted(); !slices.Equal(got, c.want) {
			t.Errorf("%s: NotAdopted = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAdopted(t *testing.T) {
	k0, k2, k9 := previousKey("K0", noon.Add(day)), previousKey("K2", noon.Add(overlap)), previousKey("K9", noon.Add(day))
	k2.IssuedAt = metav1.NewTime(issued)
	for _, c := range []struct {
		name     string
		in       Input
		current  string
		previous []v1alpha1.PreviousKey
	}{
		{"the current key", restored(), "K1", nil},
		{"its previous keys, as announced", restored(keys("K1", "K0", "K9"), remembers("K0", "K9")), "K1", []v1alpha1.PreviousKey{k0, k9}},
		{"no previous key that no longer exists", restored(keys("K1", "K9"), remembers("K0", "K9")), "K1", []v1alpha1.PreviousKey{k9}},
		{"no previous key that another AccessKey records", restored(keys("K0", "K1"), claimed("K0"), remembers("K0")), "K1", nil},
		{"no previous key whose pair was replaced externally", restored(keys("K0", "K1"), pairAt("K0", "AKIAX"), remembers("K0")), "K1", nil},
		{"no previous key that is being deleted", restored(keys("K0", "K1"), being(keyservice.Deleting, "K0"), remembers("K0")), "K1", nil},
		{"the current key only once", restored(remembers("K1")), "K1", nil},
		{"a previous key only once, as the API server demands", restored(keys("K1", "K0"), remembers("K0", "K0")), "K1", []v1alpha1.PreviousKey{k0}},
		{"at a ClusterKeyService, only keys with the mark of this AccessKey",
			quiet(wiped, cluster, keys("K1", "F1", "K0"), marked("K1", uid), marked("K0", uid), remembers("F1", "K0")), "K1", []v1alpha1.PreviousKey{k0}},
		{"at a ClusterKeyService, no key with the mark of the AccessKey that the record names",
			restored(cluster, keys("K2"), marked("K2", formerUID)), "", nil},
		{"no key that the record does not name", restored(keys("K1", "F1")), "K1", nil},
		{"a key with the mark of the former AccessKey, for the overlap", restored(keys("K1", "K2"), marked("K2", formerUID)), "K1", []v1alpha1.PreviousKey{k2}},
		{"no key with the mark of another AccessKey", restored(keys("K1", "B1"), marked("B1", "other")), "K1", nil},
		{"no marked key that another AccessKey records", restored(keys("K1", "K2"), marked("K2", formerUID), claimed("K2")), "K1", nil},
		{"no marked key that is being deleted", restored(keys("K1", "K2"), marked("K2", formerUID), being(keyservice.Deleting, "K2")), "K1", nil},
		{"a marked key in place of a current key that no longer exists", restored(keys("K2"), marked("K2", formerUID)), "K2", nil},
		{"no unmarked key if the record names no AccessKey", restored(keys("K1", "F1"), recordSays(func(r *Record) { r.UID = "" })), "K1", nil},
		{"nothing from an old backup", restored(keys("F1")), "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.in.Secret.Record
			got, want := c.in.Adopted(), before
			want.KeyID, want.AccessKeyID, want.IssueReason, want.PreviousKeys = c.current, "", v1alpha1.IssuedAdopted, c.previous
			if c.current != "" {
				want.AccessKeyID = "AKIA" + c.current
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("Adopted = %+v\nwant %+v", got, want)
			}
			if !reflect.DeepEqual(c.in.Secret.Record, before) {
				t.Errorf("the record on the Secret became %+v", c.in.Secret.Record)
			}
		})
	}
}
