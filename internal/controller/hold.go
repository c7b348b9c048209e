// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
)

// hold puts the in-use finalizer on a service and its Secrets while AccessKeys need them, and takes it off again. The
// service comes last both times: whoever sees it held can rely on the Secrets, and a release that was cut short is
// finished by the service's next pass.
func (r *KeyServiceReconciler) hold(ctx context.Context, service v1alpha1.GenericKeyService, needed bool) error {
	if err := r.holdSecrets(ctx, r.Pool.SecretNamespace(service)); err != nil {
		return err
	}
	if needed && !service.GetDeletionTimestamp().IsZero() {
		return nil // the API server takes no new finalizer now
	}
	return r.setFinalizer(ctx, service, needed)
}

// holdSecrets makes the finalizers of all Secrets of a namespace agree with what the key services need there. It works on
// the whole namespace since services can share a Secret, and a changed spec leaves one behind.
func (r *KeyServiceReconciler) holdSecrets(ctx context.Context, namespace string) error {
	needed, err := r.neededSecrets(ctx, namespace)
	if err != nil {
		return err
	}
	var secrets metav1.PartialObjectMetadataList
	secrets.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	if err := r.SecretVersions.List(ctx, &secrets, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the Secrets of namespace %s: %w", namespace, err)
	}
	for i := range secrets.Items {
		secret := &secrets.Items[i]
		want := needed[secret.Name]
		if want == held(secret) || want && !secret.DeletionTimestamp.IsZero() { // the API server takes no new finalizer then
			continue
		}
		secret = secret.DeepCopy()
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		if err := r.setFinalizer(ctx, secret, want); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("holding Secret %s/%s: %w", namespace, secret.Name, err)
		}
	}
	return nil
}

// neededSecrets are the names of the Secrets of a namespace that key services with AccessKeys refer to.
func (r *KeyServiceReconciler) neededSecrets(ctx context.Context, namespace string) (map[string]bool, error) {
	services, err := r.servicesWithSecretsIn(ctx, namespace)
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, service := range services {
		used, err := r.inUse(ctx, service)
		if err != nil {
			return nil, err
		}
		if !used {
			continue
		}
		for _, name := range service.GetSpec().SecretNames() {
			needed[name] = true
		}
	}
	return needed, nil
}

// servicesWithSecretsIn a namespace, as the cache has them: to be read only.
func (r *KeyServiceReconciler) servicesWithSecretsIn(ctx context.Context, namespace string) ([]v1alpha1.GenericKeyService, error) {
	var services []v1alpha1.GenericKeyService
	var local v1alpha1.KeyServiceList
	if err := r.Client.List(ctx, &local, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	for i := range local.Items {
		// Not by client.InNamespace: the operator's own namespace need not be one that is watched.
		if local.Items[i].Namespace == namespace {
			services = append(services, &local.Items[i])
		}
	}
	if namespace != r.Pool.ClusterNamespace {
		return services, nil
	}
	var cluster v1alpha1.ClusterKeyServiceList
	if err := r.Client.List(ctx, &cluster, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	for i := range cluster.Items {
		services = append(services, &cluster.Items[i])
	}
	return services, nil
}

// setFinalizer makes the in-use finalizer of an object be there or not, with an optimistic lock.
func (r *KeyServiceReconciler) setFinalizer(ctx context.Context, object client.Object, want bool) error {
	before, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("%T is no object", object)
	}
	changed := want && controllerutil.AddFinalizer(object, v1alpha1.InUseFinalizer) ||
		!want && controllerutil.RemoveFinalizer(object, v1alpha1.InUseFinalizer)
	if !changed {
		return nil
	}
	return r.Client.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// servicesOfSecret maps a Secret to the key services that refer to it.
func (r *KeyServiceReconciler) servicesOfSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	services, err := r.servicesWithSecretsIn(ctx, secret.GetNamespace())
	if err != nil {
		return nil // only a cache that is not running fails; its start brings every service
	}
	var requests []reconcile.Request
	for _, service := range services {
		if (service.GetNamespace() == "") == r.Cluster && slices.Contains(service.GetSpec().SecretNames(), secret.GetName()) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(service)})
		}
	}
	return requests
}

// ownChange of a key service that wakes it.
var ownChange = predicate.Or(predicate.GenerationChangedPredicate{}, deletionBegan, heldChanged)

var deletionBegan = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetDeletionTimestamp().IsZero() && !e.ObjectNew.GetDeletionTimestamp().IsZero()
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}
