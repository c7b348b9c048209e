// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

const (
	day = 24 * time.Hour
	// ttl and overlap of the inputs of the tables.
	ttl, overlap = 30 * day, 10 * day
)

// issued is when the current key of the tables was made; their clock stands an hour later.
var (
	issued = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	noon   = issued.Add(time.Hour)
	// renewal is when K1 is replaced: 20 days after its issue, less the jitter that FNV-1a gives its UID.
	renewal = time.Date(2026, 3, 20, 3, 10, 28, 0, time.UTC)
)

// change is one way in which a case differs from the quiet input.
type change func(*Input)

// quiet is an AccessKey at rest: key K1 of its user is recorded, published and listed, and all was read live.
func quiet(changes ...change) Input {
	in := Input{
		Now: noon,
		AccessKey: &v1alpha1.AccessKey{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "team-a", Name: "backup", UID: "5f6c", Generation: 1,
				CreationTimestamp: metav1.NewTime(issued.Add(-time.Minute)),
				Finalizers:        []string{v1alpha1.RevokeFinalizer},
			},
			Spec: v1alpha1.AccessKeySpec{
				ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "qumulo"},
				User:       "local:backup",
				TTL:        &metav1.Duration{Duration: ttl},
			},
			Status: v1alpha1.AccessKeyStatus{
				ObservedGeneration: 1, KeyID: "K1", AccessKeyID: "AKIAK1", Revision: 1, SecretName: "backup", IssuedAt: metav1.NewTime(issued),
			},
		},
		Live:    true,
		Service: Service{KeysPerUser: 2, Overlap: true, Held: true, ReadySince: issued.Add(-day)},
		Granted: true,
	}
	for _, change := range append([]change{holds("K1", 1), keys("K1")}, changes...) {
		change(&in)
	}
	return in
}

// unissued is an AccessKey without a key or a Secret.
func unissued(changes ...change) Input {
	return quiet(append([]change{wiped, secret(SecretAbsent), keys()}, changes...)...)
}

func at(now time.Time) change { return func(in *Input) { in.Now = now } }

func cached(in *Input) { in.Live = false }

func deleting(in *Input) { in.AccessKey.DeletionTimestamp = ptr.To(metav1.NewTime(in.Now)) }

func suspending(in *Input) { in.AccessKey.Spec.Suspend = ptr.To(true) }

func wiped(in *Input) { in.AccessKey.Status = v1alpha1.AccessKeyStatus{} }

// revision of the last pair that status knows of.
func revision(n int64) change { return func(in *Input) { in.AccessKey.Status.Revision = n } }

func notGranted(in *Input) { in.Granted = false }

func busy(in *Input) { in.UserBusy = true }

func endless(in *Input) { in.AccessKey.Spec.TTL = nil }

func policy(p v1alpha1.DeletionPolicy) change {
	return func(in *Input) { in.AccessKey.Spec.DeletionPolicy = p }
}

func lives(d time.Duration) change {
	return func(in *Input) { in.AccessKey.Spec.TTL = &metav1.Duration{Duration: d} }
}

func wants(secretName string) change {
	return func(in *Input) { in.AccessKey.Spec.SecretName = secretName }
}

func asksFor(token string) change {
	return func(in *Input) { in.AccessKey.Annotations = map[string]string{v1alpha1.RenewAnnotation: token} }
}

func handled(token string) change {
	return func(in *Input) { in.AccessKey.Status.LastHandledRenewal = token }
}

func secret(state SecretState) change { return func(in *Input) { in.Secret = Secret{State: state} } }

// holds: the Secret is intact, up to date, and holds the pair of a key.
func holds(id string, revision int64, previous ...v1alpha1.PreviousKey) change {
	return func(in *Input) {
		in.Secret = Secret{State: SecretIntact, UpToDate: true, Record: recordFor(id, revision, previous...)}
	}
}

func recordFor(id string, revision int64, previous ...v1alpha1.PreviousKey) Record {
	return Record{
		KeyID: id, AccessKeyID: "AKIA" + id, Revision: revision, IssuedAt: metav1.NewTime(issued), PreviousKeys: previous, Digest: "d" + id,
	}
}

