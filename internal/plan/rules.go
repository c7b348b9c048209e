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
	// FirstPause is the back-off after the first failure, unless the service asks for a longer one.
	FirstPause = 5 * time.Second
	// tellLate is from which delay on a late revocation is reported.
	tellLate = 5 * time.Minute
	// pendingDelay is when to check again whether the service has finished an asynchronous operation.
	pendingDelay = 5 * time.Second
	// settleAfter is how long after its start an operation stays open: longer than a request to the service can take, because
	// a request can be carried out after the operator stopped waiting for the response.
	settleAfter = 2 * time.Minute
	// unknownSkew is how far the clock of a service may be off that has not sent its time.
	unknownSkew = 15 * time.Minute
	// knownSkew is how far the offset of the service's clock may be off: a proxy may have sent it.
	knownSkew = time.Minute
	// busyDelay is when to check again whether another AccessKey of the user is still busy.
	busyDelay = time.Second
	// busyTooLong is when a person should look at the AccessKey that keeps the user busy, and busyLongDelay when to check again then.
	busyTooLong, busyLongDelay = 10 * time.Minute, 30 * time.Second
	// togetherDelay is how long after an AccessKey its KeyService and the Secrets of that may be created, if all are applied together.
	togetherDelay = 10 * time.Second
	// inUseDelay is when to check again for the in-use finalizer, unless an event of the KeyService comes first.
	inUseDelay = 10 * time.Second
)

// rule answers, or leaves the answer to the next rule.
type rule struct {
	name   string
	decide func(Input) (Action, bool)
}

// rules in order; the first answer wins.
var rules = []rule{
	// Retain must work without the service, which may be gone for good.
	{"an AccessKey that is deleted with Retain keeps its keys", retain},
	// Before everything that can wait: without the finalizer, a deletion would leave the keys at the service.
	{"an AccessKey with keys has the finalizer", keepFinalizer},
	{"the keys of an AccessKey whose KeyService leads to another service are left as they are", otherService},
	{"a failed operation is retried after its back-off", backOff},
	// Before anything else is done for the user: until the operation is settled, nobody knows which keys are whose.
	{"an open operation is settled", settle},
	// Also while the AccessKey is suspended: a consumer may be waiting.
	{"a key in quarantine is enabled on request", enable},
	{"a suspended AccessKey only revokes its previous keys", suspended},
	// Before the first pair is issued, and before a deletion that would find nothing to revoke.
	{"an AccessKey that lost its status adopts the keys that its Secret records", adopt},
	{"a key with the mark of this AccessKey that nothing records is deleted", sweepMarked},
	{"a deleted AccessKey revokes all its keys", revokeAll},
	{"the service is asked when a previous key was last used", askLastUse},
	// Before everything that can stall, so that no key outlives its time because of other trouble.
	{"a previous key is revoked at revokeAt", revokePrevious},
	// Before a foreign Secret is reported: the pair can be in the wanted Secret.
	{"an AccessKey with importFrom starts with that pair", importPair},
	{"a Secret that has changed is read live", verifySecret},
	{"a foreign Secret is never overwritten", foreignSecret},
	{"the first pair is issued", issue},
	// Before everything that can hold back a new pair.
	{"a compromised key is replaced at once", replaceCompromised},
	{"a pair is published under a new secretName", renameSecret},
	{"a lost or edited Secret gets a new pair", restoreSecret},
	// The user may have been renamed or deleted, or created again with another ID.
	{"a user that the service no longer knows is asked for live", askForUser},
	{"a key that the service lost is rotated", replaceMissing},
	{"a requested rotation happens once per token", renewNow},
	{"a pair is rotated at renewalTime", rotate},
	{"a Secret is updated around its pair", updateSecret},
	{"a next Secret that nothing waits in is deleted", dropNext},
	{"a published pair is verified", verifyPublished},
	// Before the key expires, so that there is time to act.
	{"a compromised key that nobody knows is reported", reportUnknown},
	{"a published pair that the data plane rejects is reported", reportRejected},
	{"a key that would no longer be created is reported", reportDenial},
	{"a restart that failed is reported", reportRestart},
	{"an overlap that is too short for a restart is reported", reportOverlap},
	{"rotation windows that cannot be used are reported", reportWindows},
	{"otherwise wait for the next scheduled step", wait},
}

