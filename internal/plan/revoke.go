// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

func revokeAll(in Input) (Action, bool) {
	if !in.deleting() {
		return none()
	}
	if action, ok := revokeRecorded(in); ok {
		return action, true
	}
	return Action{Verb: RemoveFinalizer, Reason: v1alpha1.ReasonDeleting}, true
}

// revokeRecorded revokes every key that the status records, and waits until the service no longer has them.
func revokeRecorded(in Input) (Action, bool) {
	recorded := in.AccessKey.RecordedKeyIDs()
	if len(recorded) > 0 && !in.Live {
		return Action{Verb: ReadLive, Reason: v1alpha1.ReasonRevoking}, true
	}
	deleting := ""
	for _, id := range recorded {
		switch {
		case in.state(id) == keyservice.Deleting:
			deleting = id
		case in.ours(id), in.Service.DeletesUsers && !in.listed(id):
			return Action{Verb: Revoke, Reason: v1alpha1.ReasonDeleting, KeyID: id}, true
		}
	}
	if deleting != "" {
		return in.waitForDeletion(deleting), true
	}
	return none()
}

func revokePrevious(in Input) (Action, bool) {
	deleting := ""
	for i := range in.AccessKey.Status.PreviousKeys {
		previous := &in.AccessKey.Status.PreviousKeys[i]
		if !in.due(previous) || in.kept(previous) {
			continue
		}
		switch {
		case in.Live && !in.ours(previous.KeyID):
			return Action{Verb: Forget, Reason: v1alpha1.ReasonRevoking, KeyID: previous.KeyID}, true
		case in.state(previous.KeyID) == keyservice.Deleting:
			deleting = previous.KeyID
			continue
		}
		return live(in, Action{Verb: in.revocation(previous), Reason: v1alpha1.ReasonRevoking, KeyID: previous.KeyID})
	}
	if deleting != "" {
		return in.waitForDeletion(deleting), true
	}
	return none()
}

func (in Input) waitForDeletion(id string) Action {
	return Action{
		Verb:   Wait,
		Reason: v1alpha1.ReasonRevoking,
		Detail: fmt.Sprintf("for the service to finish the deletion of key %s", id),
		Until:  in.Now.Add(pendingDelay),
	}
}

// due reports whether the next step of revoking a previous key is due. A key in quarantine that somebody enabled at the service
// is disabled again: its time is over.
func (in Input) due(previous *v1alpha1.PreviousKey) bool {
	enabled := quarantined(previous) && in.state(previous.KeyID) == keyservice.Active
	return enabled || in.idle(previous) || !in.Now.Before(in.endOfPrevious(previous))
}

// endOfPrevious is when a previous key is revoked, or deleted after its quarantine.
func (in Input) endOfPrevious(previous *v1alpha1.PreviousKey) time.Time {
	if quarantined(previous) && !in.compromised(previous.KeyID) {
		return previous.DeleteAt.Time
	}
	return in.revokeAt(previous)
}

// revokeAt is when a previous key is revoked: as recorded, but no later than a ttl allows that was shortened since, and at once
// if the key is compromised. A person has decided that a key that was enabled again outlives its ttl.
func (in Input) revokeAt(previous *v1alpha1.PreviousKey) time.Time {
	if in.compromised(previous.KeyID) {
		return previous.IssuedAt.Time
	}
	if !previous.EnabledAt.IsZero() {
		return previous.RevokeAt.Time
	}
	expires, _ := Schedule(in.AccessKey, previous.IssuedAt.Time, time.Time{})
	return earliest(previous.RevokeAt.Time, expires)
}

// EndsAsAnnounced reports whether a previous key is revoked when the status said, so that there is nothing to tell.
func (in Input) EndsAsAnnounced(keyID string) bool {
	previous := findPrevious(&in.AccessKey.Status, keyID)
	if previous == nil || in.deleting() {
		return false
	}
	announced, late := previous.RevokeAt.Time, in.Now.Sub(in.endOfPrevious(previous))
	if quarantined(previous) {
		announced = previous.DeleteAt.Time
	}
	return in.endOfPrevious(previous).Equal(announced) && 0 <= late && late < tellLate
}

// kept reports whether a previous key stays past its time: it is published again, or the current pair is rejected.
func (in Input) kept(previous *v1alpha1.PreviousKey) bool {
	return in.published(previous.KeyID) || in.keptForRejected(previous)
}

// keptForRejected reports whether a previous key may be the only one that works, because the data plane rejects the current pair.
func (in Input) keptForRejected(previous *v1alpha1.PreviousKey) bool {
	return in.rejected() && !quarantined(previous) && !in.compromised(previous.KeyID)
}

// keptAccessKeyIDs returns the access key IDs of the previous keys that stay because the data plane rejects the current pair.
func (in Input) keptAccessKeyIDs() (ids []string) {
	for i := range in.AccessKey.Status.PreviousKeys {
		if previous := &in.AccessKey.Status.PreviousKeys[i]; in.keptForRejected(previous) {
			ids = append(ids, ShortID(previous.AccessKeyID))
		}
	}
	return ids
}

// nextRevocation is when the next previous key is revoked or deleted.
func (in Input) nextRevocation() time.Time {
	var next time.Time
	for i := range in.AccessKey.Status.PreviousKeys {
		if previous := &in.AccessKey.Status.PreviousKeys[i]; !in.kept(previous) {
			next = earliest(next, in.endOfPrevious(previous))
		}
	}
	return next
}

// overlapping returns how many previous keys have to be kept until their revokeAt, and when the first of them is revoked. A key
// in quarantine makes room at any time.
func (in Input) overlapping() (count int, first time.Time) {
	for i := range in.AccessKey.Status.PreviousKeys {
		previous := &in.AccessKey.Status.PreviousKeys[i]
		if quarantined(previous) {
			continue
		}
		count++
		if !in.kept(previous) {
			first = earliest(first, in.revokeAt(previous))
		}
	}
	return count, first
}
