// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// maxPreviousKeys is how many previous keys there may be before another rotation. It is below the limit of the status.
const maxPreviousKeys = 15

// obtain decides how to get a new pair: Create, or Regenerate in place, or what has to happen first.
func obtain(in Input, reason string) (Action, bool) {
	for _, condition := range []func(Input, string) (Action, bool){appliedTogether, permitted, supported, renderable, finalizers, alone, readLive, nextSecretFree, inPlace, room} {
		if action, ok := condition(in, reason); ok {
			return action, true
		}
	}
	return Action{Verb: Create, Reason: reason}, true
}

// appliedTogether waits a moment for a KeyService, or a Secret of it, that does not exist: if all of them are applied together, the AccessKey
// can come first.
func appliedTogether(in Input, _ string) (Action, bool) {
	until := in.AccessKey.CreationTimestamp.Add(togetherDelay)
	if in.Service.Missing == "" || !in.Now.Before(until) {
		return none()
	}
	return Action{Verb: Wait, Reason: v1alpha1.ReasonWaiting, Detail: "for missing objects, which may be about to be applied: " + in.Service.Missing, Until: until}, true
}

// permitted makes sure that this AccessKey may have a key, and that the KeyService stays.
func permitted(in Input, _ string) (Action, bool) {
	if denied, ok := in.denial(); ok {
		denied.Until = in.nextRevocation()
		return denied, true
	}
	if in.Service.Deleting {
		return Action{
			Verb:   Stall,
			Reason: v1alpha1.ReasonKeyServiceDeleting,
			Detail: fmt.Sprintf("%s %s is being deleted, so no new keys are created", in.AccessKey.Spec.ServiceRef.Kind, in.AccessKey.Spec.ServiceRef.Name),
			Until:  in.nextRevocation(),
		}, true
	}
	return none()
}

// supported reports a strategy that the service cannot follow, before a key is created with another one.
func supported(in Input, _ string) (Action, bool) {
	if in.strategy() != v1alpha1.StrategyOverlap || in.Service.Overlap || in.Service.KeysPerUser == 0 {
		return none()
	}
	return Action{
		Verb:   Stall,
		Reason: v1alpha1.ReasonOverlapUnsupported,
		Detail: fmt.Sprintf("rotation.strategy is Overlap, but the service holds %d key per user; set it to Auto or Replace", in.Service.KeysPerUser),
		Until:  in.nextRevocation(),
	}, true
}

// renderable reports a template that cannot be rendered, before a key is created or revoked for it.
func renderable(in Input, _ string) (Action, bool) {
	if in.TemplateProblem == "" {
		return none()
	}
	return Action{Verb: Stall, Reason: v1alpha1.ReasonInvalidTemplate, Detail: in.TemplateProblem + "; the Secret stays as it is until that is corrected", Until: in.nextRevocation()}, true
}

// finalizers makes sure that neither the AccessKey nor what is needed to revoke the key can be deleted before the key.
func finalizers(in Input, reason string) (Action, bool) {
	if !in.Service.InUse {
		return Action{
			Verb:   Wait,
			Reason: v1alpha1.ReasonWaiting,
			Detail: sentence(fmt.Sprintf("for the in-use finalizer of %s %s and its Secrets",
				in.AccessKey.Spec.ServiceRef.Kind, in.AccessKey.Spec.ServiceRef.Name), in.Service.InUseProblem),
			Until: in.Now.Add(inUseDelay),
		}, true
	}
	if !in.hasFinalizer() {
		return Action{Verb: AddFinalizer, Reason: reason}, true
	}
	return none()
}

// alone keeps two operations of one user apart: after a crash, nobody could tell which of them created which key.
func alone(in Input, _ string) (Action, bool) {
	if !in.UserBusy {
		return none()
	}
	return in.waitForUser(in.Now.Add(busyDelay)), true
}

