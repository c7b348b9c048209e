// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// step carries out one action.
type step func(*AccessKeyReconciler, context.Context, *pass, plan.Action) error

// steps by verb. Waiting takes none, and looking and protecting come before the decision that is carried out.
var steps = map[plan.Verb]step{
	plan.Create:        (*AccessKeyReconciler).create,
	plan.Regenerate:    (*AccessKeyReconciler).renew,
	plan.Publish:       (*AccessKeyReconciler).publishWaiting,
	plan.Adopt:         (*AccessKeyReconciler).adopt,
	plan.ClearIntent:   (*AccessKeyReconciler).clearIntent,
	plan.MarkAmbiguous: (*AccessKeyReconciler).markAmbiguous,
	plan.DeleteOrphan:  (*AccessKeyReconciler).deleteOrphan,
	plan.Revoke:        (*AccessKeyReconciler).revoke,
	plan.Forget:        (*AccessKeyReconciler).forget,
	plan.UpdateSecret:  (*AccessKeyReconciler).updateSecret,
	plan.DropSecret:    (*AccessKeyReconciler).dropSecret,
	plan.Release:       (*AccessKeyReconciler).letGo,
}

// execute carries out one action: the calls to the service and the Secret at once, the status in p.ak for the patch at
// the end of the pass.
func (r *AccessKeyReconciler) execute(ctx context.Context, p *pass, action plan.Action) error {
	if do, ok := steps[action.Verb]; ok {
		return do(r, ctx, p, action)
	}
	return nil
}

func (r *AccessKeyReconciler) clearIntent(_ context.Context, p *pass, _ plan.Action) error {
	p.ak.Status.Intent = nil
	return nil
}

func (r *AccessKeyReconciler) markAmbiguous(_ context.Context, p *pass, _ plan.Action) error {
	p.ak.Status.Intent.CandidateKeyIDs = p.in.CandidateKeyIDs()
	return nil
}

func (r *AccessKeyReconciler) forget(_ context.Context, p *pass, action plan.Action) error {
	plan.Drop(&p.ak.Status, action.KeyID)
	return nil
}

// protect puts the finalizer on.
func (r *AccessKeyReconciler) protect(ctx context.Context, p *pass) error {
	changed, err := r.patchFinalizer(ctx, p.base, true)
	if err != nil {
		return fmt.Errorf("adding the finalizer: %w", err)
	}
	p.rebase(changed)
	p.protected = true
	return nil
}

// letGo takes the finalizer off: after this nobody remembers the keys.
func (r *AccessKeyReconciler) letGo(ctx context.Context, p *pass, action plan.Action) error {
	if !controllerutil.ContainsFinalizer(p.base, v1alpha1.RevokeFinalizer) {
		return nil
	}
	if _, err := r.patchFinalizer(ctx, p.base, false); err != nil {
		return fmt.Errorf("removing the finalizer: %w", err)
	}
	if kept := p.ak.RecordedKeyIDs(); action.Reason == v1alpha1.EventRetained && len(kept) > 0 {
		p.note(corev1.EventTypeNormal, v1alpha1.EventRetained, "Delete", "Left the keys %s of user %q at the service (deletionPolicy: Retain)", joined(kept), p.ak.Spec.User)
	}
	return nil
}

// adopt records the published pair.
func (r *AccessKeyReconciler) adopt(_ context.Context, p *pass, _ plan.Action) error {
	p.in.Secret.Record.Apply(p.ak)
	r.moments.issued(p.ak, p.in.Begun)
	p.note(corev1.EventTypeNormal, v1alpha1.EventAdopted, "Adopt", "Recorded access key %s again, which Secret %s holds", p.ak.Status.AccessKeyID, p.ak.SecretName())
	return nil
}

// deleteOrphan deletes the key that a lost create made, so that the intent is settled.
func (r *AccessKeyReconciler) deleteOrphan(ctx context.Context, p *pass, action plan.Action) error {
	if err := r.deleteKey(ctx, p, action.KeyID); err != nil {
		return err
	}
	p.ak.Status.Intent = nil
	p.note(corev1.EventTypeNormal, v1alpha1.EventRevoked, "Revoke", "Revoked key %s, whose secret was lost with the answer to its creation", action.KeyID)
	return nil
}

// revoke deletes a recorded key, which is disabled first where the service can. Where the deletion is only accepted, the
// record stays until the service no longer lists the key.
func (r *AccessKeyReconciler) revoke(ctx context.Context, p *pass, action plan.Action) error {
	if disabler, ok := p.connection.Service.(keyservice.Disabler); ok {
		if err := disabler.Disable(ctx, p.ak.Spec.User, action.KeyID); err != nil {
			return err
		}
		plan.MarkDisabled(&p.ak.Status, action.KeyID)
	}
	if err := r.deleteKey(ctx, p, action.KeyID); err != nil {
		return err
	}
	if !p.connection.DeletesLater {
		plan.Drop(&p.ak.Status, action.KeyID)
	}
	p.note(corev1.EventTypeNormal, v1alpha1.EventRevoked, "Revoke", "Revoked key %s of user %q", action.KeyID, p.ak.Spec.User)
	return nil
}

