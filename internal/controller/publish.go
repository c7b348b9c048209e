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

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// publishTries are the tries in place to write the Secret of a key that was just made.
var publishTries = wait.Backoff{Steps: 4, Duration: 50 * time.Millisecond, Factor: 3}

// errForeignSecret: the Secret appeared meanwhile, and is somebody else's.
var errForeignSecret = errors.New("the Secret exists and is not controlled by this AccessKey")

// target is a Secret to write.
type target struct {
	name string
	// current is what is there by the last look; nil if nothing is.
	current *corev1.Secret
	// lost: the answer to a write is, and then what is there.
	lost bool
}

// publish writes the pair into a Secret: over the one that was looked at, or as a new one; never over a foreign one. What
// refuses it, such as an admission policy, may quote it.
func (r *AccessKeyReconciler) publish(ctx context.Context, p *pass, into target, credential keyservice.Credential, record *plan.Record) error {
	if into.current != nil && !metav1.IsControlledBy(into.current, p.ak) {
		return fmt.Errorf("writing Secret %s: %w", into.name, errForeignSecret)
	}
	err := retry.OnError(publishTries, worthAnotherTry, func() error {
		secret := newSecret(p.ak, into.name)
		if into.current != nil {
			secret = into.current.DeepCopy()
		}
		putPair(secret, credential, record)
		if err := p.signer.fillSecret(secret, p.ak, p.s3, *record); err != nil {
			return err
		}
		return r.write(ctx, p, &into, secret, *record)
	})
	return keyservice.NewRedactor(credential.SecretAccessKey).Error(err)
}

// write tries once, and finds out from what the next try has to start.
func (r *AccessKeyReconciler) write(ctx context.Context, p *pass, into *target, secret *corev1.Secret, record plan.Record) error {
	send := func() error { return r.Client.Create(ctx, secret) }
	if into.current != nil {
		send = func() error { return r.Client.Update(ctx, secret) }
	}
	err := send()
	switch {
	case err == nil:
		return nil
	case into.lost && refused(err):
		return fmt.Errorf("writing Secret %s: %v (and the answer to an earlier try was lost)", into.name, err) //nolint:errorlint // not refused as a whole
	case into.current != nil && apierrors.IsNotFound(err):
		into.current = nil
		return fmt.Errorf("writing Secret %s: %w", into.name, errSecretMoved)
	}
	into.current, err = r.afterRefusal(ctx, p, into.name, err)
	into.lost = err != nil && !refused(err)
	switch {
	case err != nil:
		return err
	case into.current != nil && r.holds(into.current, record):
		return nil // it was written, and only the answer was lost
	}
	return fmt.Errorf("writing Secret %s: %w", into.name, errSecretMoved)
}

// holds: the Secret holds the pair that the record describes.
func (r *AccessKeyReconciler) holds(secret *corev1.Secret, record plan.Record) bool {
	found, ok := r.Signer.recordOf(secret)
	return ok && found.KeyID == record.KeyID && found.Digest == record.Digest
}

// errSecretMoved: the Secret changed between the look and the write; the next try goes from what it is now.
var errSecretMoved = errors.New("it was changed meanwhile")

// afterRefusal reads the Secret again after a failed write, so that the next try starts from what is there.
func (r *AccessKeyReconciler) afterRefusal(ctx context.Context, p *pass, name string, refusal error) (*corev1.Secret, error) {
	if refused(refusal) {
		return nil, fmt.Errorf("writing Secret %s: %w", name, refusal)
	}
	secret := &corev1.Secret{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: p.ak.Namespace, Name: name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("writing Secret %s: %w (and reading it again: %w)", name, refusal, err)
	case !metav1.IsControlledBy(secret, p.ak):
		return nil, fmt.Errorf("writing Secret %s: %w", name, errForeignSecret)
	}
	return secret, nil
}

// refused: the API server has decided, and will decide so again.
func refused(err error) bool {
	return errors.Is(err, errForeignSecret) || apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) ||
		apierrors.IsNotFound(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsMethodNotSupported(err)
}

func worthAnotherTry(err error) bool { return !refused(err) }
