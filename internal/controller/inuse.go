// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
)

// inUse: an AccessKey refers to the service, whatever its status. The cache goes through all of a service's AccessKeys
// even to find one, so the one that was found last is asked after first.
func (r *KeyServiceReconciler) inUse(ctx context.Context, service client.Object) (bool, error) {
	key := keyOfService(service)
	if name, ok := r.witnesses.Load(key); ok {
		if name, ok := name.(types.NamespacedName); ok {
			witness := &v1alpha1.AccessKey{}
			if err := r.Client.Get(ctx, name, witness, client.UnsafeDisableDeepCopy); err == nil && serviceKey(witness) == key {
				return true, nil
			}
		}
	}
	var found v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &found, client.MatchingFields{indexService: key}, client.Limit(1), client.UnsafeDisableDeepCopy); err != nil {
		return false, err
	}
	if len(found.Items) == 0 {
		r.witnesses.Delete(key)
		return false, nil
	}
	r.witnesses.Store(key, client.ObjectKeyFromObject(&found.Items[0]))
	return true, nil
}

// usersOf are the AccessKeys that refer to a service, as namespace/name.
func (r *KeyServiceReconciler) usersOf(ctx context.Context, service client.Object) ([]string, error) {
	var found v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &found, client.MatchingFields{indexService: keyOfService(service)}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(found.Items))
	for i := range found.Items {
		names = append(names, found.Items[i].Namespace+"/"+found.Items[i].Name)
	}
	slices.Sort(names)
	return names, nil
}

// serviceOfUser maps an AccessKey that came or went to its key service, if that makes a difference: not each one of
// thousands. Where the cached service is behind, heldChanged wakes it when the cache has caught up.
func (r *KeyServiceReconciler) serviceOfUser(ctx context.Context, object client.Object) []reconcile.Request {
	name, ok := r.serviceName(object)
	if !ok {
		return nil
	}
	service := r.empty()
	err := r.Client.Get(ctx, name, service, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return nil // it holds nothing, and wakes itself when it comes
	}
	if err == nil && service.GetDeletionTimestamp().IsZero() { // one that is deleted tells how many still need it
		used, err := r.inUse(ctx, service)
		if err == nil && used == held(service) {
			return nil
		}
	}
	return []reconcile.Request{{NamespacedName: name}}
}

// serviceName of an AccessKey's service, if it is one of the reconciler's kind.
func (r *KeyServiceReconciler) serviceName(object client.Object) (types.NamespacedName, bool) {
	ak, ok := object.(*v1alpha1.AccessKey)
	if !ok || (ak.Spec.ServiceRef.Kind == v1alpha1.KindClusterKeyService) != r.Cluster {
		return types.NamespacedName{}, false
	}
	if r.Cluster {
		return types.NamespacedName{Name: ak.Spec.ServiceRef.Name}, true
	}
	return types.NamespacedName{Namespace: ak.Namespace, Name: ak.Spec.ServiceRef.Name}, true
}

// comesOrGoes: only the two change whether a service is needed.
var comesOrGoes = predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }}

// heldChanged wakes a service whose finalizer came or went: an AccessKey that did so meanwhile was compared with how it
// was before.
var heldChanged = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool { return held(e.ObjectOld) != held(e.ObjectNew) },
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

func held(object client.Object) bool {
	return controllerutil.ContainsFinalizer(object, v1alpha1.InUseFinalizer)
}
