// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// lateUntil says until when an earlier request of the open intent can be carried out.
func lateUntil(until time.Time) change {
	return func(in *Input) { in.AccessKey.Status.Intent.LateUntil = metav1.NewTime(until) }
}

// answered records the result of the open intent: K1 was regenerated a second ago.
func answered(in *Input) {
	regenerating("K1", time.Second)(in)
	lateUntil(noon.Add(time.Minute))(in)
	in.AccessKey.Status.Revision, in.AccessKey.Status.IssuedAt = 2, in.AccessKey.Status.Intent.StartedAt
	holds("K1", 2)(in)
	publishedAgo(time.Second)(in)
}

// keepsAccessKeyID is a service where a regenerated key can have the same access key ID as before.
func keepsAccessKeyID(in *Input) { in.Service.KeepsAccessKeyID = true }

// lateCases are about regenerating at once, because perhaps no published pair works, and about requests that are carried out late.
var lateCases = []decision{
	{"a published pair that may have ended is regenerated at once", quiet(regenerates, oneSlot, regenerating("K1", time.Second)), bySettle(Regenerate, "K1")},
	{"so is one that has ended", quiet(regenerates, oneSlot, regenerating("K1", time.Second), pairAt("K1", "AKIAX")), bySettle(Regenerate, "K1")},
	{"the first failure causes no pause", quiet(regenerates, oneSlot, regenerating("K1", time.Second), failedFor(1, 5*time.Second)), bySettle(Regenerate, "K1")},
	{"the second failure does", quiet(regenerates, oneSlot, regenerating("K1", time.Second), failedFor(2, 9*time.Second)),
		waiting(ruleBackOff, v1alpha1.ReasonRetrying, noon.Add(8*time.Second), "")},
	{"so does a service that asks for it", quiet(regenerates, oneSlot, regenerating("K1", time.Second), failedFor(1, time.Minute)),
		waiting(ruleBackOff, v1alpha1.ReasonRetrying, noon.Add(59*time.Second), "")},
	{"so does the first failure of another operation", quiet(intends(2, time.Second, "K1"), failedFor(1, 5*time.Second)),
		waiting(ruleBackOff, v1alpha1.ReasonRetrying, noon.Add(4*time.Second), "")},
	{"a first key that was created without a response is regenerated at once", unissued(regenerates, intendsFor("K2", time.Second), key("K2", noon), marked("K2", uid)),
		bySettle(Regenerate, "K2")},
	{"a second key is not while the published pair works", quiet(regenerates, intendsFor("K2", time.Second), key("K2", noon)), settlesAt(noon.Add(2*time.Minute - time.Second))},
	{"nor is a first key whose regeneration can be carried out late", unissued(regenerates, regenerating("K2", time.Second), key("K2", noon), marked("K2", uid)),
		settlesAt(noon.Add(2*time.Minute - time.Second))},
	{"nor is a first key where a list does not show a late request", unissued(regenerates, keepsAccessKeyID, intendsFor("K2", time.Second), key("K2", noon), marked("K2", uid)),
		settlesAt(noon.Add(2*time.Minute - time.Second))},
	{"nor is a key that is not there yet", unissued(regenerates, intendsFor("K2", time.Second)), settlesAt(noon.Add(2*time.Minute - time.Second))},
	{"nor one that does not work yet", unissued(regenerates, intendsFor("K2", time.Second), key("K2", noon), being(keyservice.Pending, "K2")), settlesAt(noon.Add(2*time.Minute - time.Second))},
	{"nor one whose AccessKey is being deleted", quiet(regenerates, oneSlot, deleting, regenerating("K1", time.Second)), settlesAt(noon.Add(2*time.Minute - time.Second))},
	{"nor one whose pair cannot be published", quiet(regenerates, oneSlot, regenerating("K1", time.Second), secret(SecretForeign)), settlesAt(noon.Add(2*time.Minute - time.Second))},
	{"an earlier request keeps an intent open for longer", quiet(regenerates, oneSlot, deleting, regenerating("K1", time.Hour), lateUntil(noon.Add(time.Minute))), settlesAt(noon.Add(time.Minute))},
	{"also of a key that the service could not make, because that could make it again", quiet(regenerates, intendsFor("K2", time.Hour), lateUntil(noon.Add(time.Minute)), key("K2", noon), being(keyservice.Failed, "K2")),
		settlesAt(noon.Add(time.Minute))},

	{"an earlier request is watched for after the pair is recorded", quiet(regenerates, oneSlot, answered), settlesAt(noon.Add(time.Minute))},
	{"it is watched for to the end", quiet(regenerates, oneSlot, answered, lateUntil(noon.Add(time.Second))), settlesAt(noon.Add(time.Second))},
	{"it is watched for after a restart, because the clock may have been set forward", quiet(regenerates, oneSlot, answered, lateUntil(noon), startedAgo(119*time.Second)),
		settlesAt(noon.Add(time.Second))},
	{"an earlier request that is carried out late is answered by regenerating once more", quiet(regenerates, oneSlot, answered, pairAt("K1", "AKIAX")), bySettle(Regenerate, "K1")},
	{"a key that was deleted meanwhile is not created before an earlier request can no longer be carried out", quiet(regenerates, oneSlot, answered, keys()), settlesAt(noon.Add(time.Minute))},
	{"a deleted AccessKey waits for an earlier request, whatever the pair is", quiet(regenerates, oneSlot, answered, deleting, pairAt("K1", "AKIAX")), settlesAt(noon.Add(time.Minute))},
	{"an earlier request that can no longer be carried out leaves nothing to settle", quiet(regenerates, oneSlot, answered, lateUntil(noon)), bySettle(ClearIntent)},
	{"one that was carried out at the last moment is answered, too", quiet(regenerates, oneSlot, answered, lateUntil(noon), pairAt("K1", "AKIAX")), bySettle(Regenerate, "K1")},
	{"with its AccessKey deleted, the key is revoked", quiet(regenerates, oneSlot, answered, deleting, lateUntil(noon), pairAt("K1", "AKIAX")), answer{ruleSettle, do(Revoke, v1alpha1.ReasonDeleting, "K1")}},
	{"where a list does not show whether it was carried out, the pair is regenerated once more", quiet(regenerates, keepsAccessKeyID, answered, lateUntil(noon)), bySettle(Regenerate, "K1")},
	{"but not before", quiet(regenerates, keepsAccessKeyID, answered), settlesAt(noon.Add(time.Minute))},
}

