// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

const (
	day = 24 * time.Hour
	// ttl and overlap of the inputs of the tables.
	ttl, overlap = 30 * day, 10 * day
	// uid of the AccessKey, and formerUID of the one that had its name before.
	uid, formerUID = types.UID("5f6c"), types.UID("0a1b")
	// identity of the key service, and the canonical userID of local:backup there.
	identity, userID = "qumulo/6f1d", "auth_id:501"
)

// issued is when the current key of the tables was created. Their time is an hour later.
var (
	issued = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	noon   = issued.Add(time.Hour)
	// renewal is when K1 is rotated: 20 days after its issue, minus the jitter of its UID (FNV-1a).
	renewal = time.Date(2026, 3, 20, 3, 10, 28, 0, time.UTC)
)

// change is a difference of a case from the quiet input.
type change func(*Input)

// quiet is an AccessKey at rest: key K1 of its user is recorded, published and listed, and everything was read live.
func quiet(changes ...change) Input {
	in := Input{
		Now:     noon,
		Started: issued.Add(-day),
		AccessKey: &v1alpha1.AccessKey{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "team-a", Name: "backup", UID: uid, Generation: 1,
				Finalizers: []string{v1alpha1.RevokeFinalizer},
			},
			Spec: v1alpha1.AccessKeySpec{
				ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "qumulo"},
				User:       "local:backup",
				TTL:        &metav1.Duration{Duration: ttl},
			},
			Status: v1alpha1.AccessKeyStatus{
				ObservedGeneration: 1, KeyID: "K1", AccessKeyID: "AKIAK1", UserID: userID, Revision: 1, SecretName: "backup", IssuedAt: metav1.NewTime(issued), IssueReason: v1alpha1.IssuedNew,
			},
		},
		Live:    true,
		UserID:  userID,
		Service: Service{Identity: identity, Namespaced: true, KeysPerUser: 2, Overlap: true, InUse: true, ReadySince: issued.Add(-day)},
		Granted: true,
		Next:    Secret{State: SecretAbsent},
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
func cached(in *Input)        { in.Live = false }
func deleting(in *Input)      { in.AccessKey.DeletionTimestamp = ptr.To(metav1.NewTime(in.Now)) }
func suspending(in *Input)    { in.AccessKey.Spec.Suspend = ptr.To(true) }
func wiped(in *Input)         { in.AccessKey.Status = v1alpha1.AccessKeyStatus{} }

// revision sets the last revision that the status records.
func revision(n int64) change { return func(in *Input) { in.AccessKey.Status.Revision = n } }
func notGranted(in *Input)    { in.Granted = false }
func forbidden(in *Input)     { in.UserForbidden = true }
func busy(in *Input)          { in.UserBusy = true }
func userGone(in *Input)      { in.UserGone = true }