// waitForUser waits for the other AccessKey of the user, and after some time for a person who looks at it.
func (in Input) waitForUser(until time.Time) Action {
	other := "another AccessKey of the same user"
	if in.UserBusyWith != "" {
		other += " (" + in.UserBusyWith + ")"
	}
	if since := in.UserBusySince; !since.IsZero() && in.Now.Sub(since) >= busyTooLong {
		return Action{
			Verb: Stall, Reason: v1alpha1.ReasonUserBusy, Until: earliest(latest(until, in.Now.Add(busyLongDelay)), in.nextRevocation()),
			Detail: fmt.Sprintf("%s has had an open operation since %s, and until that is settled nobody can tell which key is whose; its conditions say what it needs", other, rfc3339(since)),
		}
	}
	detail := "for " + other + " to finish its operation"
	if end := in.UserBusyUntil; in.Now.Before(end) {
		detail += ", until " + rfc3339(end) + " at the latest"
	}
	return Action{Verb: Wait, Reason: v1alpha1.ReasonWaiting, Until: until, Detail: detail}
}

func readLive(in Input, reason string) (Action, bool) {
	if in.Live {
		return none()
	}
	return Action{Verb: ReadLive, Reason: reason}, true
}

// nextSecretFree makes sure, before a pair exists, that there is a Secret in which it can wait until it works.
func nextSecretFree(in Input, _ string) (Action, bool) {
	if !in.Service.ActivatesLater && !in.MayWait(nil) || !in.secretIsForeign(in.Next) {
		return none()
	}
	return Action{
		Verb:   Stall,
		Reason: v1alpha1.ReasonSecretConflict,
		Detail: fmt.Sprintf("Secret %s, in which a new pair waits until it works, exists and is not controlled by this AccessKey, "+
			"or is being deleted; delete it, or choose another secretName", NextSecretName(in.AccessKey)),
		Until: in.nextRevocation(),
	}, true
}

// inPlace replaces the current key if the strategy says so, or if the service can hold no second one.
func inPlace(in Input, reason string) (Action, bool) {
	id := in.AccessKey.Status.KeyID
	switch {
	case !in.Replaces(), !in.ours(id), in.state(id) == keyservice.Deleting:
		return none()
	case in.Service.Regenerates && in.state(id) != keyservice.Failed:
		return Action{Verb: Regenerate, Reason: reason, KeyID: id}, true
	case in.Service.KeysPerUser > 0 && len(in.Keys) > in.Service.KeysPerUser:
		return none() // there would be no room even without it
	default:
		return Action{Verb: Revoke, Reason: reason, KeyID: id}, true
	}
}

// room makes room in a full quota by revoking keys of this AccessKey that no Secret holds, those in quarantine first, then those
// that do not work, then the oldest. It never revokes a published key that works, a foreign key, or the current key before its
// replacement is published.
func room(in Input, reason string) (Action, bool) {
	if previous := in.AccessKey.Status.PreviousKeys; len(previous) >= maxPreviousKeys {
		return in.endOldest(reason), true
	}
	if !in.full() {
		return none()
	}
	for _, key := range in.Keys {
		if key.State == keyservice.Deleting {
			return in.waitForDeletion(key.ID), true
		}
	}
	if id := in.dispensable(); id != "" {
		if in.works(id) && !in.mayMakeRoom() {
			return in.noRoomToRepair(id), true
		}
		return Action{Verb: Revoke, Reason: reason, KeyID: id}, true
	}
	if in.Service.KeysPerUser == 1 {
		return Action{
			Verb:   Stall,
			Reason: v1alpha1.ReasonUserExists,
			Detail: fmt.Sprintf("user %q can have one key, and has a key that this AccessKey did not create; choose another user, or delete that key at the service", in.AccessKey.Spec.User),
			Until:  in.nextRevocation(),
		}, true
	}
	return Action{Verb: Stall, Reason: v1alpha1.ReasonQuotaExceeded, Detail: in.noRoom(), Until: in.nextRevocation()}, true
}