// failedFor records so many failures, the last one a second ago, and the pause after it.
func failedFor(count int32, pause time.Duration) change {
	return func(in *Input) {
		sameGeneration(in)
		last := noon.Add(-time.Second)
		in.AccessKey.Status.Failures = &v1alpha1.Failures{Count: count, LastTime: metav1.NewTime(last), NextAttempt: metav1.NewTime(last.Add(pause))}
	}
}

// TestLateUntil is about the intent of a regeneration that follows the open intent now.
func TestLateUntil(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		want time.Time
	}{
		{"without an intent nothing is late", quiet(), time.Time{}},
		{"a regeneration can be carried out for two minutes", quiet(regenerating("K1", time.Second)), noon.Add(2*time.Minute - time.Second)},
		{"it can be, if the clock was set forward meanwhile", quiet(regenerating("K1", time.Hour), startedAgo(time.Minute)), noon.Add(time.Minute)},
		{"after that it cannot", quiet(regenerating("K1", 2*time.Minute)), time.Time{}},
		{"a creation can end in a regeneration", quiet(intendsFor("K2", time.Second), key("K2", noon)), noon.Add(2*time.Minute - time.Second)},
		{"an operation that was answered has been carried out, and the earlier request has not", quiet(answered), noon.Add(time.Minute)},
		{"the latest request counts", quiet(regenerating("K1", time.Second), lateUntil(noon.Add(time.Minute))), noon.Add(2*time.Minute - time.Second)},
	} {
		if got := c.in.LateUntil(); !got.Equal(c.want) {
			t.Errorf("%s: LateUntil = %s, want %s", c.name, got, c.want)
		}
	}
}

func TestApplyKeepsTheIntentWhileAnEarlierRequestIsOpen(t *testing.T) {
	for until, want := range map[time.Time]bool{{}: false, noon.Add(time.Minute): true} {
		in := quiet(regenerating("K1", time.Second), lateUntil(until))
		intent := in.AccessKey.Status.Intent
		NextRecord(in, intent, keyservice.Key{ID: "K1", AccessKeyID: "AKIAK1b"}).Apply(in.AccessKey)
		if got := in.AccessKey.Status.Intent != nil; got != want || in.Answered() != want {
			t.Errorf("with an earlier request until %s, the intent is kept: %t, want %t", until, got, want)
		}
	}
}
