// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// publishTries are the tries in place to write the Secret of a key that was just made.
var publishTries = wait.Backoff{Steps: 4, Duration: 50 * time.Millisecond, Factor: 3, Jitter: 0.1}

// errForeignSecret: the Secret appeared meanwhile, and is somebody else's.
var errForeignSecret = errors.New("the Secret exists and is not controlled by this AccessKey")

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
	if err := r.publish(ctx, p, credential, &record); err != nil {
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

// publish writes the pair into the Secret: over the one that was looked at, or as a new one; never over a foreign one.
func (r *AccessKeyReconciler) publish(ctx context.Context, p *pass, credential keyservice.Credential, record *plan.Record) error {
	current := p.secret
	lost := false // the answer to a write, and then what is there
	return retry.OnError(publishTries, worthAnotherTry, func() error {
		secret := newSecret(p.ak)
		if current != nil {
			secret = current.DeepCopy()
		}
		putPair(secret, credential, record)
		if err := fillSecret(secret, p.ak, p.s3, *record); err != nil {
			return err
		}
		var err error
		if current != nil {
			err = r.Client.Update(ctx, secret)
		} else {
			err = r.Client.Create(ctx, secret)
		}
		switch {
		case err == nil:
			return nil
		case lost && refused(err):
			return fmt.Errorf("writing Secret %s: %v (and the answer to an earlier try was lost)", secret.Name, err) //nolint:errorlint // not refused as a whole
		case current != nil && apierrors.IsNotFound(err):
			current = nil
			return fmt.Errorf("writing Secret %s: %w", secret.Name, errSecretMoved)
		}
		current, err = r.afterRefusal(ctx, p, err)
		lost = err != nil && !refused(err)
		switch {
		case err != nil:
			return err
		case current != nil && holds(current, *record):
			return nil // it was written, and only the answer was lost
		}
		return fmt.Errorf("writing Secret %s: %w", secret.Name, errSecretMoved)
	})
}

// holds: the Secret holds the pair that the record describes.
func holds(secret *corev1.Secret, record plan.Record) bool {
	found, ok := recordOf(secret)
	return ok && found.KeyID == record.KeyID && found.Digest == record.Digest
}

// errSecretMoved: the Secret changed between the look and the write; the next try goes from what it is now.
var errSecretMoved = errors.New("it was changed meanwhile")

// afterRefusal reads the Secret again after a failed write, so that the next try starts from what is there.
func (r *AccessKeyReconciler) afterRefusal(ctx context.Context, p *pass, refusal error) (*corev1.Secret, error) {
	if refused(refusal) {
		return nil, fmt.Errorf("writing Secret %s: %w", p.ak.SecretName(), refusal)
	}
	secret := &corev1.Secret{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: p.ak.Namespace, Name: p.ak.SecretName()}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("writing Secret %s: %w (and reading it again: %w)", p.ak.SecretName(), refusal, err)
	case !metav1.IsControlledBy(secret, p.ak):
		return nil, errForeignSecret
	}
	return secret, nil
}

// refused: the API server has decided, and will decide so again.
func refused(err error) bool {
	return errors.Is(err, errForeignSecret) || apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) ||
		apierrors.IsNotFound(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsMethodNotSupported(err)
}

func worthAnotherTry(err error) bool { return !refused(err) }

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
