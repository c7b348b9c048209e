// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package keyservice checks KeyServices and ClusterKeyServices, and keeps them and their Secrets in place while AccessKeys
// refer to them.
package keyservice

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller/accesskey"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// Reconciler reconciles KeyServices or ClusterKeyServices. Its exported fields are set by its owner.
type Reconciler struct {
	// Client reads from the cache, which has only the metadata of Secrets, and writes.
	Client client.Client
	Pool   *connect.Pool
	Clock  clock.PassiveClock
	// ResyncPeriod is how often each service is checked without a cause.
	ResyncPeriod time.Duration
	// Cluster reconciles ClusterKeyServices instead of KeyServices.
	Cluster bool
	Options controller.Options

	// last check of each service, by UID.
	last sync.Map
	// finalizers is held while finalizers are set, because services can share a Secret. Checks run side by side, so that a slow
	// service delays no other.
	finalizers sync.Mutex
}

// +kubebuilder:rbac:groups=accesskey.dev,resources=keyservices,verbs=list;watch;patch
// +kubebuilder:rbac:groups=accesskey.dev,resources=keyservices/status,verbs=patch
// +kubebuilder:rbac:groups=accesskey.dev,resources=clusterkeyservices,verbs=list;watch;patch,roleName=accesskey-operator-cluster
// +kubebuilder:rbac:groups=accesskey.dev,resources=clusterkeyservices/status,verbs=patch,roleName=accesskey-operator-cluster
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;patch

// SetupWithManager registers the controller with its watches.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if r.Clock == nil {
		r.Clock = clock.RealClock{}
	}
	name := "keyservice"
	if r.Cluster {
		name = "clusterkeyservice"
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named(name).
		For(r.empty(), builder.WithPredicates(ownChange)).
		Watches(&v1alpha1.AccessKey{}, handler.EnqueueRequestsFromMapFunc(r.serviceOfAccessKey), builder.WithPredicates(onCreateOrDelete)).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.servicesOfSecret)).
		WithOptions(r.Options).
		Complete(r)
}

func (r *Reconciler) empty() v1alpha1.GenericKeyService {
	if r.Cluster {
		return &v1alpha1.ClusterKeyService{}
	}
	return &v1alpha1.KeyService{}
}

// Reconcile sets the finalizers of one key service and checks it.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	service := r.empty()
	err := r.Client.Get(ctx, request.NamespacedName, service)
	if apierrors.IsNotFound(err) {
		service.SetNamespace(request.Namespace)
		r.finalizers.Lock()
		defer r.finalizers.Unlock()
		return reconcile.Result{}, r.setSecretFinalizers(ctx, r.Pool.SecretNamespace(service))
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	err = r.setFinalizers(ctx, service)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return reconcile.Result{RequeueAfter: time.Second}, nil // the cache was stale; the event of the newer version usually comes first
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	result, err := r.state(ctx, service)
	if err != nil {
		return reconcile.Result{}, err
	}
	err = r.report(ctx, service, result)
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: time.Second}, nil
	}
	return reconcile.Result{RequeueAfter: max(result.due.Sub(r.Clock.Now()), time.Second)}, client.IgnoreNotFound(err)
}

// state returns what the check of a service found, or which AccessKeys still need it while it is being deleted.
func (r *Reconciler) state(ctx context.Context, service v1alpha1.GenericKeyService) (checked, error) {
	if service.GetDeletionTimestamp().IsZero() {
		found := r.check(ctx, service)
		if gone, err := r.deletedSecrets(ctx, service); err != nil || len(gone) > 0 {
			found.message += fmt.Sprintf("; Secret %s is being deleted, and will be gone when no AccessKey needs it any more; refer to another Secret, or delete the AccessKeys",
				strings.Join(gone, ", "))
			return found, err
		}
		return found, nil
	}
	accessKeys, err := accesskey.OfService(ctx, r.Client, service, 0)
	if err == nil && len(accessKeys) == 0 {
		r.Pool.Forget(service.GetUID())
		r.last.Delete(service.GetUID())
	}
	return deleting(accessKeys, r.Clock.Now()), err
}

// deletedSecrets returns the Secrets of a service that are being deleted. Only their finalizer still keeps them.
func (r *Reconciler) deletedSecrets(ctx context.Context, service v1alpha1.GenericKeyService) (names []string, err error) {
	for _, name := range service.GetSpec().SecretNames() {
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		key := client.ObjectKey{Namespace: r.Pool.SecretNamespace(service), Name: name}
		if err := r.Client.Get(ctx, key, secret, client.UnsafeDisableDeepCopy); client.IgnoreNotFound(err) != nil {
			return nil, err
		}
		if !secret.DeletionTimestamp.IsZero() {
			names = append(names, key.String())
		}
	}
	return names, nil
}

// report writes the status if it changed.
func (r *Reconciler) report(ctx context.Context, service v1alpha1.GenericKeyService, found checked) error {
	changed, ok := service.DeepCopyObject().(v1alpha1.GenericKeyService)
	if !ok {
		return fmt.Errorf("%T is not a key service", service)
	}
	status := changed.GetStatus()
	status.ObservedGeneration = service.GetGeneration()
	if found.limits != nil {
		status.Version, status.Identity, status.Limits = accesskey.Clean(found.version, 256), found.connection.Identity, found.limits
	}
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type:               v1alpha1.ConditionReady,
		Status:             found.ready,
		Reason:             found.reason,
		Message:            accesskey.Clean(found.message, accesskey.MaxMessage),
		ObservedGeneration: service.GetGeneration(),
		LastTransitionTime: metav1.NewTime(r.Clock.Now().Truncate(time.Second)),
	})
	if equality.Semantic.DeepEqual(service.GetStatus(), status) {
		return nil
	}
	return r.Client.Status().Patch(ctx, changed, client.MergeFromWithOptions(service, client.MergeFromWithOptimisticLock{}))
}
