// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller/accesskey"
)

// setFinalizers adds the in-use finalizer to a service and its Secrets while AccessKeys refer to the service, and removes it
// afterwards. The service comes last both times: whoever sees its finalizer can rely on those of the Secrets, and a removal
// that was interrupted is completed by the next reconciliation. refused is why the API server does not accept it.
func (r *Reconciler) setFinalizers(ctx context.Context, service v1alpha1.GenericKeyService) (refused, err error) {
	r.finalizers.Lock()
	defer r.finalizers.Unlock()
	needed, err := r.inUse(ctx, service)
	if err != nil {
		return nil, err
	}
	if needed && r.Keep != nil {
		if err := r.Keep(ctx, service.GetNamespace()); err != nil {
			return err, nil
		}
	}
	if refused, err = r.setOwnSecretFinalizers(ctx, service); refused != nil || err != nil {
		return refused, err
	}
	if !needed || service.GetDeletionTimestamp().IsZero() { // the API server accepts no new finalizers on what is being deleted
		err = r.setFinalizer(ctx, service, needed)
	}
	if err == nil || apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil, err
	}
	return fmt.Errorf("the API server does not accept a change of the KeyService's in-use finalizer: %w", err), nil
}

// setOwnSecretFinalizers sets the finalizers of all Secrets of a service's namespace. refused is about those of the service.
func (r *Reconciler) setOwnSecretFinalizers(ctx context.Context, service v1alpha1.GenericKeyService) (refused, err error) {
	namespace := r.Pool.SecretNamespace(service)
	failures, err := r.setSecretFinalizers(ctx, namespace)
	if err != nil {
		return nil, err
	}
	for _, name := range service.GetSpec().SecretNames() {
		if failure := failures[name]; failure != nil {
			return fmt.Errorf("the API server does not accept a change of the in-use finalizer of Secret %s/%s: %w", namespace, name, failure), nil
		}
	}
	return nil, nil
}

// setSecretFinalizers sets the finalizers of all Secrets of a namespace, and returns the failures by the name of the Secret. It
// works on the whole namespace, because services can share a Secret, and a changed spec leaves one behind.
func (r *Reconciler) setSecretFinalizers(ctx context.Context, namespace string) (failures map[string]error, err error) {
	needed, err := r.neededSecrets(ctx, namespace)
	if err != nil {
		return nil, err
	}
	var secrets metav1.PartialObjectMetadataList
	secrets.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	if err := r.Client.List(ctx, &secrets, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the Secrets of namespace %s: %w", namespace, err)
	}
	failures = map[string]error{}
	var stale error
	for i := range secrets.Items {
		secret := &secrets.Items[i]
		want, err := r.wantsFinalizer(ctx, secret, needed)
		if err != nil {
			return nil, err
		}
		if want == hasFinalizer(secret) || want && !secret.DeletionTimestamp.IsZero() { // the API server accepts no new ones now
			continue
		}
		secret = secret.DeepCopy()
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		switch err := r.setFinalizer(ctx, secret, want); {
		case err == nil || apierrors.IsNotFound(err):
		case apierrors.IsConflict(err):
			stale = err
		default:
			failures[secret.Name] = err
			log.FromContext(ctx).Error(err, "The in-use finalizer of a Secret was not changed", "secret", client.ObjectKeyFromObject(secret))
		}
	}
	return failures, stale
}

// wantsFinalizer reports whether a Secret has to have the finalizer.
func (r *Reconciler) wantsFinalizer(ctx context.Context, secret *metav1.PartialObjectMetadata, needed map[string]bool) (bool, error) {
	if !needed[secret.Name] || secret.DeletionTimestamp.IsZero() {
		return needed[secret.Name], nil
	}
	kept, err := r.keptBy(ctx, secret)
	return kept != "", err
}

