// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// inputs is how many TestEveryInput tries.
const inputs = 200_000

// TestEveryInput checks the invariants of Next for random inputs, including ones that cannot happen.
func TestEveryInput(t *testing.T) {
	answers := map[Verb]int{}
	for seed := range uint64(inputs) {
		in := anyInput(rand.New(rand.NewPCG(seed, 1)))
		before := in.AccessKey.DeepCopy()
		answers[check(t, in)]++
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		if seed%100 == 0 && !reflect.DeepEqual(in.AccessKey, before) {
			t.Fatalf("seed %d: Next changed the AccessKey to %+v\nfrom %+v", seed, in.AccessKey, before)
		}
	}
	for _, verb := range []Verb{
		Wait, Stall, ReadLive, AskLastUse, AddFinalizer, Create, Regenerate, Promote, RecordPublished, Adopt, VerifyImport, ImportPair, ClearIntent, MarkAmbiguous, DeleteOrphan, Revoke, Disable, Enable, Forget,
		UpdateSecret, Move, DropNext, Retain, RemoveFinalizer,
	} {
		if answers[verb] < inputs/10_000 {
			t.Errorf("the inputs led to %s %d times only: %v", verb, answers[verb], answers)
		}
	}
}

// check reports every fault of the answer to an input, and returns the verb of the answer.
func check(t *testing.T, in Input) Verb {
	action := Next(in)
	for _, fault := range faults {
		if fault.in(in, action) {
			t.Errorf("%s: %+v\nto %+v\nof %+v", fault.name, action, in, in.AccessKey)
		}
	}
	return action.Verb
}

// FuzzNext checks the same invariants as TestEveryInput, for inputs that the fuzzer steers: it chooses the random numbers of
// anyInput.
func FuzzNext(f *testing.F) {
	for seed := range byte(8) {
		numbers := make([]byte, 512)
		_, _ = rand.NewChaCha8([32]byte{seed}).Read(numbers) // never fails
		f.Add(numbers)
	}
	f.Fuzz(func(t *testing.T, numbers []byte) {
		check(t, anyInput(rand.New(&steered{numbers: numbers, rest: rand.NewPCG(0, 1)})))
	})
}

// steered is a rand.Source that returns given numbers, and then random ones.
type steered struct {
	numbers []byte
	rest    rand.Source
}

// Uint64 implements rand.Source.
func (s *steered) Uint64() uint64 {
	if len(s.numbers) < 8 {
		return s.rest.Uint64()
	}
	number := binary.LittleEndian.Uint64(s.numbers)
	s.numbers = s.numbers[8:]
	return number
}

// anyInput returns an input of random parts that need not fit together.
func anyInput(r *rand.Rand) Input {
	in := Input{
		Now:       noon,
		Started:   anyTime(r),
		AccessKey: anyAccessKey(r),
		Live:      often(r),
		UserID:    userID,
		Service:   anyService(r),
		Granted:   often(r),
		UserBusy:  rarely(r),

		UserForbidden: r.IntN(16) == 0,
	}
	if rarely(r) {
		in.Service.ReusesIDs, in.UserBusyUntil = true, anyTime(r)
	}
	for _, id := range []string{"K0", "K1", "K2", "F1"} {
		if often(r) {
			in.Keys = append(in.Keys, anyKey(r, id))
		}
	}
	in.Secret, in.Next = anySecret(r, in), anyNext(r, in)
	if often(r) {
		importsFrom("AKIA" + oneOf(r, "K1", "K2", "F1"))(&in)
		in.Import.TakesOver = rarely(r)
	}
	in.Uses = map[string]Use{"K0": anyUse(r), "F1": anyUse(r)}
	if rarely(r) {
		in.TemplateProblem = "data key config, line 3"
	}
	if rarely(r) {
		opens("*/20 * * * *", oneOf(r, time.Minute, day))(&in)
	}
	in.Former.State, in.Secret.Copy = oneOf(r, SecretAbsent, SecretEdited, SecretIntact), rarely(r)
	if r.IntN(16) == 0 { // many rules are about an AccessKey that records nothing
		in.AccessKey.Status = v1alpha1.AccessKeyStatus{}
	}
	if rarely(r) {
		anyDataPlane(r, &in)
	}
	return in
}

