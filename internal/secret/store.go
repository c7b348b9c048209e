// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// FieldManager owns the fields that the operator writes. Fields of other managers are preserved.
const FieldManager = "accesskey-operator"

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

// controllerRef returns the owner reference of a Secret. It does not set blockOwnerDeletion: the finalizer of the AccessKey decides
// when that is gone. An API server with the admission plugin OwnerReferencesPermissionEnforcement, such as OpenShift's, would require
// one more permission for blockOwnerDeletion, and refuse all Secrets until it knows the kind AccessKey, which takes up to half a
// minute after the CRDs were installed.
func controllerRef(ak *v1alpha1.AccessKey) metav1.OwnerReference {
	owner := *metav1.NewControllerRef(ak, v1alpha1.GroupVersion.WithKind("AccessKey"))
	owner.BlockOwnerDeletion = nil
	return owner
}

// SetOwner makes an AccessKey the only AccessKey that owns a Secret, or with nil removes all of them. The Secret is only
// changed if it is still as it was read.
func (s Store) SetOwner(ctx context.Context, secret *corev1.Secret, ak *v1alpha1.AccessKey) error {
	before := secret.DeepCopy()
	secret.OwnerReferences = slices.DeleteFunc(secret.OwnerReferences, isAccessKey)
	if ak != nil {
		secret.OwnerReferences = append(secret.OwnerReferences, controllerRef(ak))
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := s.Client.Patch(ctx, secret, patch, client.FieldOwner(FieldManager)); err != nil {
		return fmt.Errorf("changing the owner of Secret %s: %w", secret.Name, err)
	}
	return nil
}

// Delete deletes a Secret that the operator wrote for the AccessKey, and not a copy that a person made. It reports whether it
// deleted one.
func (s Store) Delete(ctx context.Context, ak *v1alpha1.AccessKey, name string) (deleted bool, err error) {
	secret, err := s.Read(ctx, ak.Namespace, name)
	if err != nil || secret == nil || !metav1.IsControlledBy(secret, ak) || !wrote(secret) {
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
	return errors.Is(err, ErrForeign) || errors.Is(err, errChanged) || apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) ||
		apierrors.IsNotFound(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsMethodNotSupported(err)
}
