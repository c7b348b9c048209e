// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"errors"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// heldPair is a pair whose Secret could not be written yet. It is kept in memory for the next reconciliation; a crash loses it.
type heldPair struct {
	intent     v1alpha1.Intent
	credential keyservice.Credential
}

// holds returns the pair of the open intent that this process still has.
func (r *Reconciler) holds(s *scope) (keyservice.Credential, bool) {
	value, _ := r.held.Load(s.name)
	held, ok := value.(*heldPair)
	if !ok {
		return keyservice.Credential{}, false
	}
	intent := s.ak.Status.Intent
	if intent == nil || intent.Revision != held.intent.Revision || !intent.StartedAt.Equal(&held.intent.StartedAt) || intent.Operation != held.intent.Operation {
		r.held.Delete(s.name)
		return keyservice.Credential{}, false
	}
	return held.credential, true
}

// publishHeld publishes the pair whose Secret could not be written before.
func (r *Reconciler) publishHeld(ctx context.Context, s *scope, action plan.Action) error {
	credential, ok := r.holds(s)
	if !ok {
		return errors.New("the pair of the open operation is no longer in memory")
	}
	if err := r.takeOver(ctx, s); err != nil {
		return err
	}
	return r.deliver(ctx, s, action, credential)
}
