// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

func (in Input) suspended() bool {
	return in.AccessKey.Suspended() && !in.deleting()
}

func (in Input) deleting() bool { return !in.AccessKey.DeletionTimestamp.IsZero() }

func (in Input) finalizer() bool {
	return slices.Contains(in.AccessKey.Finalizers, v1alpha1.RevokeFinalizer)
}

// RenewalToken is the value of the annotation that asks for a rotation, empty if there is none.
func (in Input) RenewalToken() string {
	const maxLength = 1024 // of status.lastHandledRenewal
	token := in.AccessKey.Annotations[v1alpha1.RenewAnnotation]
	// A character cut in two would come back changed from the API server, and look like another token.
	return strings.ToValidUTF8(token[:min(len(token), maxLength)], "")
}

func (in Input) find(id string) (Key, bool) {
	i := slices.IndexFunc(in.Keys, func(key Key) bool { return key.ID == id })
	if id == "" || i < 0 {
		return Key{}, false
	}
	return in.Keys[i], true
}

func (in Input) listed(id string) bool {
	_, ok := in.find(id)
	return ok
}

// lists: the service has this pair, and not another one in its place.
func (in Input) lists(id, accessKeyID string) bool {
	key, ok := in.find(id)
	return ok && key.SamePair(keyservice.Key{ID: id, AccessKeyID: accessKeyID})
}

// listsRecorded: the service has the pair that status records under this ID.
func (in Input) listsRecorded(id string) bool {
	status := &in.AccessKey.Status
	if id == status.KeyID {
		return in.lists(id, status.AccessKeyID)
	}
	return slices.ContainsFunc(status.PreviousKeys, func(p v1alpha1.PreviousKey) bool {
		return p.KeyID == id && in.lists(id, p.AccessKeyID)
	})
}

// CurrentWorks reports that the service lists the current pair as one that works, or will in a moment.
func (in Input) CurrentWorks() bool {
	id := in.AccessKey.Status.KeyID
	return in.listsRecorded(id) && in.works(id)
}

// works: whatever pair the service has there works, or will in a moment.
func (in Input) works(id string) bool {
	key, ok := in.find(id)
	switch key.State {
	case "", keyservice.Active, keyservice.Pending:
		return ok && (key.ExpiresAt.IsZero() || in.Now.Before(key.ExpiresAt))
	default:
		return false
	}
}

func (in Input) state(id string) keyservice.State {
	key, _ := in.find(id)
	return key.State
}

// strategy of the spec, defaulted.
func (in Input) strategy() v1alpha1.RotationStrategy {
	if in.AccessKey.Spec.Rotation == nil || in.AccessKey.Spec.Rotation.Strategy == "" {
		return v1alpha1.StrategyAuto
	}
	return in.AccessKey.Spec.Rotation.Strategy
}

// Replaces reports that a rotation happens in place, so that no two pairs work side by side.
func (in Input) Replaces() bool {
	return in.strategy() == v1alpha1.StrategyReplace || in.strategy() == v1alpha1.StrategyAuto && !in.Service.Overlap
}

func (in Input) claimed(id string) bool {
	key, ok := in.find(id)
	return ok && key.Claimed
}

// ours: the key is one of the user, no other AccessKey's, and not older than the AccessKey, so that an edited status
// can't turn the operator against a key that somebody else made. A mark at the service is better proof than age. Without
// one, a pair that a person put into the place of ours is theirs.
func (in Input) ours(id string) bool {
	key, ok := in.find(id)
	if !ok || key.Claimed {
		return false
	}
	if key.OwnerUID != "" {
		return key.OwnerUID == string(in.AccessKey.UID)
	}
	return !in.older(key) && !in.usurped(id)
}

// usurped: another pair is in the place of a recorded one, with no mark of ours, and no operation that is open put it there.
func (in Input) usurped(id string) bool {
	key, listed := in.find(id)
	intent := in.AccessKey.Status.Intent
	return listed && key.OwnerUID == "" && slices.Contains(in.AccessKey.RecordedKeyIDs(), id) && !in.listsRecorded(id) &&
		(intent == nil || intent.KeyID != id || intent.Operation == v1alpha1.OperationRevoke)
}

