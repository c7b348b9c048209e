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

// settle finds out what became of an operation that was begun, before anything else is done for the user.
func settle(in Input) (Action, bool) {
	intent := in.AccessKey.Status.Intent
	switch {
	case intent == nil:
		return none()
	case !in.Live:
		return Action{Verb: Look, Reason: v1alpha1.ReasonSettling}, true
	case intent.Operation == v1alpha1.OperationRevoke:
		return settleRevocation(in, intent), true
	case in.publishedBy(intent):
		return Action{Verb: Adopt, Reason: v1alpha1.ReasonSettling}, true
	case in.waitsFor(intent):
		return settleWaiting(in), true
	case len(intent.CandidateKeyIDs) > 0:
		return settleByPerson(in, intent)
	case in.Now.Before(in.landedBy(intent)):
		return Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: in.landedBy(intent)}, true
	case intent.KeyID != "":
		return settleChosen(in, intent), true
	default:
		return settleUnknown(in, intent), true
	}
}

// settleRevocation: nothing is put into the place before a deletion without an answer can no longer land there. Then what the
// status records is revoked by the rules for it.
func settleRevocation(in Input, intent *v1alpha1.Intent) Action {
	switch {
	case in.Now.Before(in.landedBy(intent)):
		return Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: in.landedBy(intent)}
	case (in.ours(intent.KeyID) || in.marked(intent.KeyID)) && !in.remembered(intent.KeyID):
		return Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: intent.KeyID}
	default:
		return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}
	}
}

// settleUnknown: the service chose the key's ID, and only what is new can tell.
func settleUnknown(in Input, intent *v1alpha1.Intent) Action {
	candidates, recent := in.candidates(intent)
	if until := in.contested(candidates); in.Now.Before(until) {
		return Action{Verb: Wait, Reason: v1alpha1.ReasonSettling, Until: until}
	}
	switch {
	case len(candidates) == 0:
		return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}
	case len(candidates) == 1 && recent:
		return Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: candidates[0]}
	default:
		return Action{Verb: MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: list(candidates)}
	}
}

// settleChosen: the ID is known, so the key can be renewed, which gives a pair that nobody else has.
func settleChosen(in Input, intent *v1alpha1.Intent) Action {
	switch {
	case !in.ours(intent.KeyID) && !in.marked(intent.KeyID), in.deleting() && in.remembered(intent.KeyID):
		return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}
	case in.state(intent.KeyID) == keyservice.Deleting:
		return in.waitForDeletion(intent.KeyID)
	case in.useless(intent.KeyID):
		return Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: intent.KeyID}
	case !in.Service.Regenerates, in.state(intent.KeyID) == keyservice.Failed:
		return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}
	}
	if in.Secret.State == SecretForeign { // no pair can be published, so none is made
		action, ok := revokePrevious(in)
		if !ok {
			action, _ = foreignSecret(in)
		}
		return action
	}
	return Action{Verb: Regenerate, Reason: v1alpha1.ReasonSettling, KeyID: intent.KeyID}
}

// useless: nothing needs the key that was made, and no pair of it can be published.
func (in Input) useless(id string) bool {
	if in.state(id) == keyservice.Failed {
		return !slices.Contains(in.AccessKey.RecordedKeyIDs(), id)
	}
	return !in.remembered(id) && (in.deleting() || !in.Service.Regenerates || in.Secret.State == SecretForeign)
}

// settleWaiting: the pair is kept in the next Secret until the service lets it work.
func settleWaiting(in Input) Action {
	id := in.Next.Record.KeyID
	switch {
	case in.deleting(), in.state(id) == keyservice.Failed, in.state(id) == keyservice.Disabled:
		return Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonSettling, KeyID: id}
	case in.state(id) == keyservice.Pending:
		// That can take long, too.
		if action, ok := revokePrevious(in); ok {
			return action
		}
		return Action{
			Verb:   Wait,
			Reason: v1alpha1.ReasonWaiting,
			Detail: fmt.Sprintf("for the service to activate key %s", id),
			Until:  in.Now.Add(pendingDelay),
		}
	case in.state(id) == keyservice.Deleting:
		return in.waitForDeletion(id)
	default:
		return Action{Verb: Publish, Reason: v1alpha1.ReasonSettling, KeyID: id}
	}
}

// settleByPerson waits until one of the candidates is gone: the person has then deleted the orphan, and what is left is
// not ours. To go on by elimination would delete the other one.
func settleByPerson(in Input, intent *v1alpha1.Intent) (Action, bool) {
	for _, id := range intent.CandidateKeyIDs {
		if !in.listed(id) {
			return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}, true
		}
	}
	// A person can take long, and a previous key is none of the candidates.
	if action, ok := revokePrevious(in); ok {
		return action, true
	}
	return Action{
		Verb:   Block,
		Reason: v1alpha1.ReasonAmbiguousKeys,
		Detail: fmt.Sprintf("the answer to a create was lost, and each of the keys %s could be the one it made; "+
			"delete the one that nobody uses at the service, and the operator will leave the others alone", list(intent.CandidateKeyIDs)),
		Until: in.nextRevocation(),
	}, true
}

// candidates are the keys that the intent could have made and whose secret is lost. recent: all of them were made around
// its start.
func (in Input) candidates(intent *v1alpha1.Intent) (ids []string, recent bool) {
	recent = true
	for _, key := range in.Keys {
		if slices.Contains(intent.KnownKeyIDs, key.ID) || !in.ours(key.ID) || in.published(key.ID) ||
			slices.Contains(in.AccessKey.RecordedKeyIDs(), key.ID) {
			continue
		}
		ids = append(ids, key.ID)
		recent = recent && in.around(intent, key)
	}
	return ids, recent
}

// around: the key was made while a request of the intent could land, as far as the clocks tell.
func (in Input) around(intent *v1alpha1.Intent, key Key) bool {
	if key.CreatedAt.IsZero() {
		return true
	}
	recorded := key.CreatedAt.Sub(intent.StartedAt.Time)
	if !in.Service.ClockKnown {
		return recorded.Abs() <= clockSkew
	}
	// As the clocks were when it began, if they agreed; or as they are now, if none was set since.
	measured := key.CreatedAt.Add(in.Service.ClockBehind).Sub(in.byWallClock(in.begun(intent)))
	near := func(distance time.Duration) bool { return -knownSkew <= distance && distance <= settleAfter+knownSkew }
	return near(recorded) || near(measured)
}

// contested is until when one of the keys can still turn out to be another AccessKey's.
func (in Input) contested(ids []string) time.Time {
	var until time.Time
	for _, id := range ids {
		key, _ := in.find(id)
		until = latest(until, key.ContestedUntil)
	}
	return until
}

// CandidateKeyIDs are the keys that the open intent could have made.
func (in Input) CandidateKeyIDs() []string {
	ids, _ := in.candidates(in.AccessKey.Status.Intent)
	return ids
}
