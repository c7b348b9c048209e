// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package keyservice checks KeyServices and ClusterKeyServices, and keeps them and their Secrets in place while AccessKeys
// refer to them.
package keyservice

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller/accesskey"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/telemetry"
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
	// Keep makes sure that the operator keeps its permissions in a namespace until the finalizers there are removed; nil if
	// nothing can take them away.
	Keep    func(ctx context.Context, namespace string) error
	Options controller.Options
	// Tracer of the checks; nil for none.
	Tracer *telemetry.Tracer

	// last check of each service, by name.
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
// The certificates to trust can be in a ConfigMap.
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get

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
	kind := v1alpha1.KindKeyService
	if r.Cluster {
		kind = v1alpha1.KindClusterKeyService
	}
	ctx, pass := r.Tracer.Pass(ctx, kind, request.NamespacedName)
	result, err := r.reconcile(ctx, request)
	pass.End(false, err)
	return result, err
}

func (r *Reconciler) reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	service := r.empty()
	err := r.Client.Get(ctx, request.NamespacedName, service)
	if apierrors.IsNotFound(err) {
		service.SetNamespace(request.Namespace)
		return reconcile.Result{}, r.forget(ctx, request.NamespacedName, r.Pool.SecretNamespace(service))
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	refused, err := r.setFinalizers(ctx, service)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return reconcile.Result{RequeueAfter: time.Second}, nil // the cache was stale; the event of the newer version usually comes first
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	result, err := r.state(ctx, service, refused)
	if err != nil {
		return reconcile.Result{}, err
	}
	err = r.report(ctx, service, result)
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: time.Second}, nil
	}
	return reconcile.Result{RequeueAfter: max(result.due.Sub(r.Clock.Now()), time.Second)}, client.IgnoreNotFound(err)
}

// forget drops what is kept of a service that is gone, and removes the finalizers of its Secrets.
func (r *Reconciler) forget(ctx context.Context, name types.NamespacedName, secretNamespace string) error {
	r.drop(name)
	r.finalizers.Lock()
	defer r.finalizers.Unlock()
	refused, err := r.setSecretFinalizers(ctx, secretNamespace)
	if err != nil {
		return err
	}
	return errors.Join(slices.Collect(maps.Values(refused))...)
}

// state returns what the check of a service found and what else needs a person, or which AccessKeys still need the service while
// it is being deleted. refused is why the API server does not accept an in-use finalizer; nil if it does.
func (r *Reconciler) state(ctx context.Context, service v1alpha1.GenericKeyService, refused error) (checked, error) {
	var found checked
	var err error
	if service.GetDeletionTimestamp().IsZero() {
		if found, err = r.check(ctx, service); err != nil {
			return checked{}, err
		}
		for _, add := range []func(context.Context, v1alpha1.GenericKeyService, *checked) error{r.addIdentity, r.addDeletedSecrets, r.addLostSecrets} {
			if err := add(ctx, service, &found); err != nil {
				return checked{}, err
			}
		}
	} else {
		accessKeys, err := accesskey.OfService(ctx, r.Client, service, 0)
		if err != nil {
			return checked{}, err
		}
		if len(accessKeys) == 0 {
			r.drop(client.ObjectKeyFromObject(service))
		}
		found = deleting(accessKeys, r.Clock.Now())
	}
	if refused != nil {
		found.add(v1alpha1.ReasonFinalizerRefused, refused.Error(), r.Clock.Now().Add(finalizerRetry))
	}
	return found, nil
}

// drop forgets a service.
func (r *Reconciler) drop(name types.NamespacedName) {
	r.Pool.Forget(name)
	r.last.Delete(name)
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
	status.RefusedCredentials = r.Pool.Refused(service)
	if refused := status.RefusedCredentials; refused != nil {
		refused.Message = accesskey.Clean(refused.Message, accesskey.MaxMessage)
	}
	before := meta.FindStatusCondition(service.GetStatus().Conditions, v1alpha1.ConditionReady)
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
	if err := r.Client.Status().Patch(ctx, changed, client.MergeFromWithOptions(service, client.MergeFromWithOptimisticLock{})); err != nil {
		return err
	}
	if before == nil || before.Reason != found.reason {
		log.FromContext(ctx).Info(accesskey.Clean(found.message, accesskey.MaxMessage), "reason", found.reason, "ready", found.ready)
	}
	return nil
}
