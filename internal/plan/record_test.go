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

// started is when the operation began whose result is K2.
var started = metav1.NewTime(noon.Add(-30 * time.Second))

// nextRecord returns the record of the new key K2.
func nextRecord(in Input) Record {
	intent := &v1alpha1.Intent{Revision: 5, StartedAt: started, Renewal: "today", Reason: v1alpha1.IssuedRequested}
	return NextRecord(in, intent, keyservice.Key{ID: "K2", AccessKeyID: "AKIAK2", CreatedAt: noon})
}

// replacedUntil is K1 as a previous key.
func replacedUntil(revokeAt time.Time) v1alpha1.PreviousKey {
	return v1alpha1.PreviousKey{
		KeyID: "K1", AccessKeyID: "AKIAK1", IssuedAt: metav1.NewTime(issued), IssueReason: v1alpha1.IssuedNew,
		ReplacedAt: started, ReplaceReason: v1alpha1.IssuedRequested, RevokeAt: metav1.NewTime(revokeAt),
	}
}

func TestNextRecord(t *testing.T) {
	older, k1, elsewhere := previousKey("K0", noon.Add(day)), replacedUntil(noon.Add(overlap)), replacedUntil(noon.Add(overlap))
	elsewhere.SecretName = "backup"
	for _, c := range []struct {
		name string
		in   Input
		want []v1alpha1.PreviousKey
	}{
		{"the first key has no previous ones", unissued(), nil},
		{"a current key that is rotated before its time keeps working for the overlap", quiet(), []v1alpha1.PreviousKey{k1}},
		{"that is so until a second before its time", quiet(at(renewal.Add(-time.Second))), []v1alpha1.PreviousKey{replacedUntil(renewal.Add(overlap - time.Second))}},
		{"a current key that is rotated at its time keeps working until it expires, as announced", quiet(at(renewal)), []v1alpha1.PreviousKey{replacedUntil(issued.Add(ttl))}},
		{"a current key that the service ends keeps working until then", quiet(endsAt("K1", issued.Add(6*day)), at(issued.Add(5*day))), []v1alpha1.PreviousKey{replacedUntil(issued.Add(6 * day))}},
		{"the current key never outlives its ttl", quiet(at(issued.Add(25 * day))), []v1alpha1.PreviousKey{replacedUntil(issued.Add(ttl))}},
		{"a compromised key has no overlap", quiet(names("K1")), []v1alpha1.PreviousKey{replacedUntil(noon)}},
		{"whatever was announced", quiet(names("AKIAK1"), at(renewal)), []v1alpha1.PreviousKey{replacedUntil(renewal)}},
		{"a current key past its ttl is revoked at once", quiet(at(issued.Add(35 * day))), []v1alpha1.PreviousKey{replacedUntil(issued.Add(ttl))}},
		{"without a ttl the current key keeps working for the default overlap", quiet(endless), []v1alpha1.PreviousKey{replacedUntil(noon.Add(day))}},
		{"a revocation is due at a whole second, as the API server stores it", quiet(at(noon.Add(999 * time.Millisecond))), []v1alpha1.PreviousKey{k1}},
		{"the previous keys stay recorded, whether the service lists them or not", quiet(overlapping("K0")), []v1alpha1.PreviousKey{older, k1}},
		{"a current key whose pair is in a Secret with a former name is recorded with that name", quiet(wants("new")), []v1alpha1.PreviousKey{elsewhere}},
		{"a current key that was disabled stays recorded, so that it is revoked", quiet(being(keyservice.Disabled, "K1")), []v1alpha1.PreviousKey{k1}},
		{"a current key with the mark of this AccessKey stays recorded, whichever pair it has", quiet(pairAt("K1", "AKIAX"), marked("K1", uid)), []v1alpha1.PreviousKey{k1}},
		{"a current key that was replaced externally is left out", quiet(pairAt("K1", "AKIAX")), nil},
		{"a current key that no longer exists is left out", quiet(keys("F1"), overlapping("K0")), []v1alpha1.PreviousKey{older}},
		{"a previous key whose ID is reused is left out", quiet(previous("K2", noon.Add(day))), []v1alpha1.PreviousKey{k1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, want := nextRecord(c.in), recordFor("K2", 5, c.want...)
			want.IssuedAt, want.IssueReason, want.Renewal, want.Digest = started, v1alpha1.IssuedRequested, "today", ""
			if len(got.PreviousKeys) == 0 {
				got.PreviousKeys = nil
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("NextRecord = %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestNextRecordOfARegeneratedKey(t *testing.T) {
	intent := &v1alpha1.Intent{Operation: v1alpha1.OperationRegenerate, KeyID: "K1", Revision: 2, StartedAt: started, Reason: v1alpha1.IssuedScheduled}
	got := NextRecord(quiet(overlapping("K0")), intent, keyservice.Key{ID: "K1", AccessKeyID: "AKIAK1b"})
	want := recordFor("K1", 2, previousKey("K0", noon.Add(day)))
	want.AccessKeyID, want.IssuedAt, want.IssueReason, want.Digest = "AKIAK1b", started, v1alpha1.IssuedScheduled, ""
	if !reflect.DeepEqual(got, want) {
		t.Errorf("NextRecord = %+v\nwant %+v: the key is not its own previous one", got, want)
	}
}

// TestASecretDoesNotSayWhatAnIntentProduced: anyone who may edit Secrets can change the record, also after a crash.
func TestASecretDoesNotSayWhatAnIntentProduced(t *testing.T) {
	in := quiet(unlimited, keys("K1", "F1"), intends(2, time.Second, "K1", "F1"), key("K2", noon), holds("K2", 2, previousKey("F1", noon)), publishedAgo(-day),
		recordSays(func(r *Record) { r.Renewal, r.Service, r.User = "tomorrow", "other", "other" }))
	if action := Next(in); action.Verb != RecordPublished {
		t.Fatalf("Next = %+v", action)
	}
	got, want := NextRecord(in, in.AccessKey.Status.Intent, in.Produced(in.Secret)), recordFor("K2", 2, replacedUntil(noon.Add(overlap)))
	want.IssuedAt, want.IssueReason, want.Digest = metav1.NewTime(noon.Add(-time.Second)), v1alpha1.IssuedRequested, ""
	want.PreviousKeys[0].ReplacedAt = want.IssuedAt
	if !reflect.DeepEqual(got, want) {
		t.Errorf("recorded is %+v\nwant %+v", got, want)
	}
	in.Secret.Record.AccessKeyID = "AKIAX"
	if action := Next(in); action.Verb == RecordPublished {
		t.Error("a pair is recorded that the service does not list")
	}
}

func TestRecordsAndStatusShareNoKeys(t *testing.T) {
	in := quiet(overlapping("K0"))
	in.AccessKey.Status.PreviousKeys = slices.Grow(in.AccessKey.Status.PreviousKeys, 4)
	record := nextRecord(in)
	record.PreviousKeys[0].KeyID = "changed"
	if got := in.AccessKey.RecordedKeyIDs(); !slices.Equal(got, []string{"K1", "K0"}) {
		t.Errorf("the status records %v, want K1 and K0", got)
	}
	record.Apply(in.AccessKey)
	Drop(in.AccessKey, "changed", v1alpha1.RevokedOverlapEnded, "", noon)
	if record.PreviousKeys[0].KeyID != "changed" {
		t.Errorf("dropping a key from the status changed the record: %+v", record.PreviousKeys)
	}
}

func TestApply(t *testing.T) {
	older := previousKey("K0", noon.Add(day))
	t.Run("records the new pair and clears the intent", func(t *testing.T) {
		in := quiet(intends(5, time.Minute), overlapping("K0"), wants("new"), failed)
		k1, want := replacedUntil(noon.Add(overlap)), quiet(failed).AccessKey.Status
		k1.SecretName = "backup"
		want.KeyID, want.AccessKeyID, want.Revision, want.IssuedAt, want.IssueReason = "K2", "AKIAK2", 5, started, v1alpha1.IssuedRequested
		in.AccessKey.Status.ExpiresAt, in.AccessKey.Status.RenewalTime = started, started // of K1
		want.SecretName, want.LastHandledRenewal, want.PreviousKeys = "new", "today", []v1alpha1.PreviousKey{older, k1}
		nextRecord(in).Apply(in.AccessKey)
		if got := in.AccessKey.Status; !reflect.DeepEqual(got, want) {
			t.Errorf("status = %+v\nwant %+v", got, want)
		}
	})
	t.Run("of an adopted record without its current key records the previous ones", func(t *testing.T) {
		in := unissued()
		record := recordFor("", 4, older)
		record.AccessKeyID = ""
		record.Apply(in.AccessKey)
		want := v1alpha1.AccessKeyStatus{UserID: userID, Revision: 4, SecretName: "backup", PreviousKeys: record.PreviousKeys}
		if got := in.AccessKey.Status; !reflect.DeepEqual(got, want) {
			t.Errorf("status = %+v\nwant %+v", got, want)
		}
	})
	t.Run("of a restored record keeps what only the status knows", func(t *testing.T) {
		in := quiet(handled("yesterday"), previous("K3", noon), previous("K1", noon), previous("K0", noon))
		recordFor("K1", 1, older).Apply(in.AccessKey)
		if got := in.AccessKey.RecordedKeyIDs(); !slices.Equal(got, []string{"K1", "K0", "K3"}) {
			t.Errorf("the status records %v, want K1, and before it K0 and K3 once each", got)
		}
		if got := in.AccessKey.Status.LastHandledRenewal; got != "yesterday" {
			t.Errorf("lastHandledRenewal = %q, want yesterday", got)
		}
	})
}

func TestDrop(t *testing.T) {
	for _, c := range []struct {
		name, id string
		want     []string
		issued   bool
	}{
		{"a previous key", "K0", []string{"K1", "K9"}, true},
		{"the current key, with everything recorded about it", "K1", []string{"K9", "K0"}, false},
		{"a key that is not recorded", "F1", []string{"K1", "K9", "K0"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ak := quiet(previous("K9", noon), previous("K0", noon)).AccessKey
			Drop(ak, c.id, v1alpha1.RevokedOverlapEnded, v1alpha1.IssuedScheduled, noon)
			if got := ak.RecordedKeyIDs(); !slices.Equal(got, c.want) {
				t.Errorf("recorded are %v, want %v", got, c.want)
			}
			if status := &ak.Status; (status.AccessKeyID != "") != c.issued || status.IssuedAt.IsZero() == c.issued || status.Revision != 1 {
				t.Errorf("status = %+v, want a current key: %t, and the revision kept", status, c.issued)
			}
		})
	}
}

func TestMarkDisabled(t *testing.T) {
	status := &quiet(previous("K9", noon), previous("K0", noon)).AccessKey.Status
	for _, id := range []string{"K0", "K1", "F1"} { // the current key and foreign keys have no state
		MarkDisabled(status, id)
	}
	if status.PreviousKeys[0].State != "" || status.PreviousKeys[1].State != v1alpha1.KeyDisabled {
		t.Errorf("previous keys are %+v", status.PreviousKeys)
	}
}

func TestFormerSecret(t *testing.T) {
	for _, c := range []struct {
		name, id string
		in       Input
		want     string
	}{
		{"a key in the wanted Secret has none", "K1", quiet(), ""},
		{"the current key has the one in which it was published", "K1", quiet(wants("new")), "backup"},
		{"a previous key has the one that is recorded with it", "K0", quiet(previousIn("old", "K0")), "old"},
		{"a previous key in the wanted Secret has none", "K0", quiet(previous("K0", noon)), ""},
		{"a former name that is wanted again is not a former one", "K0", quiet(wants("old"), previousIn("old", "K0")), ""},
		{"a Secret that holds the pair of another recorded key is not deleted with this one", "K0", quiet(previousIn("old", "K0"), previousIn("old", "K9")), ""},
		{"a key that is not recorded has none", "F1", quiet(wants("new")), ""},
	} {
		if got := FormerSecret(c.in.AccessKey, c.id); got != c.want {
			t.Errorf("%s: FormerSecret = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDescribes(t *testing.T) {
	in := quiet(overlapping("K0"), handled("today"))
	record := RecordOf(in.AccessKey, identity)
	want := recordFor("K1", 1, previousKey("K0", noon.Add(day)))
	want.Renewal, want.Digest, want.IssueReason = "today", "", v1alpha1.IssuedNew
	if !reflect.DeepEqual(record, want) {
		t.Errorf("RecordOf = %+v\nwant %+v", record, want)
	}
	for _, c := range []struct {
		name   string
		change func(*Record)
		want   bool
	}{
		{"the same record", func(*Record) {}, true},
		{"a record with other previous keys, because they are revoked without a new pair", func(r *Record) { r.PreviousKeys = nil }, true},
		{"the record of another AccessKey", func(r *Record) { r.UID = formerUID }, false},
		{"the record of another namespace", func(r *Record) { r.Namespace = "team-b" }, false},
		{"the record of another name", func(r *Record) { r.Name = "other" }, false},
		{"the record of another key", func(r *Record) { r.KeyID = "K2" }, false},
		{"the record of another pair of the key", func(r *Record) { r.AccessKeyID = "AKIAX" }, false},
		{"the record of another revision", func(r *Record) { r.Revision = 2 }, false},
		{"the record of a pair from another time", func(r *Record) { r.IssuedAt = started }, false},
		{"the record of other data", func(r *Record) { r.Digest = "other" }, false},
		{"the record of another service", func(r *Record) { r.Service = "other" }, false},
		{"the record of another user", func(r *Record) { r.User = "other" }, false},
	} {
		other := record
		c.change(&other)
		if record.Describes(other) != c.want || other.Describes(record) != c.want {
			t.Errorf("%s: Describes is not %t", c.name, c.want)
		}
	}
}

func TestAnEmptyIDNamesNoKey(t *testing.T) {
	in := quiet(key("", noon), holds("", 0))
	if in.listed("") || in.ours("") || in.works("") || in.published("") {
		t.Error("the empty ID is taken for a key")
	}
}
