// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// KeyServiceReconciler checks KeyServices or ClusterKeyServices and holds them, and their Secrets, while AccessKeys need
// them. Exported fields are set by its owner.
type KeyServiceReconciler struct {
	// Client reads key services and AccessKeys from the cache, and writes.
	Client client.Client
	// SecretVersions has the metadata of all Secrets; its events are of those that the operator does not manage.
	SecretVersions cache.Cache
	Pool           *connect.Pool
	Clock          clock.PassiveClock
	// ResyncPeriod is how often each service is checked without a cause.
	ResyncPeriod time.Duration
	// Cluster: reconcile ClusterKeyServices instead of KeyServices.
	Cluster bool
	Options controller.Options

	// last check of each service, by UID.
	last sync.Map
	// witnesses are AccessKeys that refer to the services, by the services' index keys: one each.
	witnesses sync.Map
	// holding is for one pass at a time: services can share a Secret. Their checks go on side by side, so that one that is
	// slow holds up no other.
	holding sync.Mutex
}

// +kubebuilder:rbac:groups=accesskey.dev,resources=keyservices,verbs=list;watch;patch
// +kubebuilder:rbac:groups=accesskey.dev,resources=keyservices/status,verbs=patch
// +kubebuilder:rbac:groups=accesskey.dev,resources=clusterkeyservices,verbs=list;watch;patch,roleName=accesskey-operator-cluster
// +kubebuilder:rbac:groups=accesskey.dev,resources=clusterkeyservices/status,verbs=patch,roleName=accesskey-operator-cluster
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;patch

// SetupWithManager registers the controller and what wakes it.
func (r *KeyServiceReconciler) SetupWithManager(mgr ctrl.Manager) error {
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
		Watches(&v1alpha1.AccessKey{}, handler.EnqueueRequestsFromMapFunc(r.serviceOfUser), builder.WithPredicates(comesOrGoes)).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.servicesOfSecret)). // those that the operator manages
		WatchesRawSource(source.Kind[client.Object](r.SecretVersions, secretMetadata(), handler.EnqueueRequestsFromMapFunc(r.servicesOfSecret))).
		WithOptions(r.Options).
		Complete(r)
}

func (r *KeyServiceReconciler) empty() v1alpha1.GenericKeyService {
	if r.Cluster {
		return &v1alpha1.ClusterKeyService{}
	}
	return &v1alpha1.KeyService{}
}