// noRoom says in words which keys fill the quota, and what to do.
func (in Input) noRoom() string {
	keys, foreign, shared := make([]string, 0, len(in.Keys)), false, false
	for _, key := range in.Keys {
		switch {
		case in.ours(key.ID):
			keys = append(keys, key.ID+" of this AccessKey")
		case key.Claimed:
			keys, shared = append(keys, key.ID+" of another AccessKey"), true
		default:
			keys, foreign = append(keys, key.ID), true
		}
	}
	advice := "delete a key that is no longer used at the service"
	if shared && !foreign {
		advice = "give each AccessKey a user of its own, or delete an AccessKey that is not needed"
	}
	if kept := in.keptAccessKeyIDs(); len(kept) > 0 {
		advice = fmt.Sprintf("the previous access keys (%s) are kept, because the data plane %s rejects access key %s: correct that, or %s",
			list(kept), in.Service.DataPlane, ShortID(in.AccessKey.Status.AccessKeyID), advice)
	}
	return fmt.Sprintf("user %q has %d keys of at most %d (%s), so there is no room for a new one; %s",
		in.AccessKey.Spec.User, len(in.Keys), in.Service.KeysPerUser, list(keys), advice)
}

// full reports whether the user has as many keys as the service allows. A key that was just revoked may be listed, and does not count.
func (in Input) full() bool {
	count := 0
	for i := range in.Keys {
		if !in.justRevoked(&in.Keys[i]) {
			count++
		}
	}
	return in.Service.KeysPerUser > 0 && count >= in.Service.KeysPerUser
}

func (in Input) justRevoked(key *Key) bool {
	return slices.ContainsFunc(in.AccessKey.Status.History, func(gone v1alpha1.RevokedKey) bool {
		return gone.KeyID == key.ID && gone.AccessKeyID == key.AccessKeyID && in.Now.Before(gone.RevokedAt.Add(in.Service.ListLag))
	})
}

// endOldest makes room in the status, which could not record another previous key.
func (in Input) endOldest(reason string) Action {
	oldest := slices.MinFunc(in.AccessKey.Status.PreviousKeys, in.byNeed)
	if in.ours(oldest.KeyID) {
		return Action{Verb: Revoke, Reason: reason, KeyID: oldest.KeyID}
	}
	return Action{Verb: Forget, Reason: reason, KeyID: oldest.KeyID}
}

func (in Input) noRoomToRepair(id string) Action {
	return Action{
		Verb:   Stall,
		Reason: v1alpha1.ReasonQuotaExceeded,
		Detail: fmt.Sprintf("Secret %s no longer holds the published pair, and user %q has as many keys as the service allows (%d); key %s is not revoked for the repair, because consumers may use it; "+
			"set the annotation %s to get a new pair all the same", in.AccessKey.SecretName(), in.AccessKey.Spec.User, in.Service.KeysPerUser, ShortID(id), v1alpha1.RenewAnnotation),
		Until: in.nextRevocation(),
	}
}

// Crowded reports whether a rotation has no room for a second key, because the user has too many keys beside the current one.
func (in Input) Crowded() bool {
	return in.Service.KeysPerUser > 1 && !in.Replaces() && len(in.Keys) >= in.Service.KeysPerUser
}

// dispensable returns the key of this AccessKey to revoke first, empty if there is none.
func (in Input) dispensable() string {
	current := in.AccessKey.Status.KeyID
	unpublished := !in.published(current) && !in.publishedElsewhere()
	dead := in.ours(current) && !in.currentWorks()
	previous := in.dispensablePrevious()
	switch {
	case previous != "" && (!dead || !in.works(previous)): // consumers may use a previous key that works
		return previous
	case dead, in.ours(current) && unpublished:
		return current
	default:
		return ""
	}
}

// dispensablePrevious returns the previous key to revoke first, empty if there is none.
func (in Input) dispensablePrevious() string {
	previous := slices.DeleteFunc(slices.Clone(in.AccessKey.Status.PreviousKeys), func(p v1alpha1.PreviousKey) bool {
		return !in.ours(p.KeyID) || in.publishedWorks(p.KeyID) || in.keptForRejected(&p)
	})
	if len(previous) == 0 {
		return ""
	}
	return slices.MinFunc(previous, in.byNeed).KeyID
}
