// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rollout restarts the workloads that use the pair of an AccessKey, once after each rotation.
package rollout

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/telemetry"
)

const (
	// Concurrency is how many AccessKeys have their workloads restarted at the same time, each one workload after the other.
	Concurrency = 4
	// firstRetry and lastRetry bound the pause after a failed restart, which doubles.
	firstRetry, lastRetry = 5 * time.Second, 5 * time.Minute
	// timeout bounds one attempt.
	timeout = time.Minute
)

var restarts = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "accesskey_workload_restarts_total",
	Help: "Restarts of workloads after a rotation, by the kind of the workload and the outcome: restarted, failed or missing.",
}, []string{"kind", "outcome"})

// Collectors are the metrics of the package, for the manager's registry.
func Collectors() []prometheus.Collector { return []prometheus.Collector{restarts} }

// Reconciler restarts the workloads of AccessKeys. Its exported fields are set by its owner; SetupWithManager defaults the rest.
type Reconciler struct {
	// Client reads AccessKeys from the cache, and writes.
	Client client.Client
	// Live reads workloads from the API server. A cache of them would need much memory for a few reads per rotation.
	Live     client.Reader
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// Tracer of the restarts; nil for none.
	Tracer *telemetry.Tracer
	// Options of the controller.
	Options controller.Options
}

// The installation does not bind this role. See docs/consumers.md.
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets;daemonsets,verbs=get;list;patch,roleName=accesskey-operator-restarts
// +kubebuilder:rbac:groups=argoproj.io,resources=rollouts,verbs=get;list;patch,roleName=accesskey-operator-restarts

// SetupWithManager registers the controller with its watch.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if r.Clock == nil {
		r.Clock = clock.RealClock{}
	}
	if r.Recorder == nil {
		r.Recorder = mgr.GetEventRecorder("accesskey-operator")
	}
	r.Options.ReconciliationTimeout = timeout
	r.Options.RateLimiter = workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry)
	return ctrl.NewControllerManagedBy(mgr).
		Named("rollout").
		For(&v1alpha1.AccessKey{}, builder.WithPredicates(requested)).
		WithOptions(r.Options).
		Complete(r)
}

// requested passes AccessKeys with workloads to restart: when the operator starts, when a restart is requested, and when the spec
// changes. Other changes do not shorten the back-off.
var requested = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool {
		ak, ok := e.Object.(*v1alpha1.AccessKey)
		return ok && plan.RestartDue(ak)
	},
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.AccessKey)
		after, ok2 := e.ObjectNew.(*v1alpha1.AccessKey)
		return ok && ok2 && plan.RestartDue(after) &&
			(before.Generation != after.Generation || before.Status.Restart == nil || before.Status.Restart.Revision != after.Status.Restart.Revision)
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// Reconcile restarts the workloads of one AccessKey that were not restarted for its current pair yet.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	ak := &v1alpha1.AccessKey{}
	if err := r.Client.Get(ctx, request.NamespacedName, ak); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !plan.RestartDue(ak) {
		return reconcile.Result{}, nil
	}
	ctx, pass := r.Tracer.Pass(ctx, "restart", request.NamespacedName)
	done := r.restart(ctx, ak)
	err := r.record(ctx, ak, done)
	if err == nil {
		err = done.err()
	}
	pass.End(err != nil, err)
	return reconcile.Result{}, err
}
