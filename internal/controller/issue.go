// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// create makes a key, publishes it and records it.
func (r *AccessKeyReconciler) create(ctx context.Context, p *pass, action plan.Action) error {
	intent := newIntent(p, v1alpha1.OperationCreate)
	if chooser, ok := p.connection.Service.(keyservice.HandleChooser); ok {
		intent.KeyID = chooser.ChooseID(p.ak.Spec.User, ownerOfKeys(p.ak), intent.Revision, plainKeys(p.in.Keys))
	}
	return r.obtain(ctx, p, action, intent, func() (keyservice.Credential, error) {
		return p.connection.Create(ctx, p.ak.Spec.User, createRequest(p.ak, intent))
	})
}

// renew gives a key of ours a new pair in place, publishes it and records it: a rotation by replacement, or what settles
// an operation whose answer was lost.
func (r *AccessKeyReconciler) renew(ctx context.Context, p *pass, action plan.Action) error {
	regenerator, ok := p.connection.Service.(keyservice.Regenerator)
	if !ok {
		return &keyservice.Error{Kind: keyservice.Invalid, Op: "regenerate key " + action.KeyID, Err: errors.New("the service cannot renew keys")}
	}
	intent := newIntent(p, v1alpha1.OperationRegenerate)
	intent.KeyID = action.KeyID
	if open := p.ak.Status.Intent; open != nil {
		intent.Revision, intent.Renewal, intent.KnownKeyIDs = open.Revision, open.Renewal, open.KnownKeyIDs
	}
	return r.obtain(ctx, p, action, intent, func() (keyservice.Credential, error) {
		return regenerator.Regenerate(ctx, p.ak.Spec.User, action.KeyID, ttlOf(p.ak))
	})
}

// begin an operation: its intent goes first, so that a crash anywhere leaves a trace. tell what else the status is to say.
func (r *AccessKeyReconciler) begin(ctx context.Context, p *pass, intent *v1alpha1.Intent, tell func()) error {
	now := r.Clock.Now()
	if !r.users.acquire(p.userKey(), client.ObjectKeyFromObject(p.ak), now) {
		return errUserBusy
	}
	p.ak.Status.Intent = intent
	p.in.Begun = r.moments.begun(p.ak, now)
	tell()
	return r.patchStatus(ctx, p)
}

// obtain sends the one request that can't be replayed.
func (r *AccessKeyReconciler) obtain(ctx context.Context, p *pass, action plan.Action, intent *v1alpha1.Intent, call func() (keyservice.Credential, error)) error {
	open := p.ak.Status.Intent
	if err := r.begin(ctx, p, intent, func() { recordIntent(p, action) }); err != nil {
		return err
	}
	credential, err := call()
	if err != nil {
		if keyservice.KindOf(err) != keyservice.Ambiguous {
			p.ak.Status.Intent = open
		}
		return err
	}
	if credential.State == keyservice.Pending {
		return r.stage(ctx, p, credential, intent)
	}
	return r.publishAndRecord(ctx, p, action, credential, intent)
}

// publishAndRecord puts a pair into the Secret, and into the status that the patch at the end of the pass writes.
func (r *AccessKeyReconciler) publishAndRecord(ctx context.Context, p *pass, action plan.Action, credential keyservice.Credential, intent *v1alpha1.Intent) error {
	record := plan.NextRecord(p.in, intent, credential.Key)
	if err := r.publish(ctx, p, target{name: p.ak.SecretName(), current: p.secret}, credential, &record); err != nil {
		return r.takeBack(ctx, p, credential, err)
	}
	previous := p.ak.Status.AccessKeyID
	record.Apply(p.ak)
	r.moments.issued(p.ak, p.in.Begun)
	// A renewed key is listed as it was before: perhaps expired.
	p.in.Keys = slices.DeleteFunc(slices.Clone(p.in.Keys), func(key plan.Key) bool { return key.ID == credential.ID })
	p.in.Keys = append(p.in.Keys, plan.Key{Key: credential.Key})
	p.in.Secret = plan.Secret{State: plan.SecretIntact, Record: record, UpToDate: true}
	p.noteIssued(action, previous)
	return nil
}

// stage keeps a pair that does not work yet in a Secret of its own. The intent stays open until it is published.
func (r *AccessKeyReconciler) stage(ctx context.Context, p *pass, credential keyservice.Credential, intent *v1alpha1.Intent) error {
	record := plan.NextRecord(p.in, intent, credential.Key)
	if err := r.publish(ctx, p, target{name: plan.NextSecretName(p.ak), current: p.next}, credential, &record); err != nil {
		return r.takeBack(ctx, p, credential, err)
	}
	return nil
}

// publishWaiting publishes the pair that waited until it works.
func (r *AccessKeyReconciler) publishWaiting(ctx context.Context, p *pass, action plan.Action) error {
	credential := keyservice.Credential{
		Key:             keyservice.Key{ID: p.in.Next.Record.KeyID, AccessKeyID: p.in.Next.Record.AccessKeyID},
		SecretAccessKey: keyservice.Secret(p.next.Data[v1alpha1.SecretKeySecretAccessKey]),
	}
	return r.publishAndRecord(ctx, p, action, credential, p.ak.Status.Intent)
}

func newIntent(p *pass, operation v1alpha1.Operation) *v1alpha1.Intent {
	intent := &v1alpha1.Intent{
		Operation: operation,
		Revision:  plan.NextRevision(p.in),
		StartedAt: metav1.NewTime(p.in.Now.Truncate(time.Second)),
		Renewal:   p.in.RenewalToken(),
	}
	for _, key := range p.in.Keys {
		intent.KnownKeyIDs = append(intent.KnownKeyIDs, key.ID)
	}
	return intent
}

func createRequest(ak *v1alpha1.AccessKey, intent *v1alpha1.Intent) keyservice.CreateRequest {
	return keyservice.CreateRequest{ID: intent.KeyID, Owner: ownerOfKeys(ak), TTL: ttlOf(ak)}
}

func ttlOf(ak *v1alpha1.AccessKey) time.Duration {
	if ak.Spec.TTL == nil {
		return 0
	}
	return ak.Spec.TTL.Duration
}

func ownerOfKeys(ak *v1alpha1.AccessKey) keyservice.Owner {
	return keyservice.Owner{UID: string(ak.UID), Namespace: ak.Namespace, Name: ak.Name}
}

func plainKeys(keys []plan.Key) []keyservice.Key {
	plain := make([]keyservice.Key, 0, len(keys))
	for _, key := range keys {
		plain = append(plain, key.Key)
	}
	return plain
}

// takeBack deletes a key that can't be published, at once. If the write may have been carried out all the same, the key
// must stay: the open intent settles it.
func (r *AccessKeyReconciler) takeBack(ctx context.Context, p *pass, credential keyservice.Credential, cause error) error {
	intent := p.ak.Status.Intent
	if !refused(cause) || intent.Operation == v1alpha1.OperationRegenerate {
		return &publishError{cause} // a renewed key can't be taken back: it is renewed again
	}
	if err := r.deleteKey(ctx, p, credential.ID); err != nil {
		return &publishError{fmt.Errorf("%w (and the new key %s could not be taken back yet: %w)", cause, credential.ID, err)}
	}
	p.ak.Status.Intent = nil
	return &publishError{cause}
}

// publishError: a key was made and could not be published. It is a failure of the operation, which waits its back-off.
type publishError struct{ error }

func (e *publishError) Unwrap() error { return e.error }
