// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// obtain answers how to come by a new pair: Create, or in place Regenerate, or what has to come first.
func obtain(in Input, reason string) (Action, bool) {
	for _, condition := range []func(Input, string) (Action, bool){granted, supported, protected, alone, looked, waitingPlace, inPlace, room} {
		if action, ok := condition(in, reason); ok {
			return action, true
		}
	}
	return Action{Verb: Create, Reason: reason}, true
}

// supported: a strategy that the service can't follow is said before anything is made by another one.
func supported(in Input, _ string) (Action, bool) {
	if in.strategy() != v1alpha1.StrategyOverlap || in.Service.Overlap || in.Service.KeysPerUser == 0 {
		return none()
	}
	return Action{
		Verb:   Block,
		Reason: v1alpha1.ReasonOverlapUnsupported,
		Detail: fmt.Sprintf("rotation.strategy is Overlap, but the service holds %d key per user; set it to Auto or Replace", in.Service.KeysPerUser),
		Until:  in.nextRevocation(),
	}, true
}

// inPlace replaces the current key where the strategy says so, or the service can hold no second one.
func inPlace(in Input, reason string) (Action, bool) {
	id := in.AccessKey.Status.KeyID
	switch {
	case !in.Replaces(), !in.ours(id), in.state(id) == keyservice.Deleting:
		return none()
	case in.Service.Regenerates && in.state(id) != keyservice.Failed:
		return Action{Verb: Regenerate, Reason: reason, KeyID: id}, true
	case in.Service.KeysPerUser > 0 && len(in.Keys) > in.Service.KeysPerUser:
		return none() // without it there would still be no room
	default:
		return Action{Verb: Revoke, Reason: reason, KeyID: id}, true
	}
}

func granted(in Input, _ string) (Action, bool) {
	if !in.Granted {
		return Action{
			Verb:   Block,
			Reason: v1alpha1.ReasonNotGranted,
			Detail: in.notGranted(),
			Until:  in.nextRevocation(),
		}, true
	}
	if in.Service.Deleting {
		return Action{
			Verb:   Block,
			Reason: v1alpha1.ReasonKeyServiceDeleting,
			Detail: fmt.Sprintf("%s %s is being deleted and makes no more keys",
				in.AccessKey.Spec.ServiceRef.Kind, in.AccessKey.Spec.ServiceRef.Name),
			Until: in.nextRevocation(),
		}, true
	}
	return none()
}

// protected sees to it that neither the AccessKey nor what is needed to revoke the key can go before the key does.
func protected(in Input, reason string) (Action, bool) {
	if !in.finalizer() {
		return Action{Verb: Protect, Reason: reason}, true
	}
	if !in.Service.Held {
		return Action{
			Verb:   Wait,
			Reason: v1alpha1.ReasonWaiting,
			Detail: fmt.Sprintf("for %s %s and its Secrets to be held by a finalizer",
				in.AccessKey.Spec.ServiceRef.Kind, in.AccessKey.Spec.ServiceRef.Name),
			Until: in.Now.Add(heldDelay),
		}, true
	}
	return none()
}

// alone: two creates for one user at once could not be told apart after a crash.
func alone(in Input, _ string) (Action, bool) {
	if !in.UserBusy {
		return none()
	}
	return waitForUser(in.Now.Add(busyDelay)), true
}

func waitForUser(until time.Time) Action {
	return Action{Verb: Wait, Reason: v1alpha1.ReasonWaiting, Detail: "for another AccessKey of the same user to finish its operation", Until: until}
}

func looked(in Input, reason string) (Action, bool) {
	if in.Live {
		return none()
	}
	return Action{Verb: Look, Reason: reason}, true
}

// waitingPlace: where a new pair has to wait, its Secret must be free or ours before there is a pair.
func waitingPlace(in Input, _ string) (Action, bool) {
	if !in.Service.ActivatesLater || in.Next.State != SecretForeign {
		return none()
	}
	return Action{
		Verb:   Block,
		Reason: v1alpha1.ReasonSecretConflict,
		Detail: fmt.Sprintf("the Secret %s, in which a new pair waits until the service has activated it, exists and is not controlled by this AccessKey, "+
			"or is on its way out; delete it, or choose another secretName", NextSecretName(in.AccessKey)),
		Until: in.nextRevocation(),
	}, true
}

// room makes room in a full quota from our own keys that no Secret holds, oldest first. A published key is never given
// up, nor a foreign one, nor the current one before its replacement is published.
func room(in Input, _ string) (Action, bool) {
	if in.Service.KeysPerUser == 0 || len(in.Keys) < in.Service.KeysPerUser {
		return none()
	}
	ids := make([]string, 0, len(in.Keys))
	for _, key := range in.Keys {
		if key.State == keyservice.Deleting {
			return in.waitForDeletion(key.ID), true
		}
		ids = append(ids, key.ID)
	}
	if id := in.dispensable(); id != "" {
		return Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: id}, true
	}
	if in.Service.KeysPerUser == 1 {
		return Action{
			Verb:   Block,
			Reason: v1alpha1.ReasonUserExists,
			Detail: fmt.Sprintf("user %q already has the one key that it can have, which this AccessKey did not make; choose another user, or delete that key at the service", in.AccessKey.Spec.User),
			Until:  in.nextRevocation(),
		}, true
	}
	return Action{
		Verb:   Block,
		Reason: v1alpha1.ReasonQuotaExceeded,
		Detail: fmt.Sprintf("user %q has %d keys of at most %d (%s), so there is no room for a new one; delete one that is no longer used at the service",
			in.AccessKey.Spec.User, len(in.Keys), in.Service.KeysPerUser, list(ids)),
		Until: in.nextRevocation(),
	}, true
}

// dispensable is the key of ours to give up first, empty if there is none.
func (in Input) dispensable() string {
	var oldest *v1alpha1.PreviousKey
	status := &in.AccessKey.Status
	for i := range status.PreviousKeys {
		previous := &status.PreviousKeys[i]
		if in.ours(previous.KeyID) && !in.published(previous.KeyID) && (oldest == nil || previous.IssuedAt.Before(&oldest.IssuedAt)) {
			oldest = previous
		}
	}
	switch {
	case oldest != nil:
		return oldest.KeyID
	case in.ours(status.KeyID) && (!in.needed() || !in.CurrentWorks()):
		return status.KeyID
	default:
		return ""
	}
}
