// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller"
)

// account is who an operator is to the API server.
type account = func(config *rest.Config)

// token signs in with a bearer token, as a Pod does.
func token(t *testing.T) account {
	out, err := plane.Kubectl(t.Context(), nil, "create", "token", "accesskey-operator", "--namespace=accesskey-system")
	if err != nil {
		t.Fatal(err)
	}
	return func(config *rest.Config) { *config = *withToken(config, out) }
}

func withToken(config *rest.Config, token string) *rest.Config {
	fresh := rest.AnonymousClientConfig(config)
	fresh.BearerToken, fresh.QPS = strings.TrimSpace(token), -1
	return fresh
}

// user is an administrator who puts on somebody's rights.
func user(name string) account {
	return func(config *rest.Config) {
		config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"system:authenticated"}}
	}
}

// scope is where an operator works.
type scope struct {
	// namespaces to work in; none for the whole cluster.
	namespaces []string
	// service is the only ClusterKeyService to see; all if empty.
	service string
	// own namespace, with the lease, the operator's key, and the Secrets of ClusterKeyServices unless there are none.
	own            string
	namespacedOnly bool
}

// errStays: an operator did not end in the time that it was given.
var errStays = errors.New("it did not end in time")

// start runs an operator like cmd/ does, on the clock of the story, until the returned function is called.
func (s *story) start(as account, where scope) (stop func(patience time.Duration) error, err error) {
	account := rest.CopyConfig(plane.Config)
	as(account)
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: where.own, Name: "accesskey-operator"}}
	if err := client.IgnoreNotFound(kube.Delete(s.t.Context(), lease)); err != nil {
		return nil, err
	}
	account.Wrap(s.recorder.wrap)
	options := controller.CacheOptions(where.namespaces)
	if where.service != "" {
		options.ByObject[&v1alpha1.ClusterKeyService{}] = cache.ByObject{Field: fields.OneTermEqualSelector("metadata.name", where.service)}
	}
	mgr, err := ctrl.NewManager(account, ctrl.Options{
		Scheme: controller.Scheme(), Cache: options, Client: controller.ClientOptions(),
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: ptr.To(true)},
		// As in cmd/, but soon enough to be seen.
		LeaderElection: true, LeaderElectionID: "accesskey-operator", LeaderElectionNamespace: where.own, LeaderElectionReleaseOnCancel: true,
		LeaseDuration: ptr.To(3 * time.Second), RenewDeadline: ptr.To(2 * time.Second), RetryPeriod: ptr.To(200 * time.Millisecond),
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := controller.Setup(ctx, mgr, controller.Config{
		Namespaces: where.namespaces, ClusterNamespace: where.own, NamespacedOnly: where.namespacedOnly,
		ResyncPeriod: 10 * time.Minute, Concurrency: 4, Clock: s.clock, NewQueue: s.queue,
	}); err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return func(patience time.Duration) error {
		defer s.recorder.hangUp()
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errStays
		}
	}, nil
}

// queue makes the operator's work queues go by the clock of the story.
func (s *story) queue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{Name: name, Clock: s.clock})
}