// Next decides what to do. It returns ReadLive instead of an irreversible action unless the input is live.
func Next(in Input) Action { return decide(rules, in) }

func decide(chain []rule, in Input) Action {
	for _, r := range chain {
		if action, ok := r.decide(in); ok {
			return withCompromised(in, unlessUserBusy(in, unlessRefused(in, action)))
		}
	}
	return Action{Verb: Wait}
}

// unlessRefused keeps hundreds of AccessKeys from sending requests with credentials that the service refuses, which could
// lock the operator's account.
func unlessRefused(in Input, action Action) Action {
	if action.Verb != ReadLive || in.Service.Refusal == "" {
		return action
	}
	ref := in.AccessKey.Spec.ServiceRef
	return Action{
		Verb:   Stall,
		Reason: v1alpha1.ReasonUnauthorized,
		Detail: fmt.Sprintf("%s %s: the service refuses the operator's credentials, so the operator sends no requests until they are corrected: %s", ref.Kind, ref.Name, in.Service.Refusal),
	}
}

// unlessUserBusy keeps two operations of one user apart where IDs are reused: a request that is carried out late could delete
// or regenerate the key that the other operation has just created. It waits for a time, not for the other AccessKey, so that two
// AccessKeys never wait for each other.
func unlessUserBusy(in Input, action Action) Action {
	switch action.Verb {
	case Regenerate, Revoke, Disable, Enable, DeleteOrphan:
		if in.Service.ReusesIDs && in.Now.Before(in.UserBusyUntil) {
			return in.waitForUser(in.UserBusyUntil)
		}
	default:
	}
	return action
}

func none() (Action, bool) { return Action{}, false }

// live returns the action, or ReadLive if the input is not live.
func live(in Input, action Action) (Action, bool) {
	if !in.Live {
		return Action{Verb: ReadLive, Reason: action.Reason}, true
	}
	return action, true
}

func retain(in Input) (Action, bool) {
	if in.deleting() && in.AccessKey.Spec.DeletionPolicy == v1alpha1.DeletionPolicyRetain {
		return Action{Verb: Retain, Reason: v1alpha1.ReasonDeleting}, true
	}
	return none()
}

// keepFinalizer restores the finalizer after somebody replaced the whole AccessKey (kubectl replace).
func keepFinalizer(in Input) (Action, bool) {
	if in.deleting() || in.hasFinalizer() || !in.hasKeys() {
		return none()
	}
	return Action{Verb: AddFinalizer}, true
}

// otherService does nothing at a service that does not have the recorded keys. An AccessKey without keys can be deleted.
func otherService(in Input) (Action, bool) {
	if in.Service.IdentityChanged == "" || in.deleting() && !in.hasKeys() {
		return none()
	}
	return Action{Verb: Stall, Reason: v1alpha1.ReasonIdentityChanged, Detail: in.Service.IdentityChanged}, true
}

func backOff(in Input) (Action, bool) {
	failures := in.AccessKey.Status.Failures
	switch {
	case failures == nil || !in.Now.Before(failures.NextAttempt.Time):
		return none()
	case in.AccessKey.Status.ObservedGeneration != in.AccessKey.Generation:
		return none() // the change of the spec may be the fix
	case in.Service.ReadySince.After(failures.LastTime.Time):
		return none() // the service works again
	case in.endsCurrent(in.AccessKey.Status.Intent) && failures.Count == 1 && failures.NextAttempt.Sub(failures.LastTime.Time) < 2*FirstPause:
		return none() // perhaps no pair works until the operation is settled
	}
	return Action{Verb: Wait, Reason: v1alpha1.ReasonRetrying, Until: failures.NextAttempt.Time}, true
}

