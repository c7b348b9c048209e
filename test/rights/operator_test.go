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

// account sets the identity with which an operator connects to the API server.
type account = func(config *rest.Config)

// token returns an account that uses a bearer token of the operator's ServiceAccount, as a Pod does.
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

// impersonated returns an account of an administrator who impersonates this user.
func impersonated(name string) account {
	return func(config *rest.Config) {
		config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"system:authenticated"}}
	}
}

// scope is the part of the cluster in which an operator works.
type scope struct {
	// namespaces are the namespaces of the AccessKeys. An empty list is the whole cluster.
	namespaces []string
	// service is the only ClusterKeyService that the operator sees. If it is empty, the operator sees all of them.
	service string
	// own is the operator's own namespace, with the lease and the Secrets of ClusterKeyServices.
	own            string
	namespacedOnly bool
}

// errStays is the error of an operator that did not stop in time.
var errStays = errors.New("the operator did not stop in time")

// start runs an operator as cmd/ does, but on the clock of the story, until the returned function is called.
func (s *story) start(as account, where scope) (stop func(patience time.Duration) error, err error) {
	account := rest.CopyConfig(plane.Config)
	as(account)
	// The operator is the first one in its namespace: it finds nothing that an earlier operator has left there.
	for _, left := range []client.Object{&coordinationv1.Lease{}} {
		if err := kube.DeleteAllOf(s.t.Context(), left, client.InNamespace(where.own)); err != nil {
			return nil, err
		}
	}
	account.Wrap(s.recorder.wrap)
	namespaces, setup := where.namespaces, controller.Config{ResyncPeriod: 10 * time.Minute, Concurrency: 4, Clock: s.clock, NewQueue: s.queue}
	if !where.namespacedOnly {
		setup.ClusterNamespace = where.own
	}
	if len(namespaces) > 0 && !where.namespacedOnly {
		namespaces = append([]string{where.own}, namespaces...)
	}
	options := controller.CacheOptions(namespaces)
	if where.service != "" {
		options.ByObject[&v1alpha1.ClusterKeyService{}] = cache.ByObject{Field: fields.OneTermEqualSelector("metadata.name", where.service)}
	}
	mgr, err := ctrl.NewManager(account, ctrl.Options{
		Scheme: controller.Scheme(), Cache: options,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: ptr.To(true)},
		// As in cmd/, but retried so often that the test sees every request, and kept on a slow machine.
		LeaderElection: true, LeaderElectionID: "accesskey-operator", LeaderElectionNamespace: where.own, LeaderElectionReleaseOnCancel: true,
		LeaseDuration: ptr.To(2 * time.Minute), RenewDeadline: ptr.To(time.Minute), RetryPeriod: ptr.To(200 * time.Millisecond),
	})
	if err != nil {
		return nil, err
	}
	if err := s.serveMetrics(mgr); err != nil {
		return nil, err
	}
	s.events = mgr.GetEventRecorder("accesskey-operator")
	ctx, cancel := context.WithCancel(context.Background())
	s.t.Cleanup(cancel) // a test that fails does not stop the operator, whose watches would keep the API server from stopping
	s.t.Cleanup(s.recorder.hangUp)
	if err := controller.Setup(ctx, mgr, setup); err != nil {
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

// queue creates a work queue that uses the clock of the story.
func (s *story) queue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{Name: name, Clock: s.clock})
}
