// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controller reconciles AccessKeys and key services: it observes, asks the planner, carries its answer out and
// records the outcome.
package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

// passTimeout bounds what a pass does after it began to change things. It goes on when the manager is told to stop, so
// that a key that was just made is still published.
const passTimeout = 2 * time.Minute

// AccessKeyReconciler reconciles AccessKeys. Exported fields are set by its owner; SetupWithManager fills in the rest.
type AccessKeyReconciler struct {
	// Client reads AccessKeys and KeyServices from the cache, Secrets live, and writes.
	Client client.Client
	// Cache reads the Secrets that the operator manages, with digests in the place of their data.
	Cache client.Reader
	// SecretVersions has the metadata of all Secrets; its events are of those that the operator does not manage.
	SecretVersions cache.Cache
	// Live reads past every cache.
	Live client.Reader
	// Pool connects to the key services.
	Pool     *connect.Pool
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// ResyncPeriod is how often each AccessKey is looked at without a cause.
	ResyncPeriod time.Duration
	// Options of the controller.
	Options controller.Options
	// Signer of statuses and Secrets.
	Signer Signer

	users    userLocks
	moments  moments
	bulkhead bulkhead
}

// +kubebuilder:rbac:groups=accesskey.dev,resources=accesskeys,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=accesskey.dev,resources=accesskeys/status,verbs=patch
// Setting blockOwnerDeletion takes this right where OwnerReferencesPermissionEnforcement is on.
// +kubebuilder:rbac:groups=accesskey.dev,resources=accesskeys/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;update;delete
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch,roleName=accesskey-operator-cluster
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SetupWithManager registers the controller and what wakes it.
func (r *AccessKeyReconciler) SetupWithManager(mgr ctrl.Manager) error {
	if r.Clock == nil {
		r.Clock = clock.RealClock{}
	}
	if r.Recorder == nil {
		r.Recorder = mgr.GetEventRecorder("accesskey-operator")
	}
	r.bulkhead.workers = r.Options.MaxConcurrentReconciles
	control := ctrl.NewControllerManagedBy(mgr)
	if r.Pool.ServesCluster() {
		control.
			Watches(&v1alpha1.ClusterKeyService{}, handler.EnqueueRequestsFromMapFunc(r.usersOfService), builder.WithPredicates(serviceChanged)).
			WatchesMetadata(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.grantedIn), builder.WithPredicates(labelsChanged))
	}
	return control.
		Named("accesskey").
		For(&v1alpha1.AccessKey{}).
		Owns(&corev1.Secret{}).
		Watches(&v1alpha1.KeyService{}, handler.EnqueueRequestsFromMapFunc(r.usersOfService), builder.WithPredicates(serviceChanged)).
		// One that is in the way can be in either cache of Secrets.
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.wantingSecret), builder.WithPredicates(goes)).
		WatchesRawSource(source.Kind[client.Object](r.SecretVersions, secretMetadata(), handler.EnqueueRequestsFromMapFunc(r.wantingSecret), goes)).
		WatchesRawSource(source.Func(r.wakeBy)).
		WithOptions(r.Options).
		Complete(r)
}

// wakeBy has the queue bring those to a worker who got a place at their service, or wait for what another does.
func (r *AccessKeyReconciler) wakeBy(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	r.bulkhead.wake = func(request reconcile.Request, _ int) { queue.Add(request) }
	if prioritized, ok := queue.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		r.bulkhead.wake = func(request reconcile.Request, priority int) {
			prioritized.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, request)
		}
	}
	return nil
}

const (
	// priorityOfCalled is above that of a change: the place is theirs from now on, and others wait for it.
	priorityOfCalled = 1
	// priorityOfResync is below it: a pass without a cause.
	priorityOfResync = handler.LowPriority
)

// Reconcile takes one AccessKey one step on.
func (r *AccessKeyReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	visit := r.bulkhead.begin(request)
	defer visit.end()
	result, err := r.reconcile(keyservice.WithTimer(ctx, visit.told), request, visit)
	if errors.Is(err, errNoPlace) { // it is woken when it has one
		result, err = reconcile.Result{RequeueAfter: r.ResyncPeriod}, nil
	}
	result.Priority = ptr.To(0)
	if result.RequeueAfter >= r.ResyncPeriod {
		result.Priority = ptr.To(priorityOfResync)
	}
	return result, err
}

