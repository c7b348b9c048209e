// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// placeCases are about services where an ID is a place, and about deletions without an answer that could land in it.
var placeCases = []decision{
	{
		name: "nothing is done in a place for two minutes after a deletion without an answer",
		in:   quiet(places, revokes("K1", 119*time.Second), asksFor("today")),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: noon.Add(time.Second)},
	},
	{
		name: "a deleted AccessKey does not let go before its deletion can no longer land",
		in:   quiet(places, deleting, keys(), revokes("K1", time.Minute)),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: noon.Add(time.Minute)},
	},
	{
		name: "a recorded key whose deletion was not answered is left to the rules for it",
		in:   quiet(places, revokes("K1", 2*time.Minute)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a key that went although the deletion was not answered is settled",
		in:   quiet(places, keys("K1"), revokes("K0", 2*time.Minute)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "an orphan that is there after its deletion was not answered is deleted again",
		in:   quiet(places, keys("K1", "K2"), revokes("K2", 2*time.Minute)),
		rule: ruleSettle, want: Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: "K2"},
	},
	{
		name: "a key that somebody made where the deletion was not answered is theirs",
		in:   quiet(places, pairAt("K1", "AKIAX"), revokes("K1", 2*time.Minute)),
		rule: ruleSettle, want: Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling},
	},
	{
		name: "a key in a place is not revoked while a request of another AccessKey of the user can be under way",
		in:   quiet(places, keys("K0", "K1"), previous("K0", noon), underWayUntil(noon.Add(time.Minute))),
		rule: ruleRevokePrevious, want: Action{Verb: Wait, Reason: v1alpha1.ReasonWaiting, Until: noon.Add(time.Minute)}, says: "another AccessKey of the same user",
	},
	{
		name: "a key in a place is not renewed while a request of another AccessKey of the user can be under way",
		in:   quiet(places, renews, intendsFor("K1", 2*time.Minute), underWayUntil(noon.Add(time.Minute))),
		rule: ruleSettle, want: Action{Verb: Wait, Reason: v1alpha1.ReasonWaiting, Until: noon.Add(time.Minute)}, says: "another AccessKey of the same user",
	},
	{
		name: "an operation of another AccessKey that stays open holds up no revocation",
		in:   quiet(places, keys("K0", "K1"), previous("K0", noon), busy, underWayUntil(noon)),
		rule: ruleRevokePrevious, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
	{
		name: "where an ID never comes again, requests of others do not matter",
		in:   quiet(keys("K0", "K1"), previous("K0", noon), underWayUntil(noon.Add(time.Minute))),
		rule: ruleRevokePrevious, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: "K0"},
	},
}

func places(in *Input) { in.Service.ReusesIDs = true }

// revokes: the deletion of a key was begun a while ago.
func revokes(id string, ago time.Duration) change {
	return func(in *Input) {
		in.AccessKey.Status.Intent = &v1alpha1.Intent{
			Operation: v1alpha1.OperationRevoke, KeyID: id, StartedAt: metav1.NewTime(noon.Add(-ago)),
		}
	}
}

func underWayUntil(until time.Time) change { return func(in *Input) { in.UserBusyUntil = until } }
