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

// intent of the new key K2, half a minute before it is made.
var (
	started = metav1.NewTime(noon.Add(-30 * time.Second))
	newKey  = keyservice.Key{ID: "K2", AccessKeyID: "AKIAK2", CreatedAt: noon}
)

func nextRecord(in Input) Record {
	return NextRecord(in, &v1alpha1.Intent{Revision: 5, StartedAt: started, Renewal: "today"}, newKey)
}

func TestNextRecord(t *testing.T) {
	got := nextRecord(unissued())
	want := Record{KeyID: "K2", AccessKeyID: "AKIAK2", Revision: 5, IssuedAt: started, Renewal: "today"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("NextRecord = %+v\nwant %+v", got, want)
	}
}

// replaced is K1 as a previous key.
func replacedUntil(revokeAt time.Time) v1alpha1.PreviousKey {
	return v1alpha1.PreviousKey{KeyID: "K1", AccessKeyID: "AKIAK1", IssuedAt: metav1.NewTime(issued), RevokeAt: metav1.NewTime(revokeAt)}
}

func TestNextRecordCarriesOver(t *testing.T) {
	older := previousKey("K0", noon.Add(day))
	for _, c := range []struct {
		name string
		in   Input
		want []v1alpha1.PreviousKey
	}{
		{"the current key works on for the overlap", quiet(), []v1alpha1.PreviousKey{replacedUntil(noon.Add(overlap))}},
		{
			"the current key never works longer than its ttl",
			quiet(at(issued.Add(25 * day))), []v1alpha1.PreviousKey{replacedUntil(issued.Add(ttl))},
		},
		{
			"a current key past its ttl goes at once",
			quiet(at(issued.Add(35 * day))), []v1alpha1.PreviousKey{replacedUntil(issued.Add(ttl))},
		},
		{
			"without a ttl the current key works on for the default overlap",
			quiet(endless), []v1alpha1.PreviousKey{replacedUntil(noon.Add(day))},
		},
		{
			"a revocation is due at a whole second, as the API server keeps it",
			quiet(at(noon.Add(999 * time.Millisecond))), []v1alpha1.PreviousKey{replacedUntil(noon.Add(overlap))},
		},
		{
			"the previous keys stay recorded, whether the service lists them or not",
			quiet(previous("K0", noon.Add(day))), []v1alpha1.PreviousKey{older, replacedUntil(noon.Add(overlap))},
		},
		{"a current key that is gone is left out", quiet(keys("F1"), previous("K0", noon.Add(day))), []v1alpha1.PreviousKey{older}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := nextRecord(c.in).PreviousKeys; !reflect.DeepEqual(got, c.want) {
				t.Errorf("PreviousKeys = %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestNextRecordOfARenewedKey(t *testing.T) {
	older := previousKey("K0", noon.Add(day))
	intent := &v1alpha1.Intent{Operation: v1alpha1.OperationRegenerate, KeyID: "K1", Revision: 2, StartedAt: started}
	got := NextRecord(quiet(previous("K0", noon.Add(day))), intent, keyservice.Key{ID: "K1", AccessKeyID: "AKIAK1b"})
	want := Record{KeyID: "K1", AccessKeyID: "AKIAK1b", Revision: 2, IssuedAt: started, PreviousKeys: []v1alpha1.PreviousKey{older}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("NextRecord = %+v\nwant %+v: the key is not its own previous one", got, want)
	}
}

func TestNextRecordOfAHandleThatComesAgain(t *testing.T) {
	got := nextRecord(quiet(previous("K2", noon.Add(day)))).PreviousKeys
	if want := []v1alpha1.PreviousKey{replacedUntil(noon.Add(overlap))}; !reflect.DeepEqual(got, want) {
		t.Errorf("PreviousKeys = %+v\nwant %+v: K2 is the new key now", got, want)
	}
}

func TestNextRecordLeavesTheStatusAlone(t *testing.T) {
	in := quiet(previous("K0", noon.Add(day)))
	in.AccessKey.Status.PreviousKeys = slices.Grow(in.AccessKey.Status.PreviousKeys, 4)
	record := nextRecord(in)
	record.PreviousKeys[0].KeyID = "changed"
	if got := in.AccessKey.RecordedKeyIDs(); !slices.Equal(got, []string{"K1", "K0"}) {
		t.Errorf("the status records %v, want K1 and K0", got)
	}
}

func TestApply(t *testing.T) {
	in := quiet(intends(5, time.Minute), previous("K0", noon.Add(day)), wants("new"), failed)
	nextRecord(in).Apply(in.AccessKey)
	want := quiet(failed).AccessKey.Status
	want.KeyID, want.AccessKeyID, want.Revision, want.IssuedAt = "K2", "AKIAK2", 5, started
	want.SecretName, want.LastHandledRenewal = "new", "today"
	want.PreviousKeys = []v1alpha1.PreviousKey{previousKey("K0", noon.Add(day)), replacedUntil(noon.Add(overlap))}
	if got := in.AccessKey.Status; !reflect.DeepEqual(got, want) {
		t.Errorf("status = %+v\nwant %+v", got, want)
	}
}

func TestApplyOfAPairWithoutRenewalKeepsTheHandledOne(t *testing.T) {
	in := quiet(handled("yesterday"))
	recordFor("K2", 2).Apply(in.AccessKey)
	if got := in.AccessKey.Status.LastHandledRenewal; got != "yesterday" {
		t.Errorf("lastHandledRenewal = %q, want yesterday", got)
	}
}

func TestApplyOfARestoredRecordKeepsWhatOnlyTheStatusKnows(t *testing.T) {
	in := quiet(noCurrent, previous("K3", noon.Add(day)), previous("K1", noon.Add(day)), previous("K0", noon.Add(day)))
	recordFor("K1", 1, previousKey("K0", noon.Add(day))).Apply(in.AccessKey)
	if got := in.AccessKey.RecordedKeyIDs(); !slices.Equal(got, []string{"K1", "K0", "K3"}) {
		t.Errorf("the status records %v, want K1, and before it K0 and K3 once each", got)
	}
}

func TestApplyDoesNotShareItsPreviousKeys(t *testing.T) {
	in := unissued()
	record := recordFor("K1", 1, previousKey("K0", noon.Add(day)))
	record.Apply(in.AccessKey)
	Drop(&in.AccessKey.Status, "K0")
	if record.PreviousKeys[0].KeyID != "K0" {
		t.Errorf("dropping a key from the status changed the record: %+v", record.PreviousKeys)
	}
}

func TestDrop(t *testing.T) {
	for _, c := range []struct {
		name, id string
		want     []string
		issued   bool
	}{
		{"a previous key", "K0", []string{"K1", "K9"}, true},
		{"the current key, with all that was said about it", "K1", []string{"K9", "K0"}, false},
		{"a key that is not recorded", "F1", []string{"K1", "K9", "K0"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			status := &quiet(previous("K9", noon), previous("K0", noon)).AccessKey.Status
			Drop(status, c.id)
			ak := &v1alpha1.AccessKey{Status: *status}
			if got := ak.RecordedKeyIDs(); !slices.Equal(got, c.want) {
				t.Errorf("recorded are %v, want %v", got, c.want)
			}
			if (status.AccessKeyID != "") != c.issued || status.IssuedAt.IsZero() == c.issued || status.Revision != 1 {
				t.Errorf("status = %+v, want a current key: %t, and the revision kept", status, c.issued)
			}
		})
	}
}

func TestMarkDisabled(t *testing.T) {
	for _, c := range []struct {
		name, id string
		want     []v1alpha1.KeyState
	}{
		{"a previous key", "K0", []v1alpha1.KeyState{"", v1alpha1.KeyDisabled}},
		{"the current key has no state of its own", "K1", []v1alpha1.KeyState{"", ""}},
		{"a key that is not recorded", "F1", []v1alpha1.KeyState{"", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status := &quiet(previous("K9", noon), previous("K0", noon)).AccessKey.Status
			MarkDisabled(status, c.id)
			got := []v1alpha1.KeyState{status.PreviousKeys[0].State, status.PreviousKeys[1].State}
			if !slices.Equal(got, c.want) {
				t.Errorf("states are %v, want %v", got, c.want)
			}
		})
	}
}
