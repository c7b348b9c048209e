// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// meanwhile does for the published pair and the previous keys what cannot wait for the end of an open operation, because that can take
// long: a person has to act, or the new pair is held.
func meanwhile(in Input) (Action, bool) {
	rules := []func(Input) (Action, bool){enable, askLastUse, revokePrevious, followTemplate}
	if in.suspended() {
		rules = []func(Input) (Action, bool){enable, revokePrevious}
	}
	for _, rule := range rules {
		if action, ok := rule(in); ok {
			return action, true
		}
	}
	return none()
}

// followTemplate updates the published Secret if only its template has changed.
func followTemplate(in Input) (Action, bool) {
	if in.deleting() || in.Secret.UpToDate || in.Secret.Rendered || !in.published(in.AccessKey.Status.KeyID) || in.secretIsForeign(in.Secret) {
		return none() // what others changed is repaired later
	}
	if action, ok := renderable(in, ""); ok {
		return action, true
	}
	return live(in, Action{Verb: UpdateSecret, Reason: v1alpha1.EventSecretUpdated})
}

// untilMeanwhile is when meanwhile has something to do.
func (in Input) untilMeanwhile() time.Time {
	if in.suspended() {
		return in.nextRevocation()
	}
	return earliest(in.nextRevocation(), in.nextAsk())
}