func anyService(r *rand.Rand) Service {
	return Service{
		Identity: identity, Namespaced: often(r), KeysPerUser: r.IntN(4), Overlap: often(r), Regenerates: rarely(r), ActivatesLater: rarely(r), Quarantines: often(r), TellsLastUse: often(r),
		InUse: often(r), Deleting: rarely(r), ReadySince: anyTime(r), ClockKnown: often(r), ClockOffset: anyTime(r).Sub(noon) % time.Hour,
	}
}

// anySecret returns the wanted Secret. Often it holds the current pair, or the result of the open intent.
func anySecret(r *rand.Rand, in Input) Secret {
	status := &in.AccessKey.Status
	if rarely(r) {
		if state := oneOf(r, SecretAbsent, SecretForeign, SecretUnverified); !in.Live || state != SecretUnverified {
			return Secret{State: state}
		}
	}
	secret := Secret{State: SecretIntact, UpToDate: often(r), Record: anyRecord(r)}
	switch {
	case status.Intent != nil && rarely(r):
		secret.Record.KeyID, secret.Record.Revision, secret.Record.IssuedAt = status.Intent.KeyID, status.Intent.Revision, status.Intent.StartedAt
		if secret.Record.KeyID == "" {
			secret.Record.KeyID = "K2"
		}
	case often(r):
		secret.Record.IssuedAt = status.IssuedAt
	}
	if rarely(r) {
		secret.State = SecretEdited
	}
	if rarely(r) {
		secret.Adoptable, secret.UpToDate = true, false
	}
	return secret
}

func anyRecord(r *rand.Rand) Record {
	record := recordFor(anyID(r), r.Int64N(4), anyPrevious(r)...)
	if rarely(r) {
		record.UID = oneOf(r, formerUID, "other")
	}
	if rarely(r) {
		*oneOf(r, &record.Namespace, &record.Name, &record.Service, &record.User) = "other"
	}
	return record
}

func anyKey(r *rand.Rand, id string) Key {
	key := Key{Key: keyservice.Key{ID: id, CreatedAt: anyTime(r)}, Claimed: rarely(r)}
	if rarely(r) {
		key.State = oneOf(r, keyservice.Active, keyservice.Pending, keyservice.Disabled, keyservice.Deleting, keyservice.Failed)
	}
	if rarely(r) {
		key.AccessKeyID = oneOf(r, "AKIA"+id, "AKIAX")
	}
	if rarely(r) {
		key.OwnerUID = string(oneOf(r, uid, formerUID, "other"))
	}
	if rarely(r) {
		key.ExpiresAt = anyTime(r)
	}
	return key
}

// anyNext returns a next Secret. Mostly it holds the result of the open intent, if there is one.
func anyNext(r *rand.Rand, in Input) Secret {
	intent := in.AccessKey.Status.Intent
	secret := Secret{State: SecretIntact, Record: anyRecord(r), Adoptable: rarely(r)}
	switch {
	case intent == nil && often(r):
		return Secret{State: SecretAbsent}
	case rarely(r):
		return Secret{State: oneOf(r, SecretForeign, SecretEdited)}
	case intent != nil && often(r):
		secret.Record = recordFor(intent.KeyID, intent.Revision)
		secret.Record.IssuedAt = intent.StartedAt
	}
	return secret
}

