// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
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

func (in Input) hasFinalizer() bool {
	return slices.Contains(in.AccessKey.Finalizers, v1alpha1.RevokeFinalizer)
}

// hasKeys reports whether the status leads to a key, or to an operation that may have created one.
func (in Input) hasKeys() bool {
	return in.AccessKey.Status.Intent != nil || len(in.AccessKey.RecordedKeyIDs()) > 0
}

// RenewalToken returns the value of the annotation that requests a rotation, empty if there is none.
func (in Input) RenewalToken() string { return token(in.AccessKey, v1alpha1.RenewAnnotation) }

// token returns the value of an annotation, as far as the status can record it.
func token(ak *v1alpha1.AccessKey, annotation string) string {
	return asToken(ak.Annotations[annotation])
}

// asToken cuts a value to what the status can record.
func asToken(value string) string {
	const maxLength = 1024 // of status.lastHandledRenewal and status.lastHandledEnable
	// The API server would change a character that is cut in two, and the token would look like another one.
	return strings.ToValidUTF8(value[:min(len(value), maxLength)], "")
}

// renewalRequested reports whether the annotation asks for a rotation that was not made yet.
func (in Input) renewalRequested() bool {
	token := in.RenewalToken()
	return token != "" && token != in.AccessKey.Status.LastHandledRenewal
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

// lists reports whether the service has this pair, and not another pair under the same ID.
func (in Input) lists(id, accessKeyID string) bool {
	key, ok := in.find(id)
	return ok && key.SamePair(keyservice.Key{ID: id, AccessKeyID: accessKeyID})
}

// listsRecorded reports whether the service has the pair that the status records under this ID.
func (in Input) listsRecorded(id string) bool {
	status := &in.AccessKey.Status
	if id == status.KeyID {
		return in.lists(id, status.AccessKeyID)
	}
	return slices.ContainsFunc(status.PreviousKeys, func(p v1alpha1.PreviousKey) bool {
		return p.KeyID == id && in.lists(id, p.AccessKeyID)
	})
}

func (in Input) recorded(id string) bool { return slices.Contains(in.AccessKey.RecordedKeyIDs(), id) }

// recordsNothing reports whether the status knows of no key, past or present, so that it may have been lost.
func (in Input) recordsNothing() bool {
	status := &in.AccessKey.Status
	return status.KeyID == "" && len(status.PreviousKeys) == 0 && status.Intent == nil && status.Revision == 0
}

// currentWorks reports whether the service lists the current pair as one that works, or will work in a moment.
func (in Input) currentWorks() bool {
	id := in.AccessKey.Status.KeyID
	return in.listsRecorded(id) && in.works(id)
}

// works reports whether the pair that the service has under this ID works, or will work in a moment.
func (in Input) works(id string) bool {
	key, ok := in.find(id)
	switch key.State {
	case "", keyservice.Active, keyservice.Pending:
		return ok && (key.ExpiresAt.IsZero() || in.Now.Before(key.ExpiresAt))
	default:
		return false
	}
}

// endOf returns when the service ends the pair under this ID by itself; zero if it does not.
func (in Input) endOf(id string) time.Time {
	key, _ := in.find(id)
	return key.ExpiresAt
}

func (in Input) state(id string) keyservice.State {
	key, _ := in.find(id)
	return key.State
}

// message is what the service says about the state of a key.
func (in Input) message(id string) string {
	key, _ := in.find(id)
	return key.Message
}

// strategy of the spec, defaulted.
func (in Input) strategy() v1alpha1.RotationStrategy {
	if in.AccessKey.Spec.Rotation == nil || in.AccessKey.Spec.Rotation.Strategy == "" {
		return v1alpha1.StrategyAuto
	}
	return in.AccessKey.Spec.Rotation.Strategy
}

// Replaces reports whether a rotation happens in place, so that no two pairs work side by side.
func (in Input) Replaces() bool {
	return in.strategy() == v1alpha1.StrategyReplace || in.strategy() == v1alpha1.StrategyAuto && !in.Service.Overlap
}

// marked reports whether the key carries the mark of this AccessKey at the service.
func (in Input) marked(id string) bool {
	key, ok := in.find(id)
	return ok && key.OwnerUID != "" && key.OwnerUID == string(in.AccessKey.UID)
}

// replacedExternally reports whether another pair is under the ID of a recorded key, without the operator's mark, and no open
// operation put it there.
func (in Input) replacedExternally(id string) bool {
	intent := in.AccessKey.Status.Intent
	return in.listed(id) && in.recorded(id) && !in.listsRecorded(id) && !in.marked(id) && (intent == nil || intent.KeyID != id)
}

// ours reports whether the service has a key that the operator may change: one that the status records, or one with the mark
// of this AccessKey.
func (in Input) ours(id string) bool {
	if !in.listed(id) {
		return false
	}
	return in.recorded(id) && !in.replacedExternally(id) || in.marked(id)
}

// published reports whether the recorded pair of this key was published in the Secret and is still there. A copy that somebody
// made under the wanted name is not what was published.
func (in Input) published(id string) bool {
	record, status := in.Secret.Record, &in.AccessKey.Status
	if id == "" || in.Secret.State != SecretIntact || record.KeyID != id {
		return false
	}
	if id == status.KeyID {
		return status.SecretName == in.AccessKey.SecretName() && record.AccessKeyID == status.AccessKeyID && record.IssuedAt.Equal(&status.IssuedAt)
	}
	return slices.ContainsFunc(status.PreviousKeys, func(p v1alpha1.PreviousKey) bool {
		return p.KeyID == id && p.AccessKeyID == record.AccessKeyID && p.IssuedAt.Equal(&record.IssuedAt)
	})
}

// publishedElsewhere reports whether the current pair is in a Secret with a former name, and the wanted Secret holds no pair
// that works.
func (in Input) publishedElsewhere() bool {
	former := in.AccessKey.Status.SecretName
	return former != "" && former != in.AccessKey.SecretName() && !in.publishedWorks(in.Secret.Record.KeyID)
}

// publishedWorks reports whether the Secret holds the recorded pair of this key, and the pair works.
func (in Input) publishedWorks(id string) bool {
	return in.published(id) && in.listsRecorded(id) && in.works(id)
}

// secretIsForeign reports whether a Secret must not be written.
func (in Input) secretIsForeign(secret Secret) bool {
	return secret.State == SecretForeign || secret.Adoptable && secret.State != SecretUnverified && !in.MayTakeOver(secret)
}

// MayTakeOver reports whether no AccessKey controls a Secret any more, and its record is of a former AccessKey that this one
// continues.
func (in Input) MayTakeOver(secret Secret) bool {
	return secret.Adoptable && secret.State != SecretUnverified && in.recordIsOurs(secret.Record)
}

// recordIsOurs reports whether a record is of a former AccessKey that this one continues.
func (in Input) recordIsOurs(record Record) bool {
	ak := in.AccessKey
	return record.Namespace == ak.Namespace && record.Name == ak.Name && record.Service == in.Service.Identity && record.User == in.UserID
}

// holdsPairOf reports whether a Secret holds the pair that the intent produced, and the service lists this pair.
func (in Input) holdsPairOf(secret Secret, intent *v1alpha1.Intent) bool {
	record := secret.Record
	if !in.isOfIntent(secret, intent) || !in.lists(record.KeyID, record.AccessKeyID) {
		return false
	}
	if intent.KeyID != "" {
		return record.KeyID == intent.KeyID && record.IssuedAt.Equal(&intent.StartedAt)
	}
	return in.isCandidate(intent, record.KeyID)
}

// holdsEarlierPair reports whether the Secret holds a pair of the operation from before its key was regenerated once more, and the
// service still has that pair: the Secret was written late, and the regeneration was not carried out.
func (in Input) holdsEarlierPair(intent *v1alpha1.Intent) bool {
	record := in.Secret.Record
	key, listed := in.find(intent.KeyID)
	return listed && !in.Service.KeepsAccessKeyID && in.isOfIntent(in.Secret, intent) && record.KeyID == intent.KeyID && record.AccessKeyID == key.AccessKeyID
}

// isOfIntent reports whether a Secret holds a pair of the attempt that the intent records.
func (in Input) isOfIntent(secret Secret, intent *v1alpha1.Intent) bool {
	return secret.State == SecretIntact && !secret.Adoptable && secret.Record.Revision == intent.Revision && secret.Record.UID == in.AccessKey.UID
}

// earliest returns the earlier of two times, of which the zero time means never.
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

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ShortID shortens an access key ID for a message. At IONOS it has 92 characters.
func ShortID(accessKeyID string) string {
	const most, kept = 40, 12
	if len(accessKeyID) <= most {
		return accessKeyID
	}
	return strings.ToValidUTF8(accessKeyID[:kept], "") + "…" + strings.ToValidUTF8(accessKeyID[len(accessKeyID)-kept:], "")
}

func list(ids []string) string { return strings.Join(ids, ", ") }
