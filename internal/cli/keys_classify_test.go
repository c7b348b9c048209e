// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

var today = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// backup is an AccessKey with a current key, a previous one, one in quarantine, and one that was revoked an hour ago.
func backup() v1alpha1.AccessKey {
	return v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "backup", UID: "uid-1"},
		Spec:       v1alpha1.AccessKeySpec{User: "local:backup"},
		Status: v1alpha1.AccessKeyStatus{
			UserID: "auth_id:501", KeyID: "current", AccessKeyID: "AKCURRENT", RenewalTime: metav1.NewTime(today.Add(time.Hour)),
			PreviousKeys: []v1alpha1.PreviousKey{
				{KeyID: "old", AccessKeyID: "AKOLD", RevokeAt: metav1.NewTime(today.Add(time.Hour))},
				{KeyID: "disabled", AccessKeyID: "AKDISABLED", DeleteAt: metav1.NewTime(today.Add(time.Hour))},
			},
			History: []v1alpha1.RevokedKey{
				{KeyID: "gone", AccessKeyID: "AKGONE", RevokedAt: metav1.NewTime(today.Add(-time.Hour))},
				{KeyID: "fresh", AccessKeyID: "AKFRESH", RevokedAt: metav1.NewTime(today.Add(-time.Minute))},
			},
		},
	}
}

func withIntent(intent v1alpha1.Intent) v1alpha1.AccessKey {
	ak := backup()
	ak.Status.Intent = &intent
	return ak
}

func recordOf(keyID, accessKeyID string, previous ...v1alpha1.PreviousKey) secretRecord {
	return secretRecord{
		types.NamespacedName{Namespace: "team-a", Name: "lost"},
		plan.Record{Namespace: "team-a", Name: "lost", KeyID: keyID, AccessKeyID: accessKeyID, PreviousKeys: previous},
	}
}

