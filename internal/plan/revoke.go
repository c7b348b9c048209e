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
		if in.Now.Before(in.revokeAt(previous)) || in.published(previous.KeyID) {
			continue
		}
		switch {
		case in.Live && !in.ours(previous.KeyID):
			return Action{Verb: Forget, Reason: v1alpha1.ReasonRevoking, KeyID: previous.KeyID}, true
		case in.state(previous.KeyID) == keyservice.Deleting:
			deleting = previous.KeyID
			continue
		}
		return live(in, Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: previous.KeyID})
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

// revokeAt is when a previous key is revoked: as recorded, but no later than a ttl allows that was shortened since.
func (in Input) revokeAt(previous *v1alpha1.PreviousKey) time.Time {
	expires, _ := Schedule(in.AccessKey, previous.IssuedAt.Time, time.Time{})
	return earliest(previous.RevokeAt.Time, expires)
}

// nextRevocation is when the next previous key is revoked. A key that is published again stays until it is replaced.
func (in Input) nextRevocation() time.Time {
	var next time.Time
	for i := range in.AccessKey.Status.PreviousKeys {
		if previous := &in.AccessKey.Status.PreviousKeys[i]; !in.published(previous.KeyID) {
			next = earliest(next, in.revokeAt(previous))
		}
	}
	return next
}