// Reconcile holds or releases one key service, and checks it.
func (r *KeyServiceReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	service := r.empty()
	err := r.Client.Get(ctx, request.NamespacedName, service)
	if apierrors.IsNotFound(err) {
		service.SetNamespace(request.Namespace)
		r.holding.Lock()
		defer r.holding.Unlock()
		return reconcile.Result{}, r.holdSecrets(ctx, r.Pool.SecretNamespace(service))
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	err = r.holdOrRelease(ctx, service)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return reconcile.Result{RequeueAfter: time.Second}, nil // a stale read: the event of the newer version comes sooner
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

// holdOrRelease a service, whichever the AccessKeys that refer to it ask for.
func (r *KeyServiceReconciler) holdOrRelease(ctx context.Context, service v1alpha1.GenericKeyService) error {
	r.holding.Lock()
	defer r.holding.Unlock()
	used, err := r.inUse(ctx, service)
	if err != nil {
		return err
	}
	return r.hold(ctx, service, used)
}

// state of a service: what its check found, or who still needs it while it is deleted.
func (r *KeyServiceReconciler) state(ctx context.Context, service v1alpha1.GenericKeyService) (checked, error) {
	if service.GetDeletionTimestamp().IsZero() {
		return r.check(ctx, service), nil
	}
	users, err := r.usersOf(ctx, service)
	if err == nil && len(users) == 0 {
		r.Pool.Forget(service.GetUID())
		r.last.Delete(service.GetUID())
	}
	return deleting(users, r.Clock.Now()), err
}

// checked is what a check of a service found.
type checked struct {
	ready           metav1.ConditionStatus
	reason, message string
	version         string
	limits          *v1alpha1.ServiceLimits
	// due is when to check again; until then the check holds for this connection.
	due        time.Time
	connection *connect.Connection
	// probed is when the service was last asked for its version.
	probed time.Time
}

// probePeriod is how often a service is asked for its version, unless something is wrong.
const probePeriod = time.Hour

// check asks the service who it is and whether it accepts the credentials, unless it did so a short while ago, or the
// resync shows it.
func (r *KeyServiceReconciler) check(ctx context.Context, service v1alpha1.GenericKeyService) checked {
	now := r.Clock.Now()
	connection, err := r.Pool.Get(ctx, service)
	if err != nil {
		return failed(err, now)
	}
	stored, _ := r.last.Load(service.GetUID())
	last, _ := stored.(checked)
	if last.connection == connection && now.Before(last.due) {
		return last
	}
	found, resynced := checked{}, false
	if last.connection == connection && last.ready == metav1.ConditionTrue && now.Before(last.probed.Add(probePeriod)) {
		found, resynced = r.resynced(ctx, last, now)
	}
	if !resynced {
		found = r.probe(ctx, connection, now)
		found.connection, found.probed = connection, now
	}
	r.last.Store(service.GetUID(), found)
	return found
}

// resynced lets the shared resync stand for a probe: a service that lists its keys accepts the credentials. It reports
// false where that shows nothing, or trouble.
func (r *KeyServiceReconciler) resynced(ctx context.Context, last checked, now time.Time) (checked, bool) {
	listed, err := last.connection.Resync(ctx, now)
	if err != nil || !now.Before(listed.At.Add(r.ResyncPeriod)) {
		return checked{}, false
	}
	last.due = now.Add(r.ResyncPeriod)
	return last, true
}

func (r *KeyServiceReconciler) probe(ctx context.Context, connection *connect.Connection, now time.Time) checked {
	found := checked{
		ready:   metav1.ConditionTrue,
		reason:  v1alpha1.ReasonServiceReachable,
		message: "The service answered and accepts the credentials",
		limits:  limitsOf(connection.Capabilities),
		due:     now.Add(r.ResyncPeriod),
	}
	if prober, ok := connection.Service.(keyservice.Prober); ok {
		version, err := prober.Probe(ctx)
		if err != nil {
			return failed(err, now)
		}
		found.version = version
	}
	return found
}

func limitsOf(c keyservice.Capabilities) *v1alpha1.ServiceLimits {
	limits := &v1alpha1.ServiceLimits{
		KeysPerUser: int32(c.KeysPerUser), //nolint:gosec // a handful
		Overlap:     ptr.To(c.Overlap),
		Regenerate:  ptr.To(c.Regenerates),
		Disable:     ptr.To(c.Disables),
	}
	if c.MaxTTL > 0 {
		limits.MaxTTL = &metav1.Duration{Duration: c.MaxTTL}
	}
	return limits
}

func failed(err error, now time.Time) checked {
	found := checked{ready: metav1.ConditionFalse, reason: v1alpha1.ReasonUnavailable, message: err.Error(), due: now.Add(recheck)}
	if e, ok := errors.AsType[*connect.Error](err); ok {
		found.reason = e.Reason
	} else if verdict := judge(err); verdict.synced != "" {
		found.reason = verdict.synced
	}
	return found
}

func deleting(users []string, now time.Time) checked {
	const shown = 5
	message := "Being deleted"
	if len(users) > 0 {
		message = fmt.Sprintf("Being deleted, but still needed to revoke the keys of %d AccessKeys: %s; delete those first",
			len(users), joined(users[:min(len(users), shown)]))
	}
	return checked{ready: metav1.ConditionFalse, reason: v1alpha1.ReasonDeleting, message: message, due: now.Add(recheck)}
}

// report writes the status if it changed.
func (r *KeyServiceReconciler) report(ctx context.Context, service v1alpha1.GenericKeyService, found checked) error {
	const maxMessage = 2048
	changed, ok := service.DeepCopyObject().(v1alpha1.GenericKeyService)
	if !ok {
		return fmt.Errorf("%T is no key service", service)
	}
	status := changed.GetStatus()
	status.ObservedGeneration = service.GetGeneration()
	if found.limits != nil {
		status.Version, status.Limits = clean(found.version, 256), found.limits
	}
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type:               v1alpha1.ConditionReady,
		Status:             found.ready,
		Reason:             found.reason,
		Message:            clean(found.message, maxMessage),
		ObservedGeneration: service.GetGeneration(),
		LastTransitionTime: metav1.NewTime(r.Clock.Now().Truncate(time.Second)),
	})
	if equality.Semantic.DeepEqual(service.GetStatus(), status) {
		return nil
	}
	return r.Client.Status().Patch(ctx, changed, client.MergeFromWithOptions(service, client.MergeFromWithOptimisticLock{}))
}