func TestClassify(t *testing.T) {
	everywhere := func(accessKeys ...v1alpha1.AccessKey) evidence {
		return evidence{accessKeys: accessKeys, everywhere: true, now: today}
	}
	inOneNamespace := func(accessKeys ...v1alpha1.AccessKey) evidence { return evidence{accessKeys: accessKeys, now: today} }
	with := func(e evidence, records ...secretRecord) evidence {
		e.records = records
		return e
	}
	marking := func(e evidence) evidence {
		e.marks = true
		return e
	}
	tests := []struct {
		name string
		e    evidence
		key  keyservice.Key
		want ownership
		role string
		says string
	}{
		{"the current key is managed", everywhere(backup()), keyservice.Key{ID: "current", AccessKeyID: "AKCURRENT"}, ownershipManaged, roleCurrent, "rotated at 2026-03-01T13:00:00Z"},
		{"a previous key is managed", everywhere(backup()), keyservice.Key{ID: "old", AccessKeyID: "AKOLD"}, ownershipManaged, rolePrevious, "revoked at 2026-03-01T13:00:00Z"},
		{"a key in quarantine is managed", everywhere(backup()), keyservice.Key{ID: "disabled", AccessKeyID: "AKDISABLED"}, ownershipManaged, roleQuarantine, "deleted at"},
		{"the key that an open operation chose is managed", everywhere(withIntent(v1alpha1.Intent{Operation: v1alpha1.OperationCreate, KeyID: "new"})), keyservice.Key{ID: "new", AccessKeyID: "AKNEW"}, ownershipManaged, roleNew, ""},
		{"a key that appeared during an open operation of its user may be the AccessKey's", everywhere(withIntent(v1alpha1.Intent{Operation: v1alpha1.OperationCreate, KnownKeyIDs: []string{"known"}})), keyservice.Key{ID: "new"}, ownershipUnknown, "", "an open operation"},
		{"a key that was there before an open operation is not its result", everywhere(withIntent(v1alpha1.Intent{Operation: v1alpha1.OperationCreate, KnownKeyIDs: []string{"known"}})), keyservice.Key{ID: "known"}, ownershipUnknown, "", "cannot mark keys"},
		{"a candidate of an ambiguous operation is unknown", everywhere(withIntent(v1alpha1.Intent{Operation: v1alpha1.OperationCreate, KnownKeyIDs: []string{"candidate"}, CandidateKeyIDs: []string{"candidate"}})), keyservice.Key{ID: "candidate"}, ownershipUnknown, "", "an open operation"},
		{"a key that is being deleted is no orphan", everywhere(), keyservice.Key{ID: "k", OwnerUID: "uid-9", State: keyservice.Deleting}, ownershipUnknown, "", "deleting"},
		{"another pair under a recorded ID is foreign", everywhere(backup()), keyservice.Key{ID: "current", AccessKeyID: "AKOTHER"}, ownershipForeign, "", "replaced externally"},
		{"a key whose revocation is recorded is orphaned", everywhere(backup()), keyservice.Key{ID: "gone", AccessKeyID: "AKGONE"}, ownershipOrphaned, "", "2026-03-01T11:00:00Z"},
		{"a key that was revoked a minute ago is no orphan yet", everywhere(backup()), keyservice.Key{ID: "fresh", AccessKeyID: "AKFRESH"}, ownershipUnknown, "", "may list it for a while"},
		{"a key on a Secret without its AccessKey is orphaned", with(everywhere(), recordOf("lost", "AKLOST")), keyservice.Key{ID: "lost", AccessKeyID: "AKLOST"}, ownershipOrphaned, "", "recorded on Secret team-a/lost"},
		{"a previous key in the record on a Secret is orphaned", with(everywhere(), recordOf("k", "AK", v1alpha1.PreviousKey{KeyID: "lost", AccessKeyID: "AKLOST"})), keyservice.Key{ID: "lost", AccessKeyID: "AKLOST"}, ownershipOrphaned, "", "Secret"},
		{"a key on a Secret is unknown if not all namespaces were seen", with(inOneNamespace(), recordOf("lost", "AKLOST")), keyservice.Key{ID: "lost", AccessKeyID: "AKLOST"}, ownershipUnknown, "", "was not seen"},
		{"a key with the mark of an AccessKey that is gone is orphaned", everywhere(backup()), keyservice.Key{ID: "k", OwnerUID: "uid-9"}, ownershipOrphaned, "", "uid-9"},
		{"a key with the mark of an AccessKey that does not record it is orphaned", everywhere(backup()), keyservice.Key{ID: "k", OwnerUID: "uid-1"}, ownershipOrphaned, "", "mark of the AccessKey"},
		{"a key with a mark is unknown if not all namespaces were seen", inOneNamespace(backup()), keyservice.Key{ID: "k", OwnerUID: "uid-9"}, ownershipUnknown, "", "was not seen"},
		{"a key without a mark is foreign where all keys of the operator have one", marking(everywhere(backup())), keyservice.Key{ID: "k"}, ownershipForeign, "", "no mark"},
		{"a key without a mark is unknown where keys have none", everywhere(backup()), keyservice.Key{ID: "k"}, ownershipUnknown, "", "cannot mark keys"},
		{"a key without a mark is unknown if not all namespaces were seen", inOneNamespace(backup()), keyservice.Key{ID: "k"}, ownershipUnknown, "", "no AccessKey that was seen"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := test.e.classify("auth_id:501", test.key)
			if got.ownership != test.want || got.role != test.role || !strings.Contains(got.detail, test.says) {
				t.Errorf("got %s %s (%s), want %s %s with %q", got.ownership, got.role, got.detail, test.want, test.role, test.says)
			}
		})
	}
}

func TestClassifySortsWhatNeedsAttentionFirst(t *testing.T) {
	seen := view{accessKeys: []v1alpha1.AccessKey{backup()}}
	keys := classifyAll(seen, map[string][]keyservice.Key{
		"auth_id:501": {{ID: "current", AccessKeyID: "AKCURRENT"}, {ID: "marked", OwnerUID: "uid-9"}},
		"auth_id:502": {{ID: "hand"}},
	}, false, today)
	var got []string
	for _, key := range keys {
		got = append(got, key.user+" "+key.ID)
	}
	want := "local:backup marked, auth_id:502 hand, local:backup current"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	if err := orphansError(keys); err == nil || !strings.Contains(err.Error(), "1 key is orphaned") {
		t.Errorf("got %v", err)
	}
}