// neededSecrets returns the names of the Secrets of a namespace to which key services with AccessKeys refer.
func (r *Reconciler) neededSecrets(ctx context.Context, namespace string) (map[string]bool, error) {
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

// servicesWithSecretsIn returns the services whose Secrets are in a namespace. They are the cache's objects and must not be
// changed.
func (r *Reconciler) servicesWithSecretsIn(ctx context.Context, namespace string) ([]v1alpha1.GenericKeyService, error) {
	var services []v1alpha1.GenericKeyService
	var local v1alpha1.KeyServiceList
	if err := r.Client.List(ctx, &local, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	for i := range local.Items {
		// Not by client.InNamespace, because the operator's own namespace need not be watched.
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

// inUse reports whether an AccessKey refers to the service, whatever its status.
func (r *Reconciler) inUse(ctx context.Context, service client.Object) (bool, error) {
	found, err := accesskey.OfService(ctx, r.Client, service, 1)
	return len(found) > 0, err
}

// setFinalizer adds or removes the in-use finalizer of an object, with an optimistic lock.
func (r *Reconciler) setFinalizer(ctx context.Context, object client.Object, want bool) error {
	before, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("%T is not an object", object)
	}
	changed := want && controllerutil.AddFinalizer(object, v1alpha1.InUseFinalizer) ||
		!want && controllerutil.RemoveFinalizer(object, v1alpha1.InUseFinalizer)
	if !changed {
		return nil
	}
	return r.Client.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

func hasFinalizer(object client.Object) bool {
	return controllerutil.ContainsFinalizer(object, v1alpha1.InUseFinalizer)
}

// servicesOfSecret maps a Secret to the key services that refer to it.
func (r *Reconciler) servicesOfSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	services, err := r.servicesWithSecretsIn(ctx, secret.GetNamespace())
	if err != nil {
		return nil // only a cache that does not run fails, and its start enqueues every service
	}
	var requests []reconcile.Request
	for _, service := range services {
		if (service.GetNamespace() == "") == r.Cluster && slices.Contains(service.GetSpec().SecretNames(), secret.GetName()) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(service)})
		}
	}
	return requests
}

// serviceOfAccessKey maps an AccessKey that was created or deleted to its key service, if that changes whether the service is
// in use. If the cached service is stale, finalizerChanged enqueues it when the cache has caught up.
func (r *Reconciler) serviceOfAccessKey(ctx context.Context, object client.Object) []reconcile.Request {
	name, ok := r.serviceName(object)
	if !ok {
		return nil
	}
	service := r.empty()
	err := r.Client.Get(ctx, name, service, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return nil // its creation enqueues it
	}
	// One that is being deleted reports how many AccessKeys still need it.
	if err == nil && service.GetDeletionTimestamp().IsZero() && hasFinalizer(service) && r.stillInUse(ctx, service, object) {
		return nil
	}
	return []reconcile.Request{{NamespacedName: name}}
}

// stillInUse reports whether an AccessKey refers to a service. The one that was just created or deleted is asked for first,
// because listing the AccessKeys of a service takes longer the more there are.
func (r *Reconciler) stillInUse(ctx context.Context, service, accessKey client.Object) bool {
	existing := &v1alpha1.AccessKey{} // it can have been created again for another service
	if r.Client.Get(ctx, client.ObjectKeyFromObject(accessKey), existing, client.UnsafeDisableDeepCopy) == nil {
		if name, ok := r.serviceName(existing); ok && name == client.ObjectKeyFromObject(service) {
			return true
		}
	}
	used, err := r.inUse(ctx, service)
	return err == nil && used
}

// serviceName returns the name of an AccessKey's service, and false if that is not of the reconciler's kind.
func (r *Reconciler) serviceName(object client.Object) (types.NamespacedName, bool) {
	ak, ok := object.(*v1alpha1.AccessKey)
	if !ok || (ak.Spec.ServiceRef.Kind == v1alpha1.KindClusterKeyService) != r.Cluster {
		return types.NamespacedName{}, false
	}
	if r.Cluster {
		return types.NamespacedName{Name: ak.Spec.ServiceRef.Name}, true
	}
	return types.NamespacedName{Namespace: ak.Namespace, Name: ak.Spec.ServiceRef.Name}, true
}

// ownChange passes the changes of a key service that reconcile it.
var ownChange = predicate.Or(predicate.GenerationChangedPredicate{}, deletionBegan, finalizerChanged)

var deletionBegan = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetDeletionTimestamp().IsZero() && !e.ObjectNew.GetDeletionTimestamp().IsZero()
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// finalizerChanged passes updates that add or remove the in-use finalizer. An AccessKey that was created or deleted meanwhile
// was compared with the service as it was before.
var finalizerChanged = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool { return hasFinalizer(e.ObjectOld) != hasFinalizer(e.ObjectNew) },
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// onCreateOrDelete passes what changes whether a service is in use.
var onCreateOrDelete = predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }}
