// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controller sets up the controllers of AccessKeys and key services.
package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller/accesskey"
	"accesskey.dev/operator/internal/controller/keyservice"
	"accesskey.dev/operator/internal/controller/metrics"
	"accesskey.dev/operator/internal/controller/namespaces"
	"accesskey.dev/operator/internal/controller/rollout"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/telemetry"
)

// Scheme knows every type that the operator handles.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err) // a defect of the program, which its first start reveals
		}
	}
	return scheme
}

// CacheOptions keep only what the controllers use. They only watch the metadata of Secrets. Without namespaces the whole cluster
// is watched.
func CacheOptions(namespaces []string) cache.Options {
	options := cache.Options{
		DefaultTransform: strip,
		ByObject:         map[client.Object]cache.ByObject{&corev1.Secret{}: {Transform: stripSecret}},
	}
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}

// strip drops what no controller uses and what takes much space: the managed fields, and the configuration that kubectl applied last,
// which has the whole spec once more.
func strip(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
		delete(accessor.GetAnnotations(), corev1.LastAppliedConfigAnnotation)
	}
	return object, nil
}

// stripSecret keeps what the controllers use of a Secret's metadata. Annotations can contain data of the Secret, such as the
// configuration that kubectl applied last.
func stripSecret(object any) (any, error) {
	full, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return object, nil
	}
	return &metav1.PartialObjectMetadata{
		TypeMeta: full.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Namespace: full.Namespace, Name: full.Name, UID: full.UID, ResourceVersion: full.ResourceVersion,
			Finalizers: full.Finalizers, DeletionTimestamp: full.DeletionTimestamp, OwnerReferences: full.OwnerReferences,
		},
	}, nil
}

// NewQueue makes the work queue of a controller.
type NewQueue = func(controller string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request]

// Config configures the controllers.
type Config struct {
	// ClusterNamespace is the operator's namespace, which has the Secrets of ClusterKeyServices. Empty: the operator works only
	// in some namespaces, with RoleBindings there. It does not serve ClusterKeyServices.
	ClusterNamespace string
	ResyncPeriod     time.Duration
	// Concurrency is how many AccessKeys are reconciled at the same time.
	Concurrency int
	// Clock and NewQueue let tests move the time; nil for the real ones.
	Clock    clock.PassiveClock
	NewQueue NewQueue
	// Transport carries the requests to the services; nil for TLS over TCP.
	Transport http.RoundTripper
	// Recorder of events; nil for the manager's.
	Recorder events.EventRecorder
	// Metrics is where the state of AccessKeys and key services is exported; nil for nowhere.
	Metrics prometheus.Registerer
	// Tracer of the reconciliations; nil for none.
	Tracer *telemetry.Tracer
}

// The permissions of the manager in its own namespace: the Lease of the leader and its events.
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=create,namespace=accesskey-system,roleName=accesskey-operator-own
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,resourceNames=accesskey-operator,verbs=get;update,namespace=accesskey-system,roleName=accesskey-operator-own
// +kubebuilder:rbac:groups="",resources=events,verbs=create,namespace=accesskey-system,roleName=accesskey-operator-own

// The metrics endpoint asks the API server whose token a request has, and whether that user may get /metrics.
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create,roleName=accesskey-operator-metrics-auth
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create,roleName=accesskey-operator-metrics-auth

// Setup adds the controllers to a manager that was created with CacheOptions.
func Setup(ctx context.Context, mgr ctrl.Manager, config Config) error {
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	if err := accesskey.AddIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	pool := &connect.Pool{
		Live:             mgr.GetAPIReader(),
		SecretVersions:   mgr.GetClient(),
		ClusterNamespace: config.ClusterNamespace,
		ResyncPeriod:     config.ResyncPeriod,
		Clock:            config.Clock,
		Transport:        config.Transport,
	}
	accessKeys := &accesskey.Reconciler{
		Client:       mgr.GetClient(),
		Live:         mgr.GetAPIReader(),
		Pool:         pool,
		Recorder:     config.Recorder,
		Tracer:       config.Tracer,
		Clock:        config.Clock,
		ResyncPeriod: config.ResyncPeriod,
		Options:      config.options(),
	}
	if err := accessKeys.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("setting up the controller of AccessKeys: %w", err)
	}
	if err := errors.Join(setupRollout(mgr, config), setupMetrics(mgr, config, pool)); err != nil {
		return err
	}
	keep, err := setupNamespaces(ctx, mgr, config)
	if err != nil {
		return err
	}
	return setupServices(mgr, config, pool, keep)
}

