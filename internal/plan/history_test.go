// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// gone is K1 in the history, revoked now and replaced for a reason.
func gone(why v1alpha1.RevokeReason, replacedFor v1alpha1.IssueReason, changes ...func(*v1alpha1.RevokedKey)) v1alpha1.RevokedKey {
	key := v1alpha1.RevokedKey{
		KeyID: "K1", AccessKeyID: "AKIAK1", IssuedAt: metav1.NewTime(issued), IssueReason: v1alpha1.IssuedNew,
		ReplaceReason: replacedFor, RevokedAt: metav1.NewTime(noon), RevokeReason: why,
	}
	for _, change := range changes {
		change(&key)
	}
	return key
}

// replacedThen says when the next pair was requested, and with endedThen that the pair ended then.
func replacedThen(key *v1alpha1.RevokedKey) { key.ReplacedAt = started }
func endedThen(key *v1alpha1.RevokedKey)    { key.ReplacedAt, key.RevokedAt = started, started }

func TestDroppedKeysAreInTheHistory(t *testing.T) {
	t.Run("the current one, with what it is replaced for", func(t *testing.T) {
		ak := quiet(revoked("K9", v1alpha1.RevokedGone)).AccessKey
		before := ak.Status.History[0]
		Drop(ak, "K1", v1alpha1.RevokedInPlace, v1alpha1.IssuedScheduled, noon)
		if want := []v1alpha1.RevokedKey{gone(v1alpha1.RevokedInPlace, v1alpha1.IssuedScheduled), before}; !reflect.DeepEqual(ak.Status.History, want) {
			t.Errorf("history: %+v\nwant %+v", ak.Status.History, want)
		}
	})
	t.Run("a previous one, with what it was replaced for", func(t *testing.T) {
		in := quiet()
		nextRecord(in).Apply(in.AccessKey)
		Drop(in.AccessKey, "K1", v1alpha1.RevokedOverlapEnded, v1alpha1.IssuedScheduled, noon)
		want := []v1alpha1.RevokedKey{gone(v1alpha1.RevokedOverlapEnded, v1alpha1.IssuedRequested, replacedThen)}
		if got := in.AccessKey.Status.History; !reflect.DeepEqual(got, want) {
			t.Errorf("history: %+v\nwant %+v", got, want)
		}
	})
	t.Run("no other one", func(t *testing.T) {
		ak := unissued().AccessKey
		Drop(ak, "", v1alpha1.RevokedGone, "", noon)
		Drop(ak, "F1", v1alpha1.RevokedGone, "", noon)
		if len(ak.Status.History) > 0 {
			t.Errorf("history: %+v", ak.Status.History)
		}
	})
}

