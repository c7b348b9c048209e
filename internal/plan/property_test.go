// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// inputs of TestEveryInput.
const inputs = 200_000

// TestEveryInput holds Next to what must be true of its answer to any input, also to one that no world leads to.
func TestEveryInput(t *testing.T) {
	answers := map[Verb]int{}
	for seed := range uint64(inputs) {
		in := anyInput(rand.New(rand.NewPCG(seed, 1)))
		before := in.AccessKey.DeepCopy()
		action := Next(in)
		answers[action.Verb]++
		for _, fault := range faults {
			if fault.in(in, action) {
				t.Fatalf("seed %d: %s: %+v\nto %+v\nof %+v", seed, fault.name, action, in, in.AccessKey)
			}
		}
		if seed%100 == 0 && !reflect.DeepEqual(in.AccessKey, before) {
			t.Fatalf("seed %d: Next changed the AccessKey to %+v\nfrom %+v", seed, in.AccessKey, before)
		}
	}
	for _, verb := range []Verb{
		Wait, Block, Look, Protect, Create, Adopt, ClearIntent, MarkAmbiguous, DeleteOrphan, Revoke, Forget, UpdateSecret, DropSecret, Release,
	} {
		if answers[verb] < inputs/10_000 {
			t.Errorf("the inputs led to %s %d times only: %v", verb, answers[verb], answers)
		}
	}
}

// faults that no answer may have, in words.
var faults = []struct {
	name string
	in   func(Input, Action) bool
}{
	{"what can't be undone comes from an input that is not live", func(in Input, action Action) bool {
		return !in.Live && slices.Contains([]Verb{Create, Revoke, DeleteOrphan, DropSecret, UpdateSecret}, action.Verb)
	}},
	{"a live input is to be looked at again", func(in Input, action Action) bool { return in.Live && action.Verb == Look }},
	{"the next moment is past", func(in Input, action Action) bool {
		return !action.Until.IsZero() && !action.Until.After(in.Now)
	}},
	{"a person is not told what to do", func(_ Input, action Action) bool {
		return action.Verb == Block && (action.Reason == "" || action.Detail == "")
	}},
	{"a key is revoked that the service does not list", func(in Input, action Action) bool {
		return revokes(action) && keyOf(in, action) == nil
	}},
	{"a key of another AccessKey is revoked", func(in Input, action Action) bool {
		return revokes(action) && keyOf(in, action).Claimed
	}},
	{"a key is revoked that is older than the AccessKey", func(in Input, action Action) bool {
		return revokes(action) && !keyOf(in, action).CreatedAt.IsZero() &&
			in.AccessKey.CreationTimestamp.Sub(keyOf(in, action).CreatedAt) > 15*time.Minute
	}},
	{"the published key is revoked", func(in Input, action Action) bool {
		published := in.Secret.State == SecretIntact && in.Secret.Record.KeyID == action.KeyID
		return revokes(action) && published && in.AccessKey.DeletionTimestamp == nil
	}},
	{"a key is revoked that is not recorded, or a recorded one as an orphan", func(in Input, action Action) bool {
		return revokes(action) && (action.Verb == Revoke) != slices.Contains(in.AccessKey.RecordedKeyIDs(), action.KeyID)
	}},
}

func revokes(action Action) bool { return action.Verb == Revoke || action.Verb == DeleteOrphan }

func keyOf(in Input, action Action) *Key {
	i := slices.IndexFunc(in.Keys, func(key Key) bool { return key.ID == action.KeyID })
	if i < 0 {
		return nil
	}
	return &in.Keys[i]
}

// anyInput makes an input of parts that need not fit together.
func anyInput(r *rand.Rand) Input {
	in := Input{
		Now:       noon,
		AccessKey: anyAccessKey(r),
		Live:      often(r),
		Secret:    Secret{State: SecretIntact, UpToDate: often(r), Record: recordFor(anyID(r), r.Int64N(4), anyPrevious(r)...)},
		Service:   Service{KeysPerUser: r.IntN(4), Held: often(r), Deleting: rarely(r), ReadySince: anyTime(r)},
		Granted:   often(r),
		UserBusy:  rarely(r),
	}
	if rarely(r) {
		in.Secret = Secret{State: []SecretState{SecretAbsent, SecretForeign, SecretEdited}[r.IntN(3)]}
	}
	for _, id := range []string{"K0", "K1", "K2", "F1"} {
		if often(r) {
			in.Keys = append(in.Keys, Key{Key: keyservice.Key{ID: id, CreatedAt: anyTime(r)}, Claimed: rarely(r)})
		}
	}
	for _, name := range []string{"backup", "old"} {
		if rarely(r) {
			in.FormerSecrets = append(in.FormerSecrets, FormerSecret{Name: name, KeyID: anyID(r)})
		}
	}
	return in
}

func anyAccessKey(r *rand.Rand) *v1alpha1.AccessKey {
	ak := quiet().AccessKey
	ak.CreationTimestamp = metav1.NewTime(issued.Add(-day))
	status := &ak.Status
	status.KeyID, status.IssuedAt, status.PreviousKeys = anyID(r), metav1.NewTime(anyTime(r)), anyPrevious(r)
	if rarely(r) {
		ak.DeletionTimestamp = ptr.To(metav1.NewTime(noon))
		ak.Spec.DeletionPolicy = []v1alpha1.DeletionPolicy{"", v1alpha1.DeletionPolicyDelete, v1alpha1.DeletionPolicyRetain}[r.IntN(3)]
	}
	if rarely(r) {
		ak.Spec.TTL = []*metav1.Duration{nil, {Duration: time.Minute}, {Duration: time.Hour}}[r.IntN(3)]
	}
	if rarely(r) {
		ak.Spec.Suspend = ptr.To(often(r))
	}
	if rarely(r) {
		ak.Finalizers = nil
	}
	if rarely(r) {
		ak.Annotations = map[string]string{v1alpha1.RenewAnnotation: "today"}
	}
	if rarely(r) {
		status.Failures = &v1alpha1.Failures{Count: 1, LastTime: metav1.NewTime(anyTime(r)), NextAttempt: metav1.NewTime(anyTime(r))}
	}
	if rarely(r) {
		status.Intent = &v1alpha1.Intent{Revision: r.Int64N(4), StartedAt: metav1.NewTime(anyTime(r))}
		if often(r) {
			status.Intent.KnownKeyIDs = []string{anyID(r), anyID(r)}
		}
		if rarely(r) {
			status.Intent.CandidateKeyIDs = []string{anyID(r), anyID(r)}
		}
	}
	return ak
}

func anyPrevious(r *rand.Rand) []v1alpha1.PreviousKey {
	var keys []v1alpha1.PreviousKey
	for range r.IntN(3) {
		key := previousKey([]string{"K0", "K1", "F1"}[r.IntN(3)], anyTime(r))
		key.IssuedAt = metav1.NewTime(anyTime(r))
		keys = append(keys, key)
	}
	return keys
}

func anyID(r *rand.Rand) string { return []string{"", "K0", "K1", "K1", "K2"}[r.IntN(5)] }

func anyTime(r *rand.Rand) time.Time {
	if rarely(r) {
		return time.Time{}
	}
	near := []time.Duration{-2 * day, -day, -time.Hour, -10 * time.Minute, -time.Minute, -time.Second, 0, time.Second, time.Hour, day}
	return noon.Add(near[r.IntN(len(near))])
}

func often(r *rand.Rand) bool  { return r.IntN(4) > 0 }
func rarely(r *rand.Rand) bool { return r.IntN(4) == 0 }
