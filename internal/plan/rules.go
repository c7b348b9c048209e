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

const (
	// pendingDelay is when to ask the service again for something that it does in its own time.
	pendingDelay = 5 * time.Second
	// settleAfter is how long after its start an intent is still open: longer than a request to the service can take,
	// since a create that is under way can land after its answer was given up. A key that shows before could be foreign.
	settleAfter = 2 * time.Minute
	// clockSkew is how far the service's clock may be off.
	clockSkew = 15 * time.Minute
	// knownSkew is how far it may be off if it has told its time: what told it may be a proxy, with a clock of its own.
	knownSkew = time.Minute
	// busyDelay is when to ask again while another AccessKey of the user is at work.
	busyDelay = time.Second
	// heldDelay is when to ask again if no event of the KeyService comes.
	heldDelay = 10 * time.Second
)

// rule answers or leaves the answer to the next one.
type rule struct {
	name   string
	decide func(Input) (Action, bool)
}

// rules in order; the first that answers wins.
var rules = []rule{
	// Suspending must work whatever else is wrong; deleting must work although suspended.
	{"a suspended AccessKey is left as it is", suspended},
	// Retain lets go without the service, which may be gone for good.
	{"deleted with Retain lets go", retain},
	// The operator's own key may come back, and then everything is as it was.
	{"a status that another operator's key signed is left as it is", signedByAnother},
	{"after a failure the next attempt waits", backOff},
	// Before anything else is done for the user: until it is settled, nobody knows which keys are whose.
	{"an open intent is settled", settle},
	{"a published pair is recorded again when status lost it", adoptPublished},
	{"a key with our mark that nothing records is deleted", sweepMarked},
	{"deleted revokes every key and lets go", revokeAll},
	// Before any block, so that no key outlives its time because of another trouble.
	{"a previous key is revoked at revokeAt", revokePrevious},
	{"a foreign Secret is never overwritten", foreignSecret},
	{"the first pair is issued", issue},
	{"a lost or edited Secret gets a new pair", restoreSecret},
	{"a key that vanished at the service is replaced", replaceMissing},
	{"a renewal is made once per token", renewNow},
	{"a pair is rotated at renewalTime", rotate},
	{"a Secret is kept up to date around its pair", updateSecret},
	{"a Secret under a former name goes when its key is gone", dropFormer},
	{"the Secret in which a pair waited goes", dropNext},
	// Before its key ends, so that there is time to mend it.
	{"a grant that was withdrawn is told of", tellOfGrant},
	{"otherwise wait for the next moment", wait},
}

// Next decides what to do. It answers Look instead of an irreversible action unless the input is live.
func Next(in Input) Action { return decide(rules, in) }

func decide(chain []rule, in Input) Action {
	for _, r := range chain {
		if action, ok := r.decide(in); ok {
			return unlessUnderWay(in, unlessRefused(in, action))
		}
	}
	return Action{Verb: Wait}
}

// unlessRefused: a service that refuses the credentials is asked nothing until its KeyService is Ready again. Hundreds of
// AccessKeys that try all the same get the operator's account locked.
func unlessRefused(in Input, action Action) Action {
	if action.Verb != Look || in.Service.Refusal == "" {
		return action
	}
	ref := in.AccessKey.Spec.ServiceRef
	return Action{
		Verb:   Block,
		Reason: v1alpha1.ReasonUnauthorized,
		Detail: fmt.Sprintf("%s %s: the service refuses the operator's credentials, and is not asked again until they are mended: %s", ref.Kind, ref.Name, in.Service.Refusal),
	}
}

// unlessUnderWay: where an ID is a place, a request of another AccessKey that is still under way could take away what is put
// there now, or the other way round. It is waited for by time, so that two AccessKeys never wait for each other.
func unlessUnderWay(in Input, action Action) Action {
	switch action.Verb {
	case Regenerate, Revoke, DeleteOrphan:
		if in.Service.ReusesIDs && in.Now.Before(in.UserBusyUntil) {
			return waitForUser(in.UserBusyUntil)
		}
	default:
	}
	return action
}

func none() (Action, bool) { return Action{}, false }

// live answers the action, or Look if the input is not live.
func live(in Input, action Action) (Action, bool) {
	if !in.Live {
		return Action{Verb: Look, Reason: action.Reason}, true
	}
	return action, true
}

func suspended(in Input) (Action, bool) {
	if in.suspended() {
		return Action{Verb: Wait, Reason: v1alpha1.ReasonSuspended}, true
	}
	return none()
}

func retain(in Input) (Action, bool) {
	if in.deleting() && in.AccessKey.Spec.DeletionPolicy == v1alpha1.DeletionPolicyRetain {
		return Action{Verb: Release, Reason: v1alpha1.EventRetained}, true
	}
	return none()
}

func signedByAnother(in Input) (Action, bool) {
	if in.Proof != SignedByAnother {
		return none()
	}
	return Action{
		Verb:   Block,
		Reason: v1alpha1.ReasonProofKeyChanged,
		Detail: "the status was signed with another key than the operator's, so nothing that it records is touched; restore the operator's Secret accesskey-operator-proof, " +
			"or start the manager once with --trust-unproven if that is lost",
	}, true
}

