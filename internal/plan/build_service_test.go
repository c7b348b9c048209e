// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// These changes describe other services than that of the quiet input, and operations at them.

func regenerates(in *Input) { in.Service.Regenerates = true }

// oneSlot is a service that holds one key per user.
func oneSlot(in *Input)            { in.Service.KeysPerUser, in.Service.Overlap = 1, false }
func quota(keysPerUser int) change { return func(in *Input) { in.Service.KeysPerUser = keysPerUser } }
func unlimited(in *Input)          { quota(0)(in) }

// cluster says that the service is a ClusterKeyService.
func cluster(in *Input) {
	in.Service.Namespaced, in.AccessKey.Spec.ServiceRef.Kind = false, v1alpha1.KindClusterKeyService
}

// lacking says that an object of the service does not exist.
func lacking(object string) change {
	return func(in *Input) { in.Service.Missing = object + " does not exist" }
}

func createdAgo(d time.Duration) change {
	return func(in *Input) { in.AccessKey.CreationTimestamp = metav1.NewTime(noon.Add(-d)) }
}

func serviceDeleting(in *Input) { in.Service.Deleting = true }
func notInUse(in *Input)        { in.Service.InUse = false }
func noFinalizer(in *Input)     { in.AccessKey.Finalizers = nil }
func othersFinalizer(in *Input) { in.AccessKey.Finalizers = []string{v1alpha1.InUseFinalizer} }
func activatesLater(in *Input)  { in.Service.ActivatesLater = true }
func reusesIDs(in *Input)       { in.Service.ReusesIDs = true }
func elsewhere(in *Input)       { in.Service.IdentityChanged = "another cluster" }
func deletesUsers(in *Input)    { in.Service.DeletesUsers = true }
func listsAfter(d time.Duration) change {
	return func(in *Input) { in.Service.ListLag = d }
}
func answersIn(d time.Duration) change {
	return func(in *Input) { in.Service.OperationTime = d }
}
func inUseProblem(in *Input)         { in.Service.InUseProblem = "the webhook is away" }
func refusing(in *Input)             { in.Service.Refusal = "unknown account" }
func readySince(at time.Time) change { return func(in *Input) { in.Service.ReadySince = at } }

// ahead sets how far the service's clock is known to be ahead.
func ahead(d time.Duration) change {
	return func(in *Input) { in.Service.ClockKnown, in.Service.ClockOffset = true, d }
}

func rotation(s v1alpha1.RotationStrategy) *v1alpha1.Rotation { return &v1alpha1.Rotation{Strategy: s} }
func overlaps(in *Input)                                      { in.AccessKey.Spec.Rotation = rotation(v1alpha1.StrategyOverlap) }
func replaces(in *Input)                                      { in.AccessKey.Spec.Rotation = rotation(v1alpha1.StrategyReplace) }

func (in *Input) key(id string) *Key {
	return &in.Keys[slices.IndexFunc(in.Keys, func(key Key) bool { return key.ID == id })]
}

func being(state keyservice.State, id string) change {
	return func(in *Input) { in.key(id).State = state }
}
func marked(id string, uid types.UID) change {
	return func(in *Input) { in.key(id).OwnerUID = string(uid) }
}
func endsAt(id string, end time.Time) change { return func(in *Input) { in.key(id).ExpiresAt = end } }

// intends opens an intent to create a key. The user had the known keys when it started.
func intends(revision int64, ago time.Duration, known ...string) change {
	return func(in *Input) {
		in.AccessKey.Status.Intent = &v1alpha1.Intent{
			Operation: v1alpha1.OperationCreate, Reason: v1alpha1.IssuedRequested, Revision: revision, StartedAt: metav1.NewTime(noon.Add(-ago)), KnownKeyIDs: known,
		}
	}
}

// intendsFor opens an intent for a chosen ID. K1 existed when it started.
func intendsFor(id string, ago time.Duration) change {
	return func(in *Input) {
		intends(2, ago, "K1")(in)
		in.AccessKey.Status.Intent.KeyID = id
	}
}

// lost opens an intent for a chosen ID whose response was lost. It can be settled now.
func lost(id string) change { return intendsFor(id, 2*time.Minute) }

// regenerating opens an intent to regenerate a key.
func regenerating(id string, ago time.Duration) change {
	return func(in *Input) {
		intendsFor(id, ago)(in)
		in.AccessKey.Status.Intent.Operation = v1alpha1.OperationRegenerate
	}
}

// revokes opens an intent to delete a key.
func revokes(id string, ago time.Duration) change {
	return func(in *Input) {
		intendsFor(id, ago)(in)
		in.AccessKey.Status.Intent.Operation = v1alpha1.OperationRevoke
	}
}

func held(in *Input) { in.Held = true }

func ambiguous(ids ...string) change {
	return func(in *Input) { in.AccessKey.Status.Intent.CandidateKeyIDs = ids }
}

// startedAgo sets the age of this process.
func startedAgo(ago time.Duration) change { return func(in *Input) { in.Started = in.Now.Add(-ago) } }

// publishedAgo dates the pair in the Secret.
func publishedAgo(ago time.Duration) change {
	return func(in *Input) { in.Secret.Record.IssuedAt = metav1.NewTime(noon.Add(-ago)) }
}

// stages puts a pair into the next Secret.
func stages(id string, revision int64, ago time.Duration) change {
	return func(in *Input) {
		record := recordFor(id, revision)
		record.IssuedAt = metav1.NewTime(noon.Add(-ago))
		in.Next = Secret{State: SecretIntact, UpToDate: true, Record: record}
	}
}

// nextOf says that no AccessKey controls the next Secret, and that its record is of an AccessKey with this name.
func nextOf(name string) change {
	return func(in *Input) { in.Next.Adoptable, in.Next.Record.Name = true, name }
}

func next(state SecretState) change { return func(in *Input) { in.Next = Secret{State: state} } }
func sameGeneration(in *Input)      { in.AccessKey.Status.ObservedGeneration = in.AccessKey.Generation }

// failed records a failure a minute ago, and the next attempt in a minute.
func failed(in *Input) {
	in.AccessKey.Status.Failures = &v1alpha1.Failures{
		Count: 1, LastTime: metav1.NewTime(noon.Add(-time.Minute)), NextAttempt: metav1.NewTime(noon.Add(time.Minute)),
	}
}
