// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// create makes a key, publishes it and records it. The intent goes first, so that a crash anywhere leaves a trace.
func (r *AccessKeyReconciler) create(ctx context.Context, p *pass, action plan.Action) error {
	if !r.users.acquire(p.userKey(), client.ObjectKeyFromObject(p.ak), p.in.Now) {
		return errUserBusy
	}
	intent := newIntent(p)
	p.ak.Status.Intent = intent
	recordIntent(p, action)
	if err := r.patchStatus(ctx, p); err != nil {
		return err
	}
	credential, err := p.connection.Create(ctx, p.ak.Spec.User, createRequest(p.ak))
	if err != nil {
		if keyservice.KindOf(err) != keyservice.Ambiguous {
			p.ak.Status.Intent = nil
		}
		return err
	}
	record := plan.NextRecord(p.in, intent, credential.Key)
	if err := r.publish(ctx, p, target{name: p.ak.SecretName(), current: p.secret}, credential, &record); err != nil {
		return r.takeBack(ctx, p, credential, err)
	}
	previous := p.ak.Status.AccessKeyID
	record.Apply(p.ak)
	p.in.Keys = append(p.in.Keys, plan.Key{Key: credential.Key})
	p.in.Secret = plan.Secret{State: plan.SecretIntact, Record: record, UpToDate: true}
	p.noteIssued(action, previous)
	return nil
}

func newIntent(p *pass) *v1alpha1.Intent {
	intent := &v1alpha1.Intent{
		Operation: v1alpha1.OperationCreate,
		Revision:  plan.NextRevision(p.in),
		StartedAt: metav1.NewTime(p.in.Now.Truncate(time.Second)),
		Renewal:   p.in.RenewalToken(),
	}
	for _, key := range p.in.Keys {
		intent.KnownKeyIDs = append(intent.KnownKeyIDs, key.ID)
	}
	return intent
}

func createRequest(ak *v1alpha1.AccessKey) keyservice.CreateRequest {
	if ak.Spec.TTL == nil {
		return keyservice.CreateRequest{}
	}
	return keyservice.CreateRequest{TTL: ak.Spec.TTL.Duration}
}

// takeBack deletes a key that can't be published, at once. If the write may have been carried out all the same, the key
// must stay: the open intent settles it.
func (r *AccessKeyReconciler) takeBack(ctx context.Context, p *pass, credential keyservice.Credential, cause error) error {
	if !refused(cause) {
		return &publishError{cause}
	}
	if err := p.connection.Delete(ctx, p.ak.Spec.User, credential.ID); err != nil {
		return &publishError{fmt.Errorf("%w (and the new key %s could not be taken back yet: %w)", cause, credential.ID, err)}
	}
	p.ak.Status.Intent = nil
	return &publishError{cause}
}

// publishError: a key was made and could not be published. It is a failure of the operation, which waits its back-off.
type publishError struct{ error }

func (e *publishError) Unwrap() error { return e.error }