func (r *AccessKeyReconciler) reconcile(ctx context.Context, request reconcile.Request, visit *visit) (reconcile.Result, error) {
	accessKey := &v1alpha1.AccessKey{}
	if err := r.Client.Get(ctx, request.NamespacedName, accessKey, client.UnsafeDisableDeepCopy); err != nil {
		if apierrors.IsNotFound(err) {
			r.users.forget(request.NamespacedName, r.Clock.Now())
			r.moments.keep(request.NamespacedName)
			return reconcile.Result{}, nil
		}
		return reconcile.Result{}, err
	}
	p, err := r.observe(ctx, accessKey, visit)
	if err != nil {
		return reconcile.Result{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), passTimeout)
	defer cancel()

	action, err := r.act(ctx, p)
	if errors.Is(err, errNoPlace) {
		return reconcile.Result{}, err
	}
	if isKubeError(err) && apierrors.IsNotFound(err) {
		return reconcile.Result{}, nil // what was to be changed is gone, and the event of that comes
	}
	log.FromContext(ctx).V(1).Info("Carried out", "verb", action.Verb, "reason", action.Reason, "keyID", action.KeyID, "error", err)
	result, err := r.finish(ctx, p, action, err)
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: time.Second}, nil // the cache was stale; the event of the newer version comes sooner
	}
	return result, err
}

// act decides and acts. What can't be undone is decided a second time on a live input.
func (r *AccessKeyReconciler) act(ctx context.Context, p *pass) (plan.Action, error) {
	action := plan.Next(p.in)
	// Before anything is read live or written.
	if (action.Verb == plan.Protect || action.Verb == plan.Look) && p.connection != nil && !p.enter() {
		return action, errNoPlace
	}
	for range 2 { // either of the two can come first
		var err error
		switch action.Verb {
		case plan.Protect:
			err = r.protect(ctx, p)
		case plan.Look:
			err = r.look(ctx, p)
		default:
			return action, r.execute(ctx, p, action)
		}
		if err != nil {
			return action, err
		}
		action = plan.Next(p.in)
	}
	return action, r.execute(ctx, p, action)
}

// finish records the outcome in one patch of the status, and says what changed.
func (r *AccessKeyReconciler) finish(ctx context.Context, p *pass, action plan.Action, err error) (reconcile.Result, error) {
	if isKubeError(err) {
		return reconcile.Result{}, err
	}
	if action.Verb == plan.Release && err == nil {
		r.users.forget(client.ObjectKeyFromObject(p.ak), p.in.Now)
		p.emit(r.Recorder)
		return reconcile.Result{}, nil
	}
	recordOutcome(p, action, err)
	if err := r.patchStatus(ctx, p); err != nil {
		return reconcile.Result{}, err
	}
	if p.ak.Status.Intent == nil {
		r.users.forget(client.ObjectKeyFromObject(p.ak), p.in.Now)
	}
	r.moments.keep(client.ObjectKeyFromObject(p.ak), recordedMoments(p.ak)...)
	p.emit(r.Recorder)
	return reconcile.Result{RequeueAfter: r.next(p, action, err)}, nil
}

// patchStatus writes the status if it changed.
func (r *AccessKeyReconciler) patchStatus(ctx context.Context, p *pass) error {
	if p.in.Proof != plan.SignedByAnother {
		var err error
		if p.ak.Status.Proof, err = r.Signer.signStatus(p.ak); err != nil {
			return err
		}
	}
	if equality.Semantic.DeepEqual(p.base.Status, p.ak.Status) {
		return nil
	}
	changed := patchable(p.ak).DeepCopy()
	if err := r.Client.Status().Patch(ctx, changed, patchFrom(p.base)); err != nil {
		return fmt.Errorf("recording the status of AccessKey %s: %w", client.ObjectKeyFromObject(p.ak), err)
	}
	p.rebase(changed)
	return nil
}
