// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import "accesskey.dev/operator/api/v1alpha1"

// renameSecret publishes the pair under the wanted name if spec.secretName changed. As with any rotation, a new pair gives
// consumers an overlap to move to the new Secret, as long as the one with the former name holds the old pair. Where two pairs
// cannot work side by side, the pair moves, because a new one would end it.
func renameSecret(in Input) (Action, bool) {
	status := &in.AccessKey.Status
	if status.SecretName == in.AccessKey.SecretName() {
		return none()
	}
	if in.currentWorks() && (in.Replaces() || in.full()) {
		if !in.Live {
			return Action{Verb: ReadLive, Reason: v1alpha1.ReasonRenaming}, true
		}
		if in.Former.State == SecretIntact || in.Secret.Copy {
			if action, ok := renderable(in, ""); ok {
				return action, true
			}
			return Action{Verb: Move, Reason: v1alpha1.ReasonRenaming}, true
		}
	}
	return obtain(in, v1alpha1.ReasonRenaming)
}
