// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import "accesskey.dev/operator/api/v1alpha1"

// suspended lets no key outlive the time that was announced for it.
func suspended(in Input) (Action, bool) {
	if !in.suspended() {
		return none()
	}
	if action, ok := revokePrevious(in); ok {
		return action, true
	}
	if in.rejected() && len(in.AccessKey.Status.PreviousKeys) > 0 { // they stay until the data plane accepts the pair
		if action, ok := verifyPublished(in); ok {
			return action, true
		}
	}
	if action, ok := verifySecret(in); ok && in.AccessKey.Status.KeyID != "" { // Ready tells what the Secret holds, although nobody repairs it
		return action, true
	}
	if action, ok := suspendedCompromised(in); ok {
		return action, true
	}
	return Action{Verb: Wait, Reason: v1alpha1.ReasonSuspended, Until: in.nextRevocation()}, true
}

// suspendedCompromised reports what spec.compromisedKeyIDs asks for and a suspended AccessKey does not do.
func suspendedCompromised(in Input) (Action, bool) {
	if in.compromised(in.AccessKey.Status.KeyID) {
		return Action{
			Verb: Stall, Reason: v1alpha1.ReasonCompromisedKeyInUse, Until: in.nextRevocation(),
			Detail: "spec.suspend is set, so no new pair is issued; unset it to replace the key",
		}, true
	}
	return in.unknownCompromised()
}
