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
	recorded := in.AccessKey.RecordedKeyIDs()
	if len(recorded) == 0 {
		return Action{Verb: Release, Reason: v1alpha1.ReasonDeleting}, true
	}
	if !in.Live {
		return Action{Verb: Look, Reason: v1alpha1.ReasonRevoking}, true
	}
	going := ""
	for _, id := range recorded {
		switch {
		case in.state(id) == keyservice.Deleting:
			going = id
		case in.ours(id):
			return Action{Verb: Revoke, Reason: v1alpha1.ReasonDeleting, KeyID: id}, true
		case in.listsRecorded(id) && !in.claimed(id):
			return in.notOurs(id), true
		}
	}
	if going != "" {
		return in.waitForDeletion(going), true
	}
	return Action{Verb: Release, Reason: v1alpha1.ReasonDeleting}, true
}

func revokePrevious(in Input) (Action, bool) {
	going := ""
	for i := range in.AccessKey.Status.PreviousKeys {
		previous := &in.AccessKey.Status.PreviousKeys[i]
		if in.Now.Before(in.revokeAt(previous)) || in.published(previous.KeyID) {
			continue
		}
		switch {
		case in.Live && (!in.listed(previous.KeyID) || in.claimed(previous.KeyID) || in.usurped(previous.KeyID)):
			return Action{Verb: Forget, Reason: v1alpha1.ReasonRevoking, KeyID: previous.KeyID}, true
		case in.state(previous.KeyID) == keyservice.Deleting:
			going = previous.KeyID
			continue
		case in.Live && !in.ours(previous.KeyID):
			return in.notOurs(previous.KeyID), true
		}
		return live(in, Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: previous.KeyID})
	}
	if going != "" {
		return in.waitForDeletion(going), true
	}
	return none()
}

func (in Input) waitForDeletion(id string) Action {
	return Action{
		Verb:   Wait,
		Reason: v1alpha1.ReasonRevoking,
		Detail: fmt.Sprintf("for the service to finish deleting key %s", id),
		Until:  in.Now.Add(pendingDelay),
	}
}

func (in Input) notOurs(id string) Action {
	return Action{
		Verb:   Block,
		Reason: v1alpha1.ReasonKeyNotOurs,
		Detail: fmt.Sprintf("key %s is recorded here but is older than this AccessKey or recorded by another one, so it is not touched; "+
			"delete it at the service if it is not needed, or set deletionPolicy: Retain before deleting", id),
	}
}

// revokeAt is when a previous key goes: as recorded, but no later than by a ttl that was shortened since.
func (in Input) revokeAt(previous *v1alpha1.PreviousKey) time.Time {
	expires, _ := Schedule(in.AccessKey, in.issuedAt(previous.KeyID, previous.IssuedAt.Time))
	return earliest(previous.RevokeAt.Time, expires)
}

// nextRevocation is when the next previous key goes. One that is published again stays until it is replaced.
func (in Input) nextRevocation() time.Time {
	var next time.Time
	for i := range in.AccessKey.Status.PreviousKeys {
		if previous := &in.AccessKey.Status.PreviousKeys[i]; !in.published(previous.KeyID) {
			next = earliest(next, in.revokeAt(previous))
		}
	}
	return next
}
