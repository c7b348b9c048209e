// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
)

// updateSecret writes the Secret around the pair that it holds.
func (r *Reconciler) updateSecret(ctx context.Context, s *scope, action plan.Action) error {
	found := s.in // the Secret as it was
	updated, err := r.publishAgain(ctx, s, s.secret)
	if err != nil || !updated.Changed {
		return err
	}
	if found.Repairs(action) {
		s.ak.Status.Repairs = plan.NextRepair(s.ak.Status.Repairs, s.in.Now)
	}
	s.note(corev1.EventTypeNormal, v1alpha1.EventSecretUpdated, "UpdateSecret", "Updated Secret %s; it still holds access key %s", s.ak.SecretName(), plan.ShortID(s.ak.Status.AccessKeyID))
	return nil
}

// publishAgain writes the current pair, which another Secret or the wanted one holds, to the wanted Secret.
func (r *Reconciler) publishAgain(ctx context.Context, s *scope, holds *corev1.Secret) (secret.Published, error) {
	if err := r.takeOver(ctx, s); err != nil {
		return secret.Published{}, err
	}
	content, err := s.template().Render(secret.PairOf(holds), plan.RecordOf(s.ak, s.in.Service.Identity))
	if err != nil {
		return secret.Published{}, &publishError{err}
	}
	updated, err := r.store.Update(ctx, secret.Write{AccessKey: s.ak, Name: s.ak.SecretName(), Current: s.secret, Content: content})
	if apierrors.IsConflict(err) {
		return updated, err
	}
	if err != nil {
		return updated, &publishError{err}
	}
	s.noteRecord(updated, s.ak.Status.AccessKeyID)
	s.recordSecret(content, updated.Version)
	s.in.Secret = plan.Secret{State: plan.SecretIntact, Record: content.Record, UpToDate: true, Rendered: true}
	return updated, nil
}

// move writes the current pair to the Secret with the wanted name, and then deletes the one with the former name. After a crash
// in between, the wanted Secret already holds the pair.
func (r *Reconciler) move(ctx context.Context, s *scope, _ plan.Action) error {
	holds := s.former
	if s.in.Former.State != plan.SecretIntact {
		holds = s.secret
	}
	if _, err := r.publishAgain(ctx, s, holds); err != nil {
		return err
	}
	if err := r.deleteFormerSecret(ctx, s, s.ak.Status.KeyID); err != nil {
		return err
	}
	s.ak.Status.SecretName = s.ak.SecretName()
	s.note(corev1.EventTypeNormal, v1alpha1.EventSecretUpdated, "UpdateSecret", "Moved access key %s to Secret %s", plan.ShortID(s.ak.Status.AccessKeyID), s.ak.SecretName())
	return nil
}