func former(name, id string) change {
	return func(in *Input) {
		in.FormerSecrets = append(in.FormerSecrets, FormerSecret{Name: name, KeyID: id, AccessKeyID: "AKIA" + id})
	}
}

// keys are what the user has at the service, made when K1 was.
func keys(ids ...string) change {
	return func(in *Input) {
		in.Keys = nil
		for _, id := range ids {
			in.Keys = append(in.Keys, Key{Key: keyservice.Key{ID: id, AccessKeyID: "AKIA" + id, CreatedAt: issued}})
		}
	}
}

// pairAt is the pair that the service has under an ID that is listed.
func pairAt(id, accessKeyID string) change {
	return func(in *Input) { in.key(id).AccessKeyID = accessKeyID }
}

// key is one more, made at a time.
func key(id string, createdAt time.Time) change {
	return func(in *Input) {
		in.Keys = append(in.Keys, Key{Key: keyservice.Key{ID: id, AccessKeyID: "AKIA" + id, CreatedAt: createdAt}})
	}
}

func claimedKey(id string, createdAt time.Time) change {
	return func(in *Input) {
		key(id, createdAt)(in)
		in.Keys[len(in.Keys)-1].Claimed = true
	}
}

// contested marks a listed key as one that another AccessKey can be about to publish.
func contested(id string, until time.Time) change {
	return func(in *Input) {
		for i := range in.Keys {
			if in.Keys[i].ID == id {
				in.Keys[i].ContestedUntil = until
			}
		}
	}
}

func previousKey(id string, revokeAt time.Time) v1alpha1.PreviousKey {
	return v1alpha1.PreviousKey{
		KeyID: id, AccessKeyID: "AKIA" + id, IssuedAt: metav1.NewTime(issued.Add(-10 * day)), RevokeAt: metav1.NewTime(revokeAt),
	}
}

func previous(id string, revokeAt time.Time) change {
	return func(in *Input) {
		in.AccessKey.Status.PreviousKeys = append(in.AccessKey.Status.PreviousKeys, previousKey(id, revokeAt))
	}
}

// intends: a create for a revision was begun a while ago, when the user had the known keys.
func intends(revision int64, ago time.Duration, known ...string) change {
	return func(in *Input) {
		in.AccessKey.Status.Intent = &v1alpha1.Intent{
			Operation: v1alpha1.OperationCreate, Revision: revision, StartedAt: metav1.NewTime(noon.Add(-ago)), KnownKeyIDs: known,
		}
	}
}

func ambiguous(ids ...string) change {
	return func(in *Input) { in.AccessKey.Status.Intent.CandidateKeyIDs = ids }
}

func sameGeneration(in *Input) { in.AccessKey.Status.ObservedGeneration = in.AccessKey.Generation }

func readySince(at time.Time) change { return func(in *Input) { in.Service.ReadySince = at } }

// failed a minute ago, to be tried again in a minute.
func failed(in *Input) {
	in.AccessKey.Status.Failures = &v1alpha1.Failures{
		Count: 1, LastTime: metav1.NewTime(noon.Add(-time.Minute)), NextAttempt: metav1.NewTime(noon.Add(time.Minute)),
	}
}

func noCurrent(in *Input) {
	in.AccessKey.Status.KeyID, in.AccessKey.Status.AccessKeyID, in.AccessKey.Status.IssuedAt = "", "", metav1.Time{}
}

func outOfDate(in *Input) { in.Secret.UpToDate = false }

func quota(keysPerUser int) change { return func(in *Input) { in.Service.KeysPerUser = keysPerUser } }

func unlimited(in *Input) { quota(0)(in) }

func serviceDeleting(in *Input) { in.Service.Deleting = true }

func notHeld(in *Input) { in.Service.Held = false }

func unprotected(in *Input) { in.AccessKey.Finalizers = nil }

func othersFinalizer(in *Input) { in.AccessKey.Finalizers = []string{v1alpha1.InUseFinalizer} }

func previousFrom(id string, issuedAt time.Time) change {
	return func(in *Input) {
		key := previousKey(id, noon.Add(day))
		key.IssuedAt = metav1.NewTime(issuedAt)
		in.AccessKey.Status.PreviousKeys = append(in.AccessKey.Status.PreviousKeys, key)
	}
}