func TestReplacedPairsAreInTheHistory(t *testing.T) {
	regenerated := func(in Input) Record {
		intent := &v1alpha1.Intent{Operation: v1alpha1.OperationRegenerate, KeyID: "K1", Revision: 2, StartedAt: started, Reason: v1alpha1.IssuedScheduled}
		return NextRecord(in, intent, keyservice.Key{ID: "K1", AccessKeyID: "AKIAK1b"})
	}
	for _, c := range []struct {
		name   string
		in     Input
		record func(Input) Record
		want   []v1alpha1.RevokedKey
	}{
		{"not in its overlap", quiet(), nextRecord, nil},
		{"nor the first one", unissued(), nextRecord, nil},
		{"in place", quiet(), regenerated, []v1alpha1.RevokedKey{gone(v1alpha1.RevokedInPlace, v1alpha1.IssuedScheduled, endedThen)}},
		{"in place, also with the same IDs in the same second", quiet(), func(in Input) Record {
			record := regenerated(in)
			record.AccessKeyID, record.IssuedAt = "AKIAK1", metav1.NewTime(issued)
			return record
		}, []v1alpha1.RevokedKey{gone(v1alpha1.RevokedInPlace, v1alpha1.IssuedScheduled, endedThen, func(key *v1alpha1.RevokedKey) {
			key.ReplacedAt, key.RevokedAt = key.IssuedAt, key.IssuedAt
		})}},
		{"not if a person restores its record", quiet(), func(in Input) Record { return RecordOf(in.AccessKey, identity) }, nil},
		{"in place because it was compromised", quiet(names("AKIAK1")), regenerated, []v1alpha1.RevokedKey{gone(v1alpha1.RevokedCompromised, v1alpha1.IssuedScheduled, endedThen)}},
		{"because the service no longer had the key", quiet(keys()), nextRecord, []v1alpha1.RevokedKey{gone(v1alpha1.RevokedGone, v1alpha1.IssuedRequested, endedThen)}},
		{"beside a previous key that stays", quiet(keys("K0"), overlapping("K0")), nextRecord, []v1alpha1.RevokedKey{gone(v1alpha1.RevokedGone, v1alpha1.IssuedRequested, endedThen)}},
		{"or whose ID was used again", quiet(previous("K2", noon)), nextRecord, []v1alpha1.RevokedKey{{
			KeyID: "K2", AccessKeyID: "AKIAK2", IssuedAt: previousKey("K2", noon).IssuedAt, RevokedAt: started, RevokeReason: v1alpha1.RevokedGone,
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.record(c.in).Apply(c.in.AccessKey)
			if got := c.in.AccessKey.Status.History; !reflect.DeepEqual(got, c.want) {
				t.Errorf("history: %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestTheHistoryHasTheLastTenKeysAndThoseThatAreNamed(t *testing.T) {
	ak := quiet().AccessKey
	ak.Spec.CompromisedKeyIDs = []string{"R3", "AKIAR5"}
	for n := range 50 {
		remember(ak, v1alpha1.RevokedKey{KeyID: fmt.Sprint("R", n), AccessKeyID: fmt.Sprint("AKIAR", n)})
	}
	var got []string
	for _, key := range ak.Status.History {
		got = append(got, key.KeyID)
	}
	if want := []string{"R49", "R48", "R47", "R46", "R45", "R44", "R43", "R42", "R41", "R40", "R5", "R3"}; !slices.Equal(got, want) {
		t.Errorf("history: %v\nwant %v", got, want)
	}
}

func TestIssueReason(t *testing.T) {
	revokedFor := func(reason v1alpha1.IssueReason) change {
		return func(in *Input) {
			Drop(in.AccessKey, "K1", v1alpha1.RevokedInPlace, reason, noon)
		}
	}
	for _, c := range []struct {
		name   string
		in     Input
		reason string
		want   v1alpha1.IssueReason
		verb   Verb
	}{
		{"the first pair", unissued(), v1alpha1.ReasonIssuing, v1alpha1.IssuedNew, ""},
		{"a pair after an old backup", unissued(holds("K1", 4)), v1alpha1.ReasonIssuing, v1alpha1.IssuedNew, ""},
		{"an imported pair", unissued(), v1alpha1.ReasonIssuing, v1alpha1.IssuedImported, ImportPair},
		{"a scheduled rotation", quiet(), v1alpha1.ReasonRotating, v1alpha1.IssuedScheduled, ""},
		{"a requested rotation", quiet(), v1alpha1.ReasonRenewing, v1alpha1.IssuedRequested, ""},
		{"a compromised key", quiet(), v1alpha1.ReasonCompromised, v1alpha1.IssuedCompromised, ""},
		{"a lost Secret or key", quiet(), v1alpha1.ReasonRestoring, v1alpha1.IssuedRestored, ""},
		{"a new secretName", quiet(), v1alpha1.ReasonRenaming, v1alpha1.IssuedRenamed, ""},
		{"a pair whose key was revoked for it", quiet(revokedFor(v1alpha1.IssuedCompromised)), v1alpha1.ReasonIssuing, v1alpha1.IssuedCompromised, ""},
		{"a pair after all keys were lost", quiet(revokedFor("")), v1alpha1.ReasonIssuing, v1alpha1.IssuedRestored, ""},
		{"a pair after previous keys were adopted", unissued(overlapping("K0")), v1alpha1.ReasonIssuing, v1alpha1.IssuedRestored, ""},
	} {
		if got := c.in.IssueReason(Action{Verb: cmp.Or(c.verb, Create), Reason: c.reason}); got != c.want {
			t.Errorf("%s: IssueReason = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRotationCause(t *testing.T) {
	openFor := func(reason v1alpha1.IssueReason) change {
		return func(in *Input) {
			intends(2, 0)(in)
			in.AccessKey.Status.Intent.Reason = reason
		}
	}
	deletion := func(in *Input) {
		revokes("K0", 0)(in)
		in.AccessKey.Status.Intent.Reason = ""
	}
	for _, c := range []struct {
		name   string
		in     Input
		action Action
		want   v1alpha1.IssueReason
	}{
		{"a live read for a scheduled rotation", quiet(), do(ReadLive, v1alpha1.ReasonRotating), v1alpha1.IssuedScheduled},
		{"the creation of the first pair", unissued(), do(Create, v1alpha1.ReasonIssuing), v1alpha1.IssuedNew},
		{"the creation of the first pair, whose response was lost", unissued(openFor(v1alpha1.IssuedNew)), do(Create, v1alpha1.ReasonIssuing), v1alpha1.IssuedNew},
		{"the settling of a requested rotation", quiet(openFor(v1alpha1.IssuedRequested)), do(Promote, v1alpha1.ReasonSettling), v1alpha1.IssuedRequested},
		{"the settling of a deletion", quiet(deletion), do(ReadLive, v1alpha1.ReasonSettling), ""},
		{"a revocation that makes room for a rotation", quiet(overlapping("K0")), do(Revoke, v1alpha1.ReasonRotating, "K0"), v1alpha1.IssuedScheduled},
		{"a revocation at its time", quiet(overlapping("K0")), do(Revoke, v1alpha1.ReasonRevoking, "K0"), ""},
		{"an update of the Secret", quiet(), do(UpdateSecret, v1alpha1.EventSecretUpdated), ""},
	} {
		if got := c.in.RotationCause(c.action); got != c.want {
			t.Errorf("%s: RotationCause = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRevokeReason(t *testing.T) {
	for _, c := range []struct {
		name     string
		in       Input
		action   Action
		accepted bool
		want     v1alpha1.RevokeReason
	}{
		{"a previous key at revokeAt", quiet(overlapping("K0")), do(Revoke, v1alpha1.ReasonRevoking, "K0"), false, v1alpha1.RevokedOverlapEnded},
		{"one that is idle", quiet(keys("K0", "K1"), replaced("K0", 2*day), revokesWhenIdle(day), told("K0", 0, noon.Add(-day))), do(Revoke, v1alpha1.ReasonRevoking, "K0"), false, v1alpha1.RevokedIdle},
		{"a compromised one", quiet(overlapping("K0"), names("AKIAK0")), do(Revoke, v1alpha1.ReasonRevoking, "K0"), false, v1alpha1.RevokedCompromised},
		{"one that is gone", quiet(overlapping("K0")), do(Forget, v1alpha1.ReasonRevoking, "K0"), false, v1alpha1.RevokedGone},
		{"one whose deletion was accepted before", quiet(overlapping("K0")), do(Forget, v1alpha1.ReasonRevoking, "K0"), true, v1alpha1.RevokedOverlapEnded},
		{"a compromised one that is gone", quiet(overlapping("K0"), names("K0")), do(Forget, v1alpha1.ReasonRevoking, "K0"), false, v1alpha1.RevokedCompromised},
		{"one that makes room", quiet(overlapping("K0")), do(Revoke, v1alpha1.ReasonRotating, "K0"), false, v1alpha1.RevokedMadeRoom},
		{"the current key in place", quiet(replaces), do(Revoke, v1alpha1.ReasonRotating, "K1"), false, v1alpha1.RevokedInPlace},
		{"a compromised current key in place", quiet(replaces, names("K1")), do(Revoke, v1alpha1.ReasonCompromised, "K1"), false, v1alpha1.RevokedCompromised},
		{"the current key that no Secret holds", quiet(), do(Revoke, v1alpha1.ReasonRestoring, "K1"), false, v1alpha1.RevokedMadeRoom},
		{"a key whose AccessKey is deleted", quiet(deleting), do(Revoke, v1alpha1.ReasonDeleting, "K1"), false, v1alpha1.RevokedDeleted},
	} {
		if got := c.in.RevokeReason(c.action, c.accepted); got != c.want {
			t.Errorf("%s: RevokeReason = %q, want %q", c.name, got, c.want)
		}
	}
}
