// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// settle finds out the outcome of an operation that was started, before anything else is done for the user.
func settle(in Input) (Action, bool) {
	intent := in.AccessKey.Status.Intent
	switch {
	case intent == nil:
		return none()
	case !in.Live:
		return Action{Verb: ReadLive, Reason: v1alpha1.ReasonSettling}, true
	case intent.Operation == v1alpha1.OperationRevoke:
		return settleRevocation(in, intent), true
	case in.Answered():
		return settleLate(in, intent), true
	case in.holdsPairOf(in.Secret, intent):
		return Action{Verb: RecordPublished, Reason: v1alpha1.ReasonSettling}, true
	default:
		return settleUnpublished(in, intent), true
	}
}

// Waits reports whether the pair of an operation waits in the next Secret.
func (in Input) Waits(intent *v1alpha1.Intent) bool { return in.holdsPairOf(in.Next, intent) }

// settleUnpublished settles an operation whose pair the Secret does not hold.
func settleUnpublished(in Input, intent *v1alpha1.Intent) Action {
	switch {
	case in.Waits(intent):
		return settleWaiting(in, intent)
	case in.Held && !in.deleting():
		return unlessUnpublishable(in, Action{Verb: PublishHeld, Reason: v1alpha1.ReasonSettling})
	case len(intent.CandidateKeyIDs) > 0:
		return settleByPerson(in, intent)
	case in.holdsEarlierPair(intent):
		if until := in.settledAt(intent); in.Now.Before(until) {
			return Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: until}
		}
		return Action{Verb: RecordPublished, Reason: v1alpha1.ReasonSettling}
	case in.couldNotMake(intent): // the request was carried out
		return in.deleteOrphan(v1alpha1.ReasonSettling, intent.KeyID)
	case in.Now.Before(in.settledAt(intent)) && !in.urgent(intent):
		return Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: in.settledAt(intent)}
	case intent.KeyID != "":
		return settleChosen(in, intent)
	default:
		return settleUnknown(in, intent)
	}
}

// couldNotMake reports whether the service lists the key of the operation as one that it could not make, and no earlier request of
// the operation can make it again.
func (in Input) couldNotMake(intent *v1alpha1.Intent) bool {
	return !in.Now.Before(intent.LateUntil.Time) && in.state(intent.KeyID) == keyservice.Failed && in.isOf(intent) && !in.recorded(intent.KeyID)
}

// settledAt is when no request of the operation can be under way any more. It counts from the start of this process if that
// is later, so that a clock that was set forward in between does not shorten it. A pair that waits in the next Secret was made, and
// is discarded only when its key must be in the list.
func (in Input) settledAt(intent *v1alpha1.Intent) time.Time {
	landed := latest(intent.StartedAt.Time, in.Started).Add(in.operationTime())
	if in.isOfIntent(in.Next, intent) {
		landed = landed.Add(in.Service.ListLag)
	}
	return latest(intent.LateUntil.Time, landed)
}

// Answered reports whether the pair of the open intent is recorded, so that only an earlier request of the operation is open.
func (in Input) Answered() bool {
	status := &in.AccessKey.Status
	intent := status.Intent
	return intent != nil && intent.KeyID != "" && intent.KeyID == status.KeyID && intent.Revision == status.Revision &&
		intent.StartedAt.Equal(&status.IssuedAt)
}

// urgent reports whether perhaps no published pair works until the operation is settled, and the key can be regenerated at once:
// the request has ended the current pair, or it has created the key. A creation can end in a regeneration, whose late effect
// has to show in the list.
func (in Input) urgent(intent *v1alpha1.Intent) bool {
	regenerates := settleChosen(in, intent).Verb == Regenerate && in.state(intent.KeyID) != keyservice.Pending
	created := intent.Operation == v1alpha1.OperationCreate && !in.Service.KeepsAccessKeyID && !in.publishedWorks(in.Secret.Record.KeyID)
	return regenerates && (in.endsCurrent(intent) || created)
}

// endsCurrent reports whether the operation regenerates the current key in place, so that the recorded pair may have ended.
func (in Input) endsCurrent(intent *v1alpha1.Intent) bool {
	return intent != nil && intent.Operation == v1alpha1.OperationRegenerate && intent.KeyID == in.AccessKey.Status.KeyID && !in.Answered()
}

// settleLate watches for an earlier request of the operation that is carried out after all: it ends the pair that was issued
// since, which is then regenerated once more.
func settleLate(in Input, intent *v1alpha1.Intent) Action {
	until := latest(intent.LateUntil.Time, in.Started.Add(in.operationTime()))
	switch {
	case in.Now.Before(until) && (in.deleting() || in.listsRecorded(intent.KeyID) || !in.listed(intent.KeyID)):
		return Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: until} // the controller looks again before that
	case in.listsRecorded(intent.KeyID) && !in.Service.KeepsAccessKeyID:
		return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}
	default:
		return settleChosen(in, intent)
	}
}