// marked: the key carries this AccessKey's mark. With an intent for it, or a record of it on the Secret, that proves more than
// what another AccessKey records, which can be an ID that came again.
func (in Input) marked(id string) bool {
	key, ok := in.find(id)
	return ok && key.OwnerUID == string(in.AccessKey.UID)
}

func (in Input) older(key Key) bool {
	return !key.CreatedAt.IsZero() && key.CreatedAt.Add(clockSkew).Before(in.AccessKey.CreationTimestamp.Time)
}

// published: the Secret holds this key's pair.
func (in Input) published(id string) bool {
	return id != "" && in.Secret.State == SecretIntact && in.Secret.Record.KeyID == id && !in.outlived()
}

// outlived: the pair in the Secret is from before its key was renewed in place, or made again under the same handle. A
// person, or a name that is wanted again, can bring it back.
func (in Input) outlived() bool {
	record, status := in.Secret.Record, &in.AccessKey.Status
	if !in.Service.Regenerates {
		return false
	}
	if in.listed(record.KeyID) && !in.lists(record.KeyID, record.AccessKeyID) {
		return true
	}
	if record.KeyID == status.KeyID {
		return !record.IssuedAt.Equal(&status.IssuedAt)
	}
	return slices.ContainsFunc(status.PreviousKeys, func(p v1alpha1.PreviousKey) bool {
		return p.KeyID == record.KeyID && !record.IssuedAt.Equal(&p.IssuedAt)
	})
}

// publishedBy: the Secret holds the pair that the intent made.
func (in Input) publishedBy(intent *v1alpha1.Intent) bool { return in.holdsPairOf(in.Secret, intent) }

// waitsFor: the next Secret holds the pair that the intent made.
func (in Input) waitsFor(intent *v1alpha1.Intent) bool { return in.holdsPairOf(in.Next, intent) }

// holdsPairOf: a revision alone can come twice, after a status was lost.
func (in Input) holdsPairOf(secret Secret, intent *v1alpha1.Intent) bool {
	record := secret.Record
	if secret.State != SecretIntact || record.Revision != intent.Revision || !in.ours(record.KeyID) {
		return false
	}
	if intent.KeyID != "" {
		return record.KeyID == intent.KeyID && record.IssuedAt.Equal(&intent.StartedAt)
	}
	return !slices.Contains(intent.KnownKeyIDs, record.KeyID)
}

// needed: the Secret holds the current pair or, while it holds none that works, the one under a former name does. Status
// says so, since FormerSecrets are not read live.
func (in Input) needed() bool {
	status := &in.AccessKey.Status
	if in.Secret.State == SecretIntact && in.listed(in.Secret.Record.KeyID) && !in.outlived() {
		return in.published(status.KeyID)
	}
	return status.SecretName != in.AccessKey.SecretName()
}

// carriesMore: the record knows previous keys that live on and that status lost, even if its own key is gone.
func (in Input) carriesMore(record Record) bool {
	return slices.ContainsFunc(record.PreviousKeys, func(previous v1alpha1.PreviousKey) bool {
		return in.lists(previous.KeyID, previous.AccessKeyID) && !slices.Contains(in.AccessKey.RecordedKeyIDs(), previous.KeyID)
	})
}

// remembered: the status, the Secret or one under a former name knows the key. Deleting revokes only what status knows.
func (in Input) remembered(id string) bool {
	if slices.Contains(in.AccessKey.RecordedKeyIDs(), id) || in.deleting() {
		return slices.Contains(in.AccessKey.RecordedKeyIDs(), id)
	}
	return in.published(id) ||
		slices.ContainsFunc(in.FormerSecrets, func(former FormerSecret) bool { return former.KeyID == id })
}

func (in Input) notGranted() string {
	detail := fmt.Sprintf("ClusterKeyService %s grants namespace %s no key of user %q; ask its owner for a grant",
		in.AccessKey.Spec.ServiceRef.Name, in.AccessKey.Namespace, in.AccessKey.Spec.User)
	if in.AccessKey.Status.KeyID != "" {
		detail += fmt.Sprintf(" (access key %s, which was granted once, works on but is not rotated)", in.AccessKey.Status.AccessKeyID)
	}
	return detail
}

// earliest of two moments, of which the zero one means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func list(ids []string) string { return strings.Join(ids, ", ") }
