// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package namespaces is for an operator that works only in some namespaces. It reports those that the operator cannot read, and
// keeps the operator's permissions in a namespace until its keys are revoked.
package namespaces

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
)

// RoleBinding is the name of the RoleBinding that grants the operator its permissions in a namespace, see config/namespaced.
const RoleBinding = "accesskey-operator"

// Keeper keeps the operator's RoleBinding in a namespace, by the in-use finalizer, while the operator has something to do there.
// When a namespace is deleted, its RoleBindings are deleted at once. Without the finalizer the operator could not revoke the
// keys, and the finalizers of the AccessKeys would keep the namespace.
type Keeper struct {
	// Client reads from the cache, which has only the metadata of Secrets, and writes.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
	// ResyncPeriod is how often each namespace is reconciled without a cause.
	ResyncPeriod time.Duration
	Options      controller.Options

	// mu is held while a finalizer is set, so that Keep and the controller decide one after the other.
	mu sync.Mutex
}

// The permission to read and write the RoleBinding is in config/namespaced: an operator of the whole cluster does not use it.

// SetupWithManager registers the controller with its watches.
func (k *Keeper) SetupWithManager(mgr ctrl.Manager) error {
	enqueue := handler.EnqueueRequestsFromMapFunc(bindingOf)
	return ctrl.NewControllerManagedBy(mgr).
		Named("namespace").
		Watches(&v1alpha1.AccessKey{}, enqueue, builder.WithPredicates(onCreateOrDelete)).
		Watches(&v1alpha1.KeyService{}, enqueue, builder.WithPredicates(inUseChanged)).
		WatchesMetadata(&corev1.Secret{}, enqueue, builder.WithPredicates(inUseChanged)).
		WithOptions(k.Options).
		Complete(k)
}

// bindingOf maps an object to the RoleBinding of its namespace.
func bindingOf(_ context.Context, object client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Namespace: object.GetNamespace(), Name: RoleBinding}}}
}

// Reconcile sets the finalizer of one RoleBinding.
func (k *Keeper) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	err := k.setFinalizer(ctx, request.NamespacedName)
	switch {
	case apierrors.IsConflict(err):
		return reconcile.Result{RequeueAfter: time.Second}, nil // somebody changed the RoleBinding at the same time
	case err != nil:
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: k.ResyncPeriod}, nil
}

// Keep adds the finalizer before the operator makes a namespace depend on its permissions. A RoleBinding that the operator may not
// read is not kept, and does not stop the operator: the controller reports it.
func (k *Keeper) Keep(ctx context.Context, namespace string) error {
	err := k.setFinalizer(ctx, client.ObjectKey{Namespace: namespace, Name: RoleBinding})
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// setFinalizer adds the finalizer to a RoleBinding that is needed, or removes it. Permissions that are granted in another way
// need no finalizer.
func (k *Keeper) setFinalizer(ctx context.Context, name client.ObjectKey) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	binding := &metav1.PartialObjectMetadata{}
	binding.SetGroupVersionKind(rbacv1.SchemeGroupVersion.WithKind("RoleBinding"))
	if err := k.Live.Get(ctx, name, binding); err != nil {
		return describe(client.IgnoreNotFound(err), "reading", name)
	}
	want, err := needed(ctx, k.Client, name.Namespace)
	if err != nil {
		return err
	}
	has, deleting := controllerutil.ContainsFinalizer(binding, v1alpha1.InUseFinalizer), !binding.DeletionTimestamp.IsZero()
	if want && deleting {
		log.FromContext(ctx).Info("The RoleBinding is being deleted. It is kept until the keys of its namespace are revoked", "kept", has)
	}
	if want == has || want && deleting { // the API server accepts no new finalizers then
		return nil
	}
	if !want { // in a namespace that is being deleted this cannot be undone, so the caches are not enough
		if want, err = needed(ctx, k.Live, name.Namespace); err != nil || want {
			return err
		}
	}
	before := binding.DeepCopy()
	if want {
		controllerutil.AddFinalizer(binding, v1alpha1.InUseFinalizer)
	} else {
		controllerutil.RemoveFinalizer(binding, v1alpha1.InUseFinalizer)
	}
	err = k.Client.Patch(ctx, binding, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	return describe(client.IgnoreNotFound(err), "setting the finalizer of", name)
}

func describe(err error, what string, name client.ObjectKey) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s RoleBinding %s, which must outlive the AccessKeys of its namespace: %w", what, name, err)
}

// needed reports whether a namespace contains AccessKeys, or finalizers that only the operator removes.
func needed(ctx context.Context, reader client.Reader, namespace string) (bool, error) {
	in := []client.ListOption{client.InNamespace(namespace), client.UnsafeDisableDeepCopy}
	var accessKeys v1alpha1.AccessKeyList
	if err := reader.List(ctx, &accessKeys, append(in, client.Limit(1))...); err != nil || len(accessKeys.Items) > 0 {
		return true, err
	}
	var services v1alpha1.KeyServiceList
	if err := reader.List(ctx, &services, in...); err != nil {
		return true, err
	}
	for i := range services.Items {
		if hasFinalizer(&services.Items[i]) {
			return true, nil
		}
	}
	secrets := secretList()
	if err := reader.List(ctx, secrets, in...); err != nil {
		return true, err
	}
	for i := range secrets.Items {
		if hasFinalizer(&secrets.Items[i]) {
			return true, nil
		}
	}
	return false, nil
}

// secretList returns an empty list of the metadata of Secrets.
func secretList() *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	return list
}

func hasFinalizer(object client.Object) bool {
	return controllerutil.ContainsFinalizer(object, v1alpha1.InUseFinalizer)
}

// onCreateOrDelete passes what changes whether a namespace contains AccessKeys.
var onCreateOrDelete = predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }}

// inUseChanged passes objects that gain or lose the in-use finalizer.
var inUseChanged = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return hasFinalizer(e.Object) },
	UpdateFunc: func(e event.UpdateEvent) bool { return hasFinalizer(e.ObjectOld) != hasFinalizer(e.ObjectNew) },
	DeleteFunc: func(e event.DeleteEvent) bool { return hasFinalizer(e.Object) },
}