// LateUntil returns until when a request of the open operation can still be carried out after the key is regenerated now; zero if
// there is none.
func (in Input) LateUntil() time.Time {
	intent := in.AccessKey.Status.Intent
	if intent == nil {
		return time.Time{}
	}
	until := intent.LateUntil.Time
	if !in.Answered() {
		until = in.settledAt(intent)
	}
	if !in.Now.Before(until) {
		return time.Time{}
	}
	return until
}

func (in Input) operationTime() time.Duration { return max(settleAfter, in.Service.OperationTime) }

// settleRevocation waits until a deletion whose response was lost can no longer be carried out. Then the rules revoke what the
// status still records.
func settleRevocation(in Input, intent *v1alpha1.Intent) Action {
	switch {
	case in.Now.Before(in.settledAt(intent)):
		return Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: in.settledAt(intent)}
	case in.marked(intent.KeyID) && !in.recorded(intent.KeyID):
		return in.deleteOrphan(v1alpha1.ReasonSettling, intent.KeyID)
	default:
		return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}
	}
}

// settleUnknown settles an operation for which the service chose the key's ID: only a new key can be its result.
func settleUnknown(in Input, intent *v1alpha1.Intent) Action {
	candidates := in.CandidateKeyIDs()
	switch {
	case len(candidates) == 0:
		return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}
	case len(candidates) == 1 && in.isDated(candidates[0]) && in.isCandidate(intent, candidates[0]):
		return in.deleteOrphan(v1alpha1.ReasonSettling, candidates[0])
	default:
		return Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: list(candidates)}
	}
}

// settleChosen settles an operation on a key whose ID is known: regenerating the key gives a pair that nobody else has.
func settleChosen(in Input, intent *v1alpha1.Intent) Action {
	switch {
	case !in.isOf(intent):
		return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}
	case in.state(intent.KeyID) == keyservice.Deleting:
		return in.waitForDeletion(intent.KeyID)
	case in.deleting() && in.recorded(intent.KeyID): // only the intent says that a new pair in the key is the operator's
		return Action{Verb: Revoke, Reason: v1alpha1.ReasonDeleting, KeyID: intent.KeyID}
	case in.useless(intent.KeyID):
		return in.deleteOrphan(v1alpha1.ReasonSettling, intent.KeyID)
	case !in.Service.Regenerates, in.state(intent.KeyID) == keyservice.Failed:
		return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}
	}
	return unlessUnpublishable(in, Action{Verb: Regenerate, Reason: v1alpha1.ReasonSettling, KeyID: intent.KeyID})
}

// unlessUnpublishable settles with an action that publishes a pair, unless the Secret belongs to somebody else or cannot be
// rendered.
func unlessUnpublishable(in Input, action Action) Action {
	stall, unpublishable := foreignSecret(in)
	if !unpublishable {
		stall, unpublishable = renderable(in, action.Reason)
	}
	if !unpublishable {
		return action
	}
	if due, ok := meanwhile(in); ok {
		return due
	}
	return stall
}

// isOf reports whether the key under the ID of the intent is one that the operation created or regenerated.
func (in Input) isOf(intent *v1alpha1.Intent) bool {
	key, ok := in.find(intent.KeyID)
	switch {
	case !ok:
		return false
	case in.marked(intent.KeyID), in.recorded(intent.KeyID) && !in.replacedExternally(intent.KeyID):
		return true
	}
	return key.OwnerUID == "" && !key.Claimed && !slices.Contains(intent.KnownKeyIDs, intent.KeyID)
}

// useless reports whether nothing needs the key that was created, and no pair of it can be published.
func (in Input) useless(id string) bool {
	return !in.recorded(id) && (in.deleting() || !in.Service.Regenerates || in.secretIsForeign(in.Secret))
}

// settleWaiting settles an operation whose pair waits in the next Secret until the service has activated it and the data plane accepts
// it. A pair that will never be published is discarded.
func settleWaiting(in Input, intent *v1alpha1.Intent) Action {
	id := in.Next.Record.KeyID
	switch {
	case in.state(id) == keyservice.Deleting:
		return in.waitForDeletion(id)
	case in.deleting(), !in.works(id), in.CompromisedNext():
		return in.deleteOrphan(v1alpha1.ReasonSettling, id)
	case in.state(id) == keyservice.Pending:
		if action, ok := meanwhile(in); ok { // the activation can take long
			return action
		}
		return Action{
			Verb:   Wait,
			Reason: v1alpha1.ReasonWaiting,
			Detail: sentence(fmt.Sprintf("for the service to activate key %s", id), in.message(id)),
			Until:  in.Now.Add(pendingDelay),
		}
	}
	if action, ok := settleUnverified(in, intent); ok {
		return action
	}
	return unlessUnpublishable(in, Action{Verb: Promote, Reason: v1alpha1.ReasonSettling, KeyID: id})
}

// deleteOrphan returns the action that deletes a key that the operator created and nothing uses. Its detail is the service's
// reason if the service could not make the key.
func (in Input) deleteOrphan(reason, id string) Action {
	action := Action{Verb: DeleteOrphan, Reason: reason, KeyID: id}
	if in.state(id) == keyservice.Failed {
		action.Detail = cmp.Or(in.message(id), "the service does not say why")
	}
	return action
}