func anyAccessKey(r *rand.Rand) *v1alpha1.AccessKey {
	ak := quiet().AccessKey
	status := &ak.Status
	status.KeyID, status.IssuedAt, status.PreviousKeys = anyID(r), metav1.NewTime(anyTime(r)), anyPrevious(r)
	status.AccessKeyID = "AKIA" + status.KeyID
	for _, change := range []func(){
		func() { *status = v1alpha1.AccessKeyStatus{} },
		func() { ak.DeletionTimestamp = ptr.To(metav1.NewTime(noon)) },
		func() { ak.Spec.DeletionPolicy = v1alpha1.DeletionPolicyRetain },
		func() { ak.Spec.SecretName = "other" },
		func() {
			ak.Spec.TTL = oneOf(r, nil, &metav1.Duration{Duration: time.Minute}, &metav1.Duration{Duration: time.Hour})
		},
		func() { oneOf(r, overlaps, replaces)(&Input{AccessKey: ak}) },
		func() { ak.Spec.Suspend = ptr.To(often(r)) },
		func() { ak.Finalizers = nil },
		func() { ak.Annotations = map[string]string{v1alpha1.RenewAnnotation: "today"} },
		func() {
			ak.Annotations = map[string]string{v1alpha1.EnableAnnotation: oneOf(r, "K0", "AKIAK0 again", "F1")}
		},
		func() { quarantines(oneOf(r, time.Minute, day))(&Input{AccessKey: ak}) },
		func() { revokesWhenIdle(oneOf(r, time.Hour, day))(&Input{AccessKey: ak}) },
		func() {
			status.Failures = &v1alpha1.Failures{Count: 1, LastTime: metav1.NewTime(anyTime(r)), NextAttempt: metav1.NewTime(anyTime(r))}
		},
		func() { status.Intent = anyIntent(r) },
		func() { ak.Spec.CompromisedKeyIDs = []string{anyID(r)} },
		func() {
			revoked(anyID(r), oneOf(r, v1alpha1.RevokedCompromised, v1alpha1.RevokedGone))(&Input{AccessKey: ak})
		},
	} {
		if rarely(r) {
			change()
		}
	}
	return ak
}

func anyIntent(r *rand.Rand) *v1alpha1.Intent {
	operation := oneOf(r, v1alpha1.OperationCreate, v1alpha1.OperationRegenerate, v1alpha1.OperationRevoke)
	intent := &v1alpha1.Intent{Operation: operation, Revision: r.Int64N(4), StartedAt: metav1.NewTime(anyTime(r))}
	if often(r) {
		intent.KeyID = anyID(r)
	}
	if often(r) {
		intent.KnownKeyIDs = []string{anyID(r), anyID(r)}
	}
	if rarely(r) {
		intent.LateUntil = metav1.NewTime(anyTime(r))
	}
	if rarely(r) {
		intent.CandidateKeyIDs = []string{anyID(r), anyID(r)}
	}
	return intent
}

func anyPrevious(r *rand.Rand) []v1alpha1.PreviousKey {
	var keys []v1alpha1.PreviousKey
	ids := []string{"K0", "K1", "F1"}
	r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	for _, id := range ids[:r.IntN(3)] {
		key := previousKey(id, anyTime(r))
		key.IssuedAt = metav1.NewTime(anyTime(r))
		if rarely(r) {
			key.State, key.DeleteAt = v1alpha1.KeyDisabled, metav1.NewTime(anyTime(r))
		}
		if often(r) {
			key.ReplacedAt = metav1.NewTime(anyTime(r))
		}
		if rarely(r) {
			key.EnabledAt = metav1.NewTime(anyTime(r))
		}
		keys = append(keys, key)
	}
	return keys
}

func anyUse(r *rand.Rand) Use {
	return Use{AskedAt: earliest(anyTime(r), noon), Known: often(r), LastUsedAt: earliest(anyTime(r), noon)}
}

func anyID(r *rand.Rand) string { return oneOf(r, "", "K0", "K1", "K1", "K2") }

func anyTime(r *rand.Rand) time.Time {
	if rarely(r) {
		return time.Time{}
	}
	return noon.Add(oneOf(r, -2*day, -day, -time.Hour, -10*time.Minute, -time.Minute, -time.Second, 0, time.Second, time.Hour, day))
}

func oneOf[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func often(r *rand.Rand) bool  { return r.IntN(4) > 0 }
func rarely(r *rand.Rand) bool { return r.IntN(4) == 0 }