func backOff(in Input) (Action, bool) {
	failures := in.AccessKey.Status.Failures
	switch {
	case failures == nil || !in.Now.Before(failures.NextAttempt.Time):
		return none()
	case in.Now.Before(failures.LastTime.Time):
		return none() // the clock was set back, so that nobody knows how long it has waited
	case in.AccessKey.Status.ObservedGeneration != in.AccessKey.Generation:
		return none() // the spec was changed, perhaps to mend it
	case in.Service.ReadySince.After(failures.LastTime.Time) && !in.Service.ReadySince.After(in.Now):
		return none() // the service was mended
	}
	return Action{Verb: Wait, Reason: v1alpha1.ReasonRetrying, Until: failures.NextAttempt.Time}, true
}

// adoptPublished: a status that knows the record's revision has lost nothing. It gave the key up, which the service can
// list a while longer.
func adoptPublished(in Input) (Action, bool) {
	if in.AccessKey.Status.KeyID != "" || in.Secret.State != SecretIntact {
		return none()
	}
	if !in.Live {
		return Action{Verb: Look, Reason: v1alpha1.ReasonSettling}, true
	}
	switch record := in.Secret.Record; {
	case in.lists(record.KeyID, record.AccessKeyID) && !in.ours(record.KeyID) && !in.marked(record.KeyID):
		return in.notOurs(record.KeyID), true
	case in.carriesMore(record), in.lists(record.KeyID, record.AccessKeyID) && in.AccessKey.Status.Revision < record.Revision:
		return Action{Verb: Adopt, Reason: v1alpha1.ReasonSettling}, true
	}
	return none()
}

// sweepMarked: where keys carry marks, a look shows what a lost status forgot.
func sweepMarked(in Input) (Action, bool) {
	if !in.Live {
		return none()
	}
	for _, key := range in.Keys {
		if key.OwnerUID == string(in.AccessKey.UID) && key.State != keyservice.Deleting && in.ours(key.ID) && !in.remembered(key.ID) {
			return Action{Verb: DeleteOrphan, Reason: v1alpha1.ReasonRevoking, KeyID: key.ID}, true
		}
	}
	return none()
}

func foreignSecret(in Input) (Action, bool) {
	if in.Secret.State != SecretForeign {
		return none()
	}
	return Action{
		Verb:   Block,
		Reason: v1alpha1.ReasonSecretConflict,
		Detail: fmt.Sprintf("the Secret %s exists and is not controlled by this AccessKey, or is on its way out; delete it, or choose another secretName", in.AccessKey.SecretName()),
		Until:  in.nextRevocation(),
	}, true
}

func issue(in Input) (Action, bool) {
	if in.AccessKey.Status.KeyID != "" {
		return none()
	}
	return obtain(in, v1alpha1.ReasonIssuing)
}

func restoreSecret(in Input) (Action, bool) {
	if in.published(in.AccessKey.Status.KeyID) {
		return none()
	}
	return obtain(in, v1alpha1.ReasonRestoring)
}

func replaceMissing(in Input) (Action, bool) {
	if in.CurrentWorks() {
		return none()
	}
	return obtain(in, v1alpha1.ReasonRestoring)
}

func renewNow(in Input) (Action, bool) {
	if in.RenewalToken() == in.AccessKey.Status.LastHandledRenewal || in.RenewalToken() == "" {
		return none()
	}
	return obtain(in, v1alpha1.ReasonRenewing)
}

func rotate(in Input) (Action, bool) {
	renewal := in.renewal()
	if renewal.IsZero() || in.Now.Before(renewal) {
		return none()
	}
	return obtain(in, v1alpha1.ReasonRotating)
}

func updateSecret(in Input) (Action, bool) {
	if in.Secret.UpToDate {
		return none()
	}
	return live(in, Action{Verb: UpdateSecret, Reason: v1alpha1.EventSecretUpdated})
}

// dropFormer keeps the Secret under the former name as long as the key in it works, for consumers that still use it.
func dropFormer(in Input) (Action, bool) {
	for _, former := range in.FormerSecrets {
		if former.Name != in.AccessKey.SecretName() && !in.lists(former.KeyID, former.AccessKeyID) {
			return live(in, Action{Verb: DropSecret, Reason: v1alpha1.EventSecretUpdated, Name: former.Name})
		}
	}
	return none()
}

// dropNext: with no intent open nothing waits any more. Under that name can also be a former Secret, for consumers that still
// use it.
func dropNext(in Input) (Action, bool) {
	former := slices.ContainsFunc(in.AccessKey.Status.PreviousKeys, func(p v1alpha1.PreviousKey) bool {
		return p.KeyID == in.Next.Record.KeyID && in.lists(p.KeyID, in.Next.Record.AccessKeyID)
	})
	if !former && (in.Next.State == SecretIntact || in.Next.State == SecretEdited) {
		return live(in, Action{Verb: DropSecret, Reason: v1alpha1.EventSecretUpdated, Name: NextSecretName(in.AccessKey)})
	}
	return none()
}

func tellOfGrant(in Input) (Action, bool) {
	if in.Granted {
		return none()
	}
	next, _ := wait(in)
	return Action{Verb: Block, Reason: v1alpha1.ReasonNotGranted, Detail: in.notGranted(), Until: next.Until}, true
}

func wait(in Input) (Action, bool) {
	return Action{Verb: Wait, Until: earliest(in.renewal(), in.nextRevocation())}, true
}