// grantedFor is the longest ttl that the grants allow.
func grantedFor(longest time.Duration) change { return func(in *Input) { in.MaxTTL = longest } }
func busyWith(name string, ago time.Duration) change {
	return func(in *Input) { in.UserBusyWith, in.UserBusySince = name, noon.Add(-ago) }
}
func endless(in *Input)   { in.AccessKey.Spec.TTL = nil }
func retaining(in *Input) { in.AccessKey.Spec.DeletionPolicy = v1alpha1.DeletionPolicyRetain }
func lives(d time.Duration) change {
	return func(in *Input) { in.AccessKey.Spec.TTL = &metav1.Duration{Duration: d} }
}
func renewsBefore(d time.Duration) change {
	return func(in *Input) { in.AccessKey.Spec.RenewBefore = &metav1.Duration{Duration: d} }
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

// edited says that the spec changed since it was reconciled last.
func edited(in *Input) { in.AccessKey.Generation++ }

// names says that spec.compromisedKeyIDs has these IDs.
func names(ids ...string) change {
	return func(in *Input) { in.AccessKey.Spec.CompromisedKeyIDs = ids }
}

// revoked adds a key to the history.
func revoked(id string, why v1alpha1.RevokeReason) change {
	return func(in *Input) {
		in.AccessKey.Status.History = append(in.AccessKey.Status.History, v1alpha1.RevokedKey{
			KeyID: id, AccessKeyID: "AKIA" + id, IssuedAt: metav1.NewTime(issued.Add(-day)), RevokedAt: metav1.NewTime(issued), RevokeReason: why,
		})
	}
}

// revokedAgo adds a key that was revoked to the history.
func revokedAgo(id string, ago time.Duration) change {
	return func(in *Input) {
		revoked(id, v1alpha1.RevokedMadeRoom)(in)
		in.AccessKey.Status.History[0].RevokedAt = metav1.NewTime(noon.Add(-ago))
	}
}

// former sets the Secret with the former name.
func former(state SecretState) change { return func(in *Input) { in.Former = Secret{State: state} } }

func secret(state SecretState) change { return func(in *Input) { in.Secret = Secret{State: state} } }

// holds puts the pair of a key into an intact and current Secret.
func holds(id string, revision int64, previous ...v1alpha1.PreviousKey) change {
	return func(in *Input) {
		in.Secret = Secret{State: SecretIntact, UpToDate: true, Record: recordFor(id, revision, previous...)}
	}
}

// holdsPrevious puts the pair of a previous key into the Secret.
func holdsPrevious(id string) change {
	return func(in *Input) {
		holds(id, 1)(in)
		in.Secret.Record.IssuedAt = previousKey(id, noon).IssuedAt
	}
}

// recordFor returns the record of this AccessKey on the Secret with the pair of a key.
func recordFor(id string, revision int64, previous ...v1alpha1.PreviousKey) Record {
	return Record{
		UID: uid, Namespace: "team-a", Name: "backup", Service: identity, User: userID,
		KeyID: id, AccessKeyID: "AKIA" + id, Revision: revision, IssuedAt: metav1.NewTime(issued), PreviousKeys: previous, Digest: "d" + id,
	}
}

func ownedBy(owner string) change { return func(in *Input) { in.Secret.Owner = owner } }

// abandoned says that no AccessKey that exists controls the Secret.
func abandoned(in *Input) { in.Secret.Adoptable, in.Secret.UpToDate = true, false }

// recordSays changes the record on the Secret.
func recordSays(change func(*Record)) change { return func(in *Input) { change(&in.Secret.Record) } }

// keys are the user's keys at the service, created when K1 was.
func keys(ids ...string) change {
	return func(in *Input) {
		in.Keys = nil
		for _, id := range ids {
			in.Keys = append(in.Keys, Key{Key: keyservice.Key{ID: id, AccessKeyID: "AKIA" + id, CreatedAt: issued}})
		}
	}
}

// pairAt sets the pair of a listed key.
func pairAt(id, accessKeyID string) change {
	return func(in *Input) { in.key(id).AccessKeyID = accessKeyID }
}

// key adds a key that was created at a time.
func key(id string, createdAt time.Time) change {
	return func(in *Input) {
		in.Keys = append(in.Keys, Key{Key: keyservice.Key{ID: id, AccessKeyID: "AKIA" + id, CreatedAt: createdAt}})
	}
}

// claimed says that another AccessKey records a listed key.
func claimed(id string) change { return func(in *Input) { in.key(id).Claimed = true } }

func previousKey(id string, revokeAt time.Time) v1alpha1.PreviousKey {
	return v1alpha1.PreviousKey{
		KeyID: id, AccessKeyID: "AKIA" + id, IssuedAt: metav1.NewTime(issued.Add(-10 * day)), RevokeAt: metav1.NewTime(revokeAt),
	}
}

func previous(id string, revokeAt time.Time, changes ...func(*v1alpha1.PreviousKey)) change {
	return func(in *Input) {
		key := previousKey(id, revokeAt)
		for _, change := range changes {
			change(&key)
		}
		in.AccessKey.Status.PreviousKeys = append(in.AccessKey.Status.PreviousKeys, key)
	}
}

// overlapping adds a previous key that works for another day.
func overlapping(id string) change { return previous(id, noon.Add(day)) }

// previousIn adds a previous key whose pair is still in a Secret with a former name.
func previousIn(secretName, id string) change {
	return previous(id, noon.Add(day), func(p *v1alpha1.PreviousKey) { p.SecretName = secretName })
}

func previousFrom(id string, issuedAt time.Time) change {
	return previous(id, noon.Add(day), func(p *v1alpha1.PreviousKey) { p.IssuedAt = metav1.NewTime(issuedAt) })
}

// manyPrevious adds previous keys P0, P1 and so on that work for another day; the service lists none of them.
func manyPrevious(count int) change {
	return func(in *Input) {
		for n := range count {
			previousFrom(fmt.Sprint("P", n), issued.Add(time.Duration(n-100)*time.Hour))(in)
		}
	}
}

func outOfDate(in *Input) { in.Secret.UpToDate = false }