// sweepMarked finds keys that a lost status forgot, on services whose keys carry marks.
func sweepMarked(in Input) (Action, bool) {
	if !in.Live {
		return none()
	}
	for _, key := range in.Keys {
		published := in.Secret.State == SecretIntact && in.Secret.Record.KeyID == key.ID && !in.deleting()
		if in.marked(key.ID) && !in.recorded(key.ID) && !published && !key.Claimed && key.State != keyservice.Deleting {
			return in.deleteOrphan(v1alpha1.ReasonRevoking, key.ID), true
		}
	}
	return none()
}

func verifySecret(in Input) (Action, bool) {
	if in.Live || in.Secret.State != SecretUnverified {
		return none()
	}
	return Action{Verb: ReadLive, Reason: v1alpha1.ReasonRestoring}, true
}

func foreignSecret(in Input) (Action, bool) {
	if !in.secretIsForeign(in.Secret) {
		return none()
	}
	detail := "exists and is not controlled by this AccessKey, or is being deleted; delete it, or choose another secretName"
	if in.Secret.Owner != "" {
		detail = "is controlled by " + in.Secret.Owner + "; choose another secretName"
	}
	return Action{
		Verb: Stall, Reason: v1alpha1.ReasonSecretConflict, Detail: "Secret " + in.AccessKey.SecretName() + " " + detail, Until: in.nextRevocation(),
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
	if in.lostPair() {
		if action, ok := heldBack(in); ok {
			return action, true
		}
	}
	return obtain(in, v1alpha1.ReasonRestoring)
}

func askForUser(in Input) (Action, bool) {
	if !in.UserGone || in.Live {
		return none()
	}
	return Action{Verb: ReadLive, Reason: v1alpha1.ReasonRestoring}, true
}

func replaceMissing(in Input) (Action, bool) {
	if in.currentWorks() {
		return none()
	}
	return obtain(in, v1alpha1.ReasonRestoring)
}

func renewNow(in Input) (Action, bool) {
	if !in.renewalRequested() {
		return none()
	}
	return obtain(in, v1alpha1.ReasonRenewing)
}

func rotate(in Input) (Action, bool) {
	if !in.rotationDue() {
		return none()
	}
	return obtain(in, v1alpha1.ReasonRotating)
}

func updateSecret(in Input) (Action, bool) {
	if in.Secret.UpToDate {
		return none()
	}
	if action, ok := renderable(in, ""); ok {
		action.Until = earliest(in.renewal(), in.nextRevocation())
		return action, true
	}
	if in.Secret.Rendered { // somebody changed it
		if action, ok := heldBack(in); ok {
			return action, true
		}
	}
	return live(in, Action{Verb: UpdateSecret, Reason: v1alpha1.EventSecretUpdated})
}

// dropNext keeps a former Secret that has the name of the next one, as long as the key in it works.
func dropNext(in Input) (Action, bool) {
	name := NextSecretName(in.AccessKey)
	former := slices.ContainsFunc(in.AccessKey.Status.PreviousKeys, func(p v1alpha1.PreviousKey) bool { return p.SecretName == name })
	unverified := in.Next.State == SecretUnverified && in.Next.Adoptable // it is probably somebody else's
	if former || unverified || in.Next.State == SecretAbsent || in.secretIsForeign(in.Next) {
		return none()
	}
	return live(in, Action{Verb: DropNext, Reason: v1alpha1.EventSecretUpdated})
}

func reportDenial(in Input) (Action, bool) {
	denied, ok := in.denial()
	if !ok {
		return none()
	}
	next, _ := wait(in)
	denied.Until = next.Until
	return denied, true
}

func wait(in Input) (Action, bool) {
	return Action{Verb: Wait, Until: earliest(earliest(in.renewal(), in.nextRevocation()), in.nextAsk())}, true
}
