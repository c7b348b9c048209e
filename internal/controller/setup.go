// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// Scheme knows every type that the operator handles.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err) // a defect of the program, found by its first start
		}
	}
	return scheme
}

// CacheOptions keep of the Secrets only those that the operator manages, and of their data only digests. Without
// namespaces the whole cluster is watched.
func CacheOptions(namespaces []string) cache.Options {
	options := cache.Options{
		DefaultTransform: strip,
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}: {
				Label:     labels.SelectorFromSet(labels.Set{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}),
				Transform: DigestSecret,
			},
		},
	}
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}

// ClientOptions make the client read Secrets live: the cache holds only digests of them.
func ClientOptions() client.Options {
	return client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}}
}

// Config is what the controllers are set up with.
type Config struct {
	// Namespaces to watch; none for the whole cluster.
	Namespaces []string
	// ClusterNamespace is the operator's own. It holds the Secrets of ClusterKeyServices.
	ClusterNamespace string
	// NamespacedOnly: no ClusterKeyServices are served, and nothing is asked of the API server beyond Namespaces and the
	// operator's own, so that Roles are rights enough.
	NamespacedOnly bool
	ResyncPeriod   time.Duration
	// Concurrency is how many AccessKeys are worked on at once.
	Concurrency int
	// Clock and NewQueue are for tests that move the time; nil for the real ones.
	Clock    clock.PassiveClock
	NewQueue NewQueue
	// NewCache makes caches beside the manager's, and Transport carries the requests to the services. They are for tests
	// without servers; nil for the real ones.
	NewCache  func(*rest.Config, cache.Options) (cache.Cache, error)
	Transport http.RoundTripper
	// Recorder of events; nil for the manager's.
	Recorder events.EventRecorder
	// TrustUnproven accepts once what was signed with a key that is lost.
	TrustUnproven bool
}

// The manager's own rights, in the namespace that it runs in: the lease of its leader, the events about it, and the key that
// it signs with.
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=create,namespace=accesskey-system,roleName=accesskey-operator-own
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,resourceNames=accesskey-operator,verbs=get;update,namespace=accesskey-system,roleName=accesskey-operator-own
// +kubebuilder:rbac:groups="",resources=events,verbs=create,namespace=accesskey-system,roleName=accesskey-operator-own
// +kubebuilder:rbac:groups="",resources=secrets,verbs=create,namespace=accesskey-system,roleName=accesskey-operator-own
// +kubebuilder:rbac:groups="",resources=secrets,resourceNames=accesskey-operator-proof,verbs=get,namespace=accesskey-system,roleName=accesskey-operator-own

// Setup adds the controllers to a manager that was made with CacheOptions and ClientOptions.
func Setup(ctx context.Context, mgr ctrl.Manager, config Config) error {
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	if config.NewCache == nil {
		config.NewCache = cache.New
	}
	if err := AddIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("indexing: %w", err)
	}
	signer, err := LoadSigner(ctx, mgr.GetAPIReader(), mgr.GetClient(), config.ClusterNamespace)
	if err != nil {
		return err
	}
	signer.TrustUnproven = config.TrustUnproven
	if config.NamespacedOnly {
		config.ClusterNamespace = "" // where there are no ClusterKeyServices, there are no Secrets of theirs
	}
	versions, err := newSecretVersions(mgr, config)
	if err != nil {
		return err
	}
	pool := &connect.Pool{
		Live:             mgr.GetAPIReader(),
		SecretVersions:   versions,
		ClusterNamespace: config.ClusterNamespace,
		ResyncPeriod:     config.ResyncPeriod,
		Clock:            config.Clock,
		Transport:        config.Transport,
	}
	accessKeys := &AccessKeyReconciler{
		Signer:         signer,
		Client:         mgr.GetClient(),
		Cache:          mgr.GetCache(),
		SecretVersions: versions,
		Live:           mgr.GetAPIReader(),
		Pool:           pool,
		Recorder:       config.Recorder,
		Clock:          config.Clock,
		ResyncPeriod:   config.ResyncPeriod,
		Options:        controller.Options{MaxConcurrentReconciles: config.Concurrency, NewQueue: config.NewQueue},
	}
	if err := accessKeys.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("setting up the AccessKey controller: %w", err)
	}
	return addServices(mgr, config, pool, versions)
}

func addServices(mgr ctrl.Manager, config Config, pool *connect.Pool, versions cache.Cache) error {
	for _, cluster := range kinds(config) {
		services := &KeyServiceReconciler{
			Client:         mgr.GetClient(),
			SecretVersions: versions,
			Pool:           pool,
			Clock:          config.Clock,
			ResyncPeriod:   config.ResyncPeriod,
			Cluster:        cluster,
			Options:        controller.Options{MaxConcurrentReconciles: config.Concurrency, NewQueue: config.NewQueue},
		}
		if err := services.SetupWithManager(mgr); err != nil {
			return fmt.Errorf("setting up the key service controllers: %w", err)
		}
	}
	return nil
}

// kinds of key services that are served: the namespaced one (false), and the cluster's (true).
func kinds(config Config) []bool {
	if config.ClusterNamespace == "" {
		return []bool{false}
	}
	return []bool{false, true}
}

// strip takes off what nobody here reads: who manages the fields, and what was applied last, which is the object once more.
// Others may be reading an object that is done, so what is not there is not deleted.
func strip(object any) (any, error) {
	full, err := meta.Accessor(object)
	if err != nil {
		return object, nil //nolint:nilerr // it has no metadata, so there is nothing to do
	}
	if full.GetManagedFields() != nil {
		full.SetManagedFields(nil)
	}
	if _, ok := full.GetAnnotations()[corev1.LastAppliedConfigAnnotation]; ok { //nolint:staticcheck // to delete is to write, even what is not there
		delete(full.GetAnnotations(), corev1.LastAppliedConfigAnnotation)
	}
	return object, nil
}

// startWithCaches makes the manager start a cache before the controllers.
type startWithCaches struct{ cache.Cache }

// GetCache is what the manager knows a cache by.
func (c startWithCaches) GetCache() cache.Cache { return c.Cache }

// NewQueue makes a controller's work queue.
type NewQueue = func(controller string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request]
