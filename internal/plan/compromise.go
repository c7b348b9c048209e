// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"

	"accesskey.dev/operator/api/v1alpha1"
)

// compromised reports whether spec.compromisedKeyIDs names the recorded pair of a key. It is then revoked as soon as another
// pair is published, whatever else its revocation would wait for.
func (in Input) compromised(id string) bool {
	status := &in.AccessKey.Status
	if id == status.KeyID {
		return in.AccessKey.Compromised(id, status.AccessKeyID)
	}
	previous := findPrevious(status, id)
	return previous != nil && in.AccessKey.Compromised(id, previous.AccessKeyID)
}

// CompromisedNext reports whether spec.compromisedKeyIDs names the pair that waits in the next Secret.
func (in Input) CompromisedNext() bool {
	return in.AccessKey.Compromised(in.Next.Record.KeyID, in.Next.Record.AccessKeyID)
}

// replaceCompromised replaces the current key at once if it is compromised.
func replaceCompromised(in Input) (Action, bool) {
	if !in.compromised(in.AccessKey.Status.KeyID) {
		return none()
	}
	return obtain(in, v1alpha1.ReasonCompromised)
}

// reportUnknown reports IDs in spec.compromisedKeyIDs that name no key of this AccessKey: the person who named a key expects
// that it was revoked.
func reportUnknown(in Input) (Action, bool) {
	action, ok := in.unknownCompromised()
	if ok {
		next, _ := wait(in)
		action.Until = next.Until
	}
	return action, ok
}

func (in Input) unknownCompromised() (Action, bool) {
	unknown := in.AccessKey.UnknownCompromisedKeyIDs()
	if len(unknown) == 0 {
		return none()
	}
	for i := range unknown {
		unknown[i] = ShortID(unknown[i])
	}
	return Action{
		Verb: Stall, Reason: v1alpha1.ReasonCompromisedKeyUnknown, Until: in.nextRevocation(),
		Detail: fmt.Sprintf("spec.compromisedKeyIDs names keys that this AccessKey neither has nor had in status.history, so nothing was revoked for them: %s; "+
			"correct the IDs, name a key of another AccessKey there, delete a key that the operator did not create at the service, or remove an ID that is no longer needed", list(unknown)),
	}, true
}

// withCompromised adds to whatever keeps a compromised key from being replaced that the key still works, and how to end it.
func withCompromised(in Input, action Action) Action {
	status := &in.AccessKey.Status
	if action.Verb != Stall || in.deleting() || !in.compromised(status.KeyID) {
		return action
	}
	action.Detail += fmt.Sprintf("; access key %s is compromised, and works until its replacement is published", ShortID(status.AccessKeyID))
	if action.Reason == v1alpha1.ReasonQuotaExceeded && !in.Replaces() {
		action.Detail += "; to replace it in place, without an overlap, set rotation.strategy to Replace"
	}
	action.Detail += "; to revoke it without a replacement, delete this AccessKey"
	return action
}
