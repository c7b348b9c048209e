// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
)

// step carries out one action.
type step func(*Reconciler, context.Context, *scope, plan.Action) error

// steps by verb. Waiting takes no step; reading live and adding the finalizer come before the action is decided.
var steps = map[plan.Verb]step{
	plan.Create:          (*Reconciler).create,
	plan.Regenerate:      (*Reconciler).regenerate,
	plan.Promote:         (*Reconciler).promote,
	plan.PublishHeld:     (*Reconciler).publishHeld,
	plan.RecordPublished: (*Reconciler).recordPublished,
	plan.Adopt:           (*Reconciler).adopt,
	plan.ImportPair:      (*Reconciler).importPair,
	plan.ClearIntent:     (*Reconciler).clearIntent,
	plan.MarkAmbiguous:   (*Reconciler).markAmbiguous,
	plan.DeleteOrphan:    (*Reconciler).deleteOrphan,
	plan.Revoke:          (*Reconciler).revoke,
	plan.Disable:         (*Reconciler).disable,
	plan.Enable:          (*Reconciler).enable,
	plan.Forget:          (*Reconciler).forget,
	plan.UpdateSecret:    (*Reconciler).updateSecret,
	plan.Move:            (*Reconciler).move,
	plan.DropNext:        (*Reconciler).dropNext,
	plan.Retain:          (*Reconciler).retain,
	plan.RemoveFinalizer: (*Reconciler).removeFinalizer,
}

// execute carries out one action: requests to the service and writes of the Secret at once, changes of the status in s.ak for
// the patch at the end.
func (r *Reconciler) execute(ctx context.Context, s *scope, action plan.Action) error {
	if do, ok := steps[action.Verb]; ok {
		return do(r, ctx, s, action)
	}
	return nil
}

func (r *Reconciler) clearIntent(_ context.Context, s *scope, _ plan.Action) error {
	s.ak.Status.Intent = nil
	return nil
}

func (r *Reconciler) markAmbiguous(_ context.Context, s *scope, _ plan.Action) error {
	s.ak.Status.Intent.CandidateKeyIDs = s.in.CandidateKeyIDs()
	return nil
}

// forget removes a key from the status that the service no longer has.
func (r *Reconciler) forget(ctx context.Context, s *scope, action plan.Action) error {
	if !r.deletions.isAccepted(s.name, action.KeyID) {
		s.noteInLog(string(v1alpha1.RevokedGone), "Forgot key %s of user %q, which the service no longer has", action.KeyID, s.ak.Spec.User)
	}
	return r.drop(ctx, s, action)
}

// drop moves a key from the status to its history, and deletes the Secret with a former name that still holds its pair.
func (r *Reconciler) drop(ctx context.Context, s *scope, action plan.Action) error {
	if err := r.deleteFormerSecret(ctx, s, action.KeyID); err != nil {
		return err
	}
	why := s.in.RevokeReason(action, r.deletions.isAccepted(s.name, action.KeyID))
	plan.Drop(s.ak, action.KeyID, why, s.in.IssueReason(action), s.in.Now)
	return nil
}

// deleteFormerSecret deletes the Secret with a former name that holds the pair of this key and of no other recorded one.
func (r *Reconciler) deleteFormerSecret(ctx context.Context, s *scope, keyID string) error {
	name := plan.FormerSecret(s.ak, keyID)
	if name == "" {
		return nil
	}
	deleted, err := r.store.Delete(ctx, s.ak, name)
	if deleted {
		s.note(corev1.EventTypeNormal, v1alpha1.EventSecretUpdated, "DeleteSecret", "Deleted Secret %s of key %s; Secret %s holds the current pair", name, keyID, s.ak.SecretName())
	}
	return err
}

// dropNext deletes the Secret in which a pair waited.
func (r *Reconciler) dropNext(ctx context.Context, s *scope, _ plan.Action) error {
	if err := r.takeOver(ctx, s); err != nil {
		return err
	}
	_, err := r.store.Delete(ctx, s.ak, plan.NextSecretName(s.ak))
	return err
}

// dropFormerNext deletes the Secret in which the pair of an operation that is over waited, if spec.secretName has changed since.
func (r *Reconciler) dropFormerNext(ctx context.Context, s *scope) error {
	was, is := s.base.Status.Intent, s.ak.Status.Intent
	if was == nil || was.SecretName == "" || is != nil && is.SecretName == was.SecretName || was.SecretName == plan.NextSecretName(s.ak) ||
		slices.Contains(plan.Secrets(s.ak), was.SecretName) {
		return nil
	}
	_, err := r.store.Delete(ctx, s.ak, was.SecretName)
	return err
}

