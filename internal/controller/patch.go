// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"accesskey.dev/operator/api/v1alpha1"
)

// patchable is what the operator changes of an AccessKey. A merge patch is worked out from the JSON of two objects, which
// takes its time with all that stays as it is. The answer fills in the rest.
func patchable(ak *v1alpha1.AccessKey) *v1alpha1.AccessKey {
	return &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: ak.Namespace, Name: ak.Name, ResourceVersion: ak.ResourceVersion, Finalizers: ak.Finalizers},
		Status:     ak.Status,
	}
}

// patchFrom makes a patch with an optimistic lock, which makes a decision from a stale read fail.
func patchFrom(base *v1alpha1.AccessKey) client.Patch {
	return client.MergeFromWithOptions(patchable(base), client.MergeFromWithOptimisticLock{})
}

// patchFinalizer puts the finalizer on or takes it off, and returns what the API server made of it.
func (r *AccessKeyReconciler) patchFinalizer(ctx context.Context, base *v1alpha1.AccessKey, want bool) (*v1alpha1.AccessKey, error) {
	changed := patchable(base).DeepCopy()
	if want {
		controllerutil.AddFinalizer(changed, v1alpha1.RevokeFinalizer)
	} else {
		controllerutil.RemoveFinalizer(changed, v1alpha1.RevokeFinalizer)
	}
	return changed, r.Client.Patch(ctx, changed, patchFrom(base))
}