// deleteKey at the service. Where its ID is a place, the intent goes first: what is put there next has to wait until a
// deletion without an answer can no longer land.
func (r *AccessKeyReconciler) deleteKey(ctx context.Context, p *pass, keyID string) error {
	if !p.connection.ReusesIDs {
		return p.connection.Delete(ctx, p.ak.Spec.User, keyID)
	}
	open := p.ak.Status.Intent
	intent := &v1alpha1.Intent{
		Operation: v1alpha1.OperationRevoke, KeyID: keyID, Revision: max(p.ak.Status.Revision, 1), StartedAt: metav1.NewTime(r.Clock.Now().Truncate(time.Second)),
	}
	if err := r.begin(ctx, p, intent, func() {}); err != nil {
		return err
	}
	err := p.connection.Delete(ctx, p.ak.Spec.User, keyID)
	switch {
	case err == nil:
		p.ak.Status.Intent = nil
	case keyservice.KindOf(err) != keyservice.Unavailable: // an answer
		p.ak.Status.Intent = open
	}
	return err
}

// updateSecret brings the Secret up to date around the pair that it holds.
func (r *AccessKeyReconciler) updateSecret(ctx context.Context, p *pass, _ plan.Action) error {
	secret := p.secret.DeepCopy()
	if err := p.signer.fillSecret(secret, p.ak, p.s3, p.in.Secret.Record); err != nil {
		return err
	}
	if err := r.Client.Update(ctx, secret); err != nil {
		redactor := keyservice.NewRedactor(keyservice.Secret(secret.Data[v1alpha1.SecretKeySecretAccessKey]))
		err = redactor.Error(fmt.Errorf("updating Secret %s: %w", secret.Name, err))
		if refused(err) && !apierrors.IsNotFound(err) {
			return &publishError{err}
		}
		return err
	}
	p.in.Secret.UpToDate = true
	p.note(corev1.EventTypeNormal, v1alpha1.EventSecretUpdated, "UpdateSecret", "Brought Secret %s up to date; the pair is the same", secret.Name)
	return nil
}

// formerSecrets of an AccessKey: those that it controls under other names than the wanted ones.
func (r *AccessKeyReconciler) formerSecrets(ctx context.Context, ak *v1alpha1.AccessKey) ([]plan.FormerSecret, error) {
	owned, err := r.ownedSecrets(ctx, ak)
	if err != nil {
		return nil, err
	}
	var former []plan.FormerSecret
	for i := range owned {
		if name := owned[i].Name; name != ak.SecretName() && name != plan.NextSecretName(ak) && owned[i].DeletionTimestamp.IsZero() {
			record, _ := r.Signer.recordOf(&owned[i])
			former = append(former, plan.FormerSecret{Name: owned[i].Name, KeyID: record.KeyID, AccessKeyID: record.AccessKeyID})
		}
	}
	return former, nil
}

// ownedSecrets are those that an AccessKey controls, but for its wanted ones if these have its own name.
func (r *AccessKeyReconciler) ownedSecrets(ctx context.Context, ak *v1alpha1.AccessKey) ([]corev1.Secret, error) {
	var owned corev1.SecretList
	err := r.Cache.List(ctx, &owned, client.InNamespace(ak.Namespace), client.MatchingFields{indexSecretOwner: string(ak.UID)}, client.UnsafeDisableDeepCopy)
	if err != nil || ak.SecretName() == ak.Name {
		return owned.Items, err
	}
	for _, name := range ownSecretNames(ak.Name) { // which are not in the index
		secret, err := r.getSecret(ctx, r.Cache, ak, name)
		if err != nil {
			return nil, err
		}
		if secret != nil && metav1.IsControlledBy(secret, ak) {
			owned.Items = append(owned.Items, *secret)
		}
	}
	return owned.Items, nil
}

// dropSecret deletes a Secret under a former name, unless it is somebody else's by now.
func (r *AccessKeyReconciler) dropSecret(ctx context.Context, p *pass, action plan.Action) error {
	secret := &corev1.Secret{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: p.ak.Namespace, Name: action.Name}, secret)
	if err != nil || !metav1.IsControlledBy(secret, p.ak) {
		return client.IgnoreNotFound(err)
	}
	precondition := client.Preconditions{UID: &secret.UID, ResourceVersion: ptr.To(secret.ResourceVersion)}
	if err := r.Client.Delete(ctx, secret, precondition); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting Secret %s: %w", action.Name, err)
	}
	p.note(corev1.EventTypeNormal, v1alpha1.EventSecretUpdated, "DeleteSecret", "Deleted Secret %s, which was replaced by %s", action.Name, p.ak.SecretName())
	return nil
}
