// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/rand/v2"
	"reflect"
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
		Wait, Block, Look, Protect, Create, Regenerate, Publish, Adopt, ClearIntent, MarkAmbiguous, DeleteOrphan, Revoke, Forget, UpdateSecret, DropSecret, Release,
	} {
		if answers[verb] < inputs/10_000 {
			t.Errorf("the inputs led to %s %d times only: %v", verb, answers[verb], answers)
		}
	}
}

// anyInput makes an input of parts that need not fit together.
func anyInput(r *rand.Rand) Input {
	in := Input{
		Now:       noon,
		AccessKey: anyAccessKey(r),
		Live:      often(r),
		Secret:    Secret{State: SecretIntact, UpToDate: often(r), Record: recordFor(anyID(r), r.Int64N(4), anyPrevious(r)...)},
		Service:   Service{KeysPerUser: r.IntN(4), Overlap: often(r), Regenerates: rarely(r), Held: often(r), Deleting: rarely(r), ReadySince: anyTime(r)},
		Granted:   often(r),
		UserBusy:  rarely(r),
	}
	if rarely(r) {
		in.Secret = Secret{State: []SecretState{SecretAbsent, SecretForeign, SecretEdited}[r.IntN(3)]}
	}
	if often(r) {
		in.Secret.Record.IssuedAt = in.AccessKey.Status.IssuedAt
	}
	if rarely(r) {
		in.Service.ReusesIDs, in.UserBusyUntil = true, anyTime(r)
	}
	in.Next = anyNext(r, in.AccessKey.Status.Intent)
	for _, id := range []string{"K0", "K1", "K2", "F1"} {
		if often(r) {
			in.Keys = append(in.Keys, anyKey(r, id))
		}
	}
	for _, name := range []string{"backup", "old"} {
		if rarely(r) {
			in.FormerSecrets = append(in.FormerSecrets, FormerSecret{Name: name, KeyID: anyID(r), AccessKeyID: "AKIAX"})
		}
	}
	return in
}

func anyKey(r *rand.Rand, id string) Key {
	key := Key{Key: keyservice.Key{ID: id, CreatedAt: anyTime(r)}, Claimed: rarely(r)}
	if rarely(r) {
		states := []keyservice.State{keyservice.Active, keyservice.Pending, keyservice.Disabled, keyservice.Deleting, keyservice.Failed}
		key.State = states[r.IntN(len(states))]
	}
	if rarely(r) {
		key.AccessKeyID = []string{"AKIA" + id, "AKIAX"}[r.IntN(2)]
	}
	if rarely(r) {
		key.OwnerUID = []string{"5f6c", "5f6c", "other"}[r.IntN(3)]
	}
	if rarely(r) {
		key.ExpiresAt = anyTime(r)
	}
	return key
}

// anyNext is mostly what the open intent, if there is one, could have left to wait.
func anyNext(r *rand.Rand, intent *v1alpha1.Intent) Secret {
	secret := Secret{State: SecretIntact, Record: recordFor(anyID(r), r.Int64N(4))}
	switch {
	case intent == nil && often(r):
		return Secret{State: SecretAbsent}
	case rarely(r):
		return Secret{State: []SecretState{SecretForeign, SecretEdited}[r.IntN(2)]}
	case intent != nil && often(r):
		secret.Record = recordFor(intent.KeyID, intent.Revision)
		secret.Record.IssuedAt = intent.StartedAt
	}
	return secret
}

func anyAccessKey(r *rand.Rand) *v1alpha1.AccessKey {
	ak := quiet().AccessKey
	ak.CreationTimestamp = metav1.NewTime(issued.Add(-day))
	status := &ak.Status
	status.KeyID, status.IssuedAt, status.PreviousKeys = anyID(r), metav1.NewTime(anyTime(r)), anyPrevious(r)
	status.AccessKeyID = "AKIA" + status.KeyID
	if rarely(r) {
		ak.DeletionTimestamp = ptr.To(metav1.NewTime(noon))
		ak.Spec.DeletionPolicy = []v1alpha1.DeletionPolicy{"", v1alpha1.DeletionPolicyDelete, v1alpha1.DeletionPolicyRetain}[r.IntN(3)]
	}
	if rarely(r) {
		ak.Spec.TTL = []*metav1.Duration{nil, {Duration: time.Minute}, {Duration: time.Hour}}[r.IntN(3)]
	}
	if rarely(r) {
		strategies := []v1alpha1.RotationStrategy{v1alpha1.StrategyAuto, v1alpha1.StrategyOverlap, v1alpha1.StrategyReplace}
		ak.Spec.Rotation = &v1alpha1.Rotation{Strategy: strategies[r.IntN(len(strategies))]}
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
		operations := []v1alpha1.Operation{v1alpha1.OperationCreate, v1alpha1.OperationRegenerate, v1alpha1.OperationRevoke}
		status.Intent = &v1alpha1.Intent{Operation: operations[r.IntN(3)], Revision: r.Int64N(4), StartedAt: metav1.NewTime(anyTime(r))}
		if often(r) {
			status.Intent.KeyID = anyID(r)
		}
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