// setupServices adds the controllers of key services. keep keeps the operator's RoleBinding in a namespace; it may be nil.
func setupServices(mgr ctrl.Manager, config Config, pool *connect.Pool, keep func(context.Context, string) error) error {
	for _, cluster := range kinds(config) {
		services := &keyservice.Reconciler{
			Client:       mgr.GetClient(),
			Pool:         pool,
			Clock:        config.Clock,
			ResyncPeriod: config.ResyncPeriod,
			Cluster:      cluster,
			Keep:         keep,
			Tracer:       config.Tracer,
			Options:      config.options(),
		}
		if err := services.SetupWithManager(mgr); err != nil {
			return fmt.Errorf("setting up the controllers of key services: %w", err)
		}
	}
	return nil
}

// setupRollout adds the controller that restarts consumers.
func setupRollout(mgr ctrl.Manager, config Config) error {
	restarts := &rollout.Reconciler{
		Client:   mgr.GetClient(),
		Live:     mgr.GetAPIReader(),
		Recorder: config.Recorder,
		Tracer:   config.Tracer,
		Clock:    config.Clock,
		Options:  controller.Options{MaxConcurrentReconciles: min(rollout.Concurrency, config.Concurrency), NewQueue: config.NewQueue},
	}
	if err := restarts.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("setting up the controller of restarts: %w", err)
	}
	return nil
}

// Collectors are the metrics that are counted where things happen, for the manager's registry.
func Collectors() []prometheus.Collector {
	return slices.Concat(connect.Collectors(), accesskey.Collectors(), namespaces.Collectors(), rollout.Collectors())
}

// setupMetrics exports what is computed from the cache.
func setupMetrics(mgr ctrl.Manager, config Config, pool *connect.Pool) error {
	if config.Metrics == nil {
		return nil
	}
	collector := &metrics.Collector{Reader: mgr.GetCache(), Cluster: pool.ServesCluster(), CountKeys: pool.CountKeys}
	if err := config.Metrics.Register(collector); err != nil {
		return fmt.Errorf("setting up the metrics: %w", err)
	}
	return mgr.Add(collector)
}

// setupNamespaces prepares an operator that works only in some namespaces: it adds the controller of its RoleBindings, and returns the
// function that keeps one.
func setupNamespaces(ctx context.Context, mgr ctrl.Manager, config Config) (keep func(context.Context, string) error, err error) {
	if config.ClusterNamespace != "" {
		return nil, nil
	}
	// A standby fills all caches at its start. A namespace that it can no longer read when it becomes the leader would otherwise
	// stop all others.
	secret := &metav1.PartialObjectMetadata{}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	for _, object := range []client.Object{&v1alpha1.AccessKey{}, &v1alpha1.KeyService{}, secret} {
		if _, err := mgr.GetCache().GetInformer(ctx, object, cache.BlockUntilSynced(false)); err != nil {
			return nil, fmt.Errorf("setting up the caches: %w", err)
		}
	}
	keeper := &namespaces.Keeper{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), ResyncPeriod: config.ResyncPeriod, Options: config.options()}
	if err := keeper.SetupWithManager(mgr); err != nil {
		return nil, fmt.Errorf("setting up the controller of namespaces: %w", err)
	}
	return keeper.Keep, nil
}

// options returns the options of every controller.
func (c Config) options() controller.Options {
	return controller.Options{MaxConcurrentReconciles: c.Concurrency, NewQueue: c.NewQueue}
}

// kinds of key services that are served: the namespaced one (false) and the cluster's (true).
func kinds(config Config) []bool {
	if config.ClusterNamespace == "" {
		return []bool{false}
	}
	return []bool{false, true}
}
