// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// FieldManager owns the fields that the operator writes. Fields of other managers are preserved.
const FieldManager = "accesskey-operator"

// noVersion is a resourceVersion that no object has, because the first revision of etcd is 1 and holds none. An apply with it
// creates the Secret, and fails with a conflict if there is one.
const noVersion = "1"

// publishAttempts are the attempts to write the Secret of a key that was just created.
var publishAttempts = wait.Backoff{Steps: 4, Duration: 50 * time.Millisecond, Factor: 3}

// ErrForeign says that a Secret with the wanted name belongs to somebody else.
var ErrForeign = errors.New("the Secret exists and is not controlled by this AccessKey")

// Store reads and writes Secrets.
type Store struct {
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
}

// Read returns a Secret as the API server has it, or nil if there is none.
func (s Store) Read(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := s.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return secret, nil
}

// Publish writes a Secret over the one that was read, or creates it if current is nil. It never writes over a Secret of
// somebody else. It returns the resourceVersion of what it wrote.
func (s Store) Publish(ctx context.Context, ak *v1alpha1.AccessKey, name string, current *corev1.Secret, content Content) (version string, err error) {
	redact := keyservice.NewRedactor(keyservice.Secret(content.Data[v1alpha1.SecretKeySecretAccessKey]))
	lost := false // the answer to an attempt was lost, so the write may have been carried out
	err = retry.OnError(publishAttempts, func(err error) bool { return !Refused(err) }, func() error {
		if current != nil && !metav1.IsControlledBy(current, ak) {
			return fmt.Errorf("writing Secret %s: %w", name, ErrForeign)
		}
		version, err = s.apply(ctx, ak, name, current, content)
		switch {
		case err == nil:
			return nil
		case Refused(err) && !lost:
			return err
		}
		lost = lost || !apierrors.IsConflict(err)
		found, readErr := s.Read(ctx, ak.Namespace, name)
		if readErr != nil {
			return fmt.Errorf("%v; %v", err, readErr) //nolint:errorlint // a refusal that follows a lost answer is none
		}
		if current = found; found != nil && metav1.IsControlledBy(found, ak) && holdsRecord(found, content) {
			version = found.ResourceVersion
			return nil
		}
		return fmt.Errorf("%v", err) //nolint:errorlint // as above: the next attempt starts from what is there now
	})
	return version, redact.Error(err)
}

// holdsRecord reports whether a Secret carries the record of a content, so that the content was written.
func holdsRecord(secret *corev1.Secret, content Content) bool {
	record, ok := recordOf(secret)
	return ok && record.Describes(content.Record)
}

// apply makes one attempt. The resourceVersion of current is a precondition.
func (s Store) apply(ctx context.Context, ak *v1alpha1.AccessKey, name string, current *corev1.Secret, content Content) (version string, err error) {
	owner := metav1.NewControllerRef(ak, v1alpha1.GroupVersion.WithKind("AccessKey"))
	wanted := corev1ac.Secret(name, ak.Namespace).
		WithResourceVersion(noVersion).WithType(content.Type).WithLabels(content.Labels).WithAnnotations(content.Annotations).WithData(content.Data).
		WithOwnerReferences(metav1ac.OwnerReference().WithAPIVersion(owner.APIVersion).WithKind(owner.Kind).WithName(owner.Name).WithUID(owner.UID).
			WithController(true).WithBlockOwnerDeletion(true))
	if current != nil {
		wanted.WithResourceVersion(current.ResourceVersion)
	}
	if err := s.Client.Apply(ctx, wanted, client.FieldOwner(FieldManager), client.ForceOwnership); err != nil {
		return "", fmt.Errorf("writing Secret %s: %w", name, err)
	}
	return ptr.Deref(wanted.ResourceVersion, ""), nil
}

// SetOwner makes an AccessKey the only AccessKey that owns a Secret, or with nil removes all of them. The Secret is only
// changed if it is still as it was read.
func (s Store) SetOwner(ctx context.Context, secret *corev1.Secret, ak *v1alpha1.AccessKey) error {
	before := secret.DeepCopy()
	secret.OwnerReferences = slices.DeleteFunc(secret.OwnerReferences, isAccessKey)
	if ak != nil {
		secret.OwnerReferences = append(secret.OwnerReferences, *metav1.NewControllerRef(ak, v1alpha1.GroupVersion.WithKind("AccessKey")))
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := s.Client.Patch(ctx, secret, patch, client.FieldOwner(FieldManager)); err != nil {
		return fmt.Errorf("changing the owner of Secret %s: %w", secret.Name, err)
	}
	return nil
}

// Delete deletes a Secret, unless it is gone or the AccessKey does not control it. It reports whether it deleted one.
func (s Store) Delete(ctx context.Context, ak *v1alpha1.AccessKey, name string) (deleted bool, err error) {
	secret, err := s.Read(ctx, ak.Namespace, name)
	if err != nil || secret == nil || !metav1.IsControlledBy(secret, ak) {
		return false, err
	}
	err = s.Client.Delete(ctx, secret, client.Preconditions{UID: &secret.UID, ResourceVersion: ptr.To(secret.ResourceVersion)})
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("deleting Secret %s: %w", name, err)
	}
	return err == nil, nil
}

// Refused reports whether the API server rejects a Secret and would do so again.
func Refused(err error) bool {
	return errors.Is(err, ErrForeign) || apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) ||
		apierrors.IsNotFound(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsMethodNotSupported(err)
}