// retain keeps the Secrets, which the garbage collector would delete with their owner, and removes the finalizer.
func (r *Reconciler) retain(ctx context.Context, s *scope, action plan.Action) error {
	secrets := plan.Secrets(s.ak)
	for _, name := range secrets {
		if err := r.disown(ctx, s, name); err != nil {
			return err
		}
	}
	if kept := s.ak.RecordedKeyIDs(); len(kept) > 0 {
		s.note(corev1.EventTypeNormal, v1alpha1.EventRetained, "Delete", "Kept the keys %s of user %q at the service and Secret %s (deletionPolicy: Retain)",
			joined(kept), s.ak.Spec.User, joined(secrets))
	}
	s.noteAbandoned()
	return r.removeFinalizer(ctx, s, action)
}

// disown makes the AccessKey no longer the owner of a Secret.
func (r *Reconciler) disown(ctx context.Context, s *scope, name string) error {
	published, err := r.store.Read(ctx, s.name.Namespace, name)
	if err != nil || published == nil || !metav1.IsControlledBy(published, s.ak) || !published.DeletionTimestamp.IsZero() {
		return err
	}
	return r.store.SetOwner(ctx, published, nil)
}

// recordPublished records the pair that the open intent produced.
func (r *Reconciler) recordPublished(ctx context.Context, s *scope, _ plan.Action) error {
	published := plan.NextRecord(s.in, s.ak.Status.Intent, s.in.Produced(s.in.Secret))
	published.Digest = s.in.Secret.Record.Digest
	// Without the digest of the template, which may have changed since.
	if err := r.record(ctx, s, secret.Content{Record: published}, s.secret.ResourceVersion); err != nil {
		return err
	}
	s.note(corev1.EventTypeNormal, v1alpha1.EventAdopted, "Adopt", "Recorded access key %s, which Secret %s holds", plan.ShortID(s.ak.Status.AccessKeyID), s.ak.SecretName())
	return nil
}

// adopt takes over the Secret of a former AccessKey, and records the keys that its record leads to.
func (r *Reconciler) adopt(ctx context.Context, s *scope, _ plan.Action) error {
	adopted := s.in.Adopted()
	if err := r.takeOver(ctx, s); err != nil {
		return err
	}
	found, status := s.in.Secret, &s.ak.Status
	adopted.Apply(s.ak)
	s.noteProbe()
	s.secret = nil
	if found.State == plan.SecretIntact && adopted.AccessKeyID == found.Record.AccessKeyID {
		status.SecretDigest = adopted.Digest
	}
	text := fmt.Sprintf("Adopted access key %s of user %q, to which the record on Secret %s leads", strings.Join(accessKeyIDs(status), ", "), s.ak.Spec.User, s.ak.SecretName())
	if status.SecretDigest == "" {
		text += fmt.Sprintf("; the service no longer has access key %s, which the Secret holds", plan.ShortID(found.Record.AccessKeyID))
	}
	s.note(corev1.EventTypeNormal, v1alpha1.EventAdopted, "Adopt", "%s", text)
	return nil
}

// takeOver makes the AccessKey the owner of its Secrets that no AccessKey controls any more. It tells which keys the record
// leads to that the AccessKey may not adopt.
func (r *Reconciler) takeOver(ctx context.Context, s *scope) error {
	abandoned := s.in.MayTakeOver(s.in.Secret)
	if err := r.takeOverOne(ctx, s, &s.in.Secret, s.secret); err != nil {
		return err
	}
	if left := s.in.NotAdopted(); abandoned && len(left) > 0 {
		s.note(corev1.EventTypeWarning, v1alpha1.ReasonAdoptionNotVerified, "Adopt", "Not adopted: access keys %s, which Secret %s recorded for an earlier AccessKey; "+
			"it cannot be verified that this namespace may take them over from a ClusterKeyService, so revoke them at the service if nobody uses them", joined(left), s.ak.SecretName())
	}
	return r.takeOverOne(ctx, s, &s.in.Next, s.next)
}

func (r *Reconciler) takeOverOne(ctx context.Context, s *scope, found *plan.Secret, live *corev1.Secret) error {
	if live == nil || !s.in.MayTakeOver(*found) {
		return nil
	}
	if err := r.store.SetOwner(ctx, live, s.ak); err != nil {
		return &publishError{err}
	}
	found.Adoptable = false
	return nil
}
