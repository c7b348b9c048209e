// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// deleteOrphan deletes a key that a lost response created, or that the service could not make. In the second case the operation
// of the open intent failed.
func (r *Reconciler) deleteOrphan(ctx context.Context, s *scope, action plan.Action) error {
	failed, waited := s.ak.Status.Intent != nil && s.ak.DeletionTimestamp.IsZero(), false
	var reason v1alpha1.IssueReason
	if intent := s.ak.Status.Intent; intent != nil {
		waited, reason = s.in.Waits(intent), intent.Reason
	}
	if err := r.deleteKey(ctx, s, action.KeyID); err != nil {
		return err
	}
	s.ak.Status.Intent = nil
	if action.Detail != "" {
		s.note(corev1.EventTypeNormal, v1alpha1.EventRevoked, "Revoke", "Revoked key %s, which the service could not create: %s", action.KeyID, action.Detail)
		if !failed {
			return nil
		}
		return &keyservice.Error{Kind: keyservice.Unavailable, Op: "create key", Err: fmt.Errorf(
			"key %s: the service accepted the request, but could not create the key: %s", action.KeyID, action.Detail)}
	}
	text := "Revoked key %s, whose secret was lost with the response to its creation"
	switch {
	case waited && s.in.CompromisedNext():
		plan.DropUnpublished(s.ak, s.in.Next.Record, reason, s.in.Now)
		text = "Revoked key %s, which spec.compromisedKeyIDs names; its pair was not published yet"
	case waited:
		text = "Revoked key %s, whose pair was not published yet"
	}
	s.note(corev1.EventTypeNormal, v1alpha1.EventRevoked, "Revoke", text, action.KeyID)
	return nil
}

// revoke disables a recorded key where the service can do that, and deletes it. If the service only accepts the deletion, the
// status keeps the key until the service no longer lists it.
func (r *Reconciler) revoke(ctx context.Context, s *scope, action plan.Action) error {
	if err := r.beforeGivingUp(ctx, s, action); err != nil {
		return err
	}
	if disabler, ok := s.connection.Service.(keyservice.Disabler); ok {
		if err := disabler.Disable(ctx, s.user(), action.KeyID); err != nil {
			return err
		}
		plan.MarkDisabled(&s.ak.Status, action.KeyID)
	}
	if err := r.deleteKey(ctx, s, action.KeyID); err != nil {
		return err
	}
	s.noteQuarantineEnded(action)
	s.noteRevoked(action)
	if s.connection.DeletesLater {
		if !slices.Contains(s.unlisted, action.KeyID) {
			r.deletions.accept(s.name, action.KeyID)
		}
		return nil
	}
	return r.drop(ctx, s, action)
}

// beforeGivingUp finds out whether the new pair can be published, before a key is revoked that may work.
func (r *Reconciler) beforeGivingUp(ctx context.Context, s *scope, action plan.Action) error {
	if action.Reason == v1alpha1.ReasonRevoking || action.Reason == v1alpha1.ReasonDeleting || action.Reason == v1alpha1.ReasonSettling {
		return nil
	}
	s.countRepair(action)
	return r.dryRun(ctx, s, newIntent(s, action, v1alpha1.OperationCreate))
}

// deleteKey deletes a key at the service. If the next key can have the same ID, it writes an intent first: that key has to wait
// until a deletion whose response was lost can no longer be carried out.
func (r *Reconciler) deleteKey(ctx context.Context, s *scope, keyID string) error {
	if !s.idReturns(keyID) {
		return s.connection.Delete(ctx, s.user(), keyID)
	}
	open := s.ak.Status.Intent
	intent := &v1alpha1.Intent{
		Operation: v1alpha1.OperationRevoke, KeyID: keyID, Revision: max(s.ak.Status.Revision, 1), StartedAt: seconds(r.Clock.Now()),
	}
	if err := r.begin(ctx, s, intent, func() {}); err != nil {
		return err
	}
	err := s.connection.Delete(ctx, s.user(), keyID)
	switch {
	case err == nil && (open == nil || open.KeyID == keyID):
		s.ak.Status.Intent = nil
	case err == nil: // an operation on another key is still open
		s.ak.Status.Intent = open
	case keyservice.KindOf(err) != keyservice.Unavailable: // the service answered
		s.ak.Status.Intent = open
	}
	return err
}

// idReturns reports whether the next key can have the ID of this one. The ID of a key that can be regenerated depends on the revision if
// the operator chooses it, and the revision does not change if the key is never recorded.
func (s *scope) idReturns(keyID string) bool {
	return s.connection.ReusesIDs || s.connection.Regenerates && s.chooseID() != "" && !slices.Contains(s.ak.RecordedKeyIDs(), keyID)
}
