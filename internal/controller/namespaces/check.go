// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package namespaces

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"accesskey.dev/operator/api/v1alpha1"
)

// listTimeout bounds one list of the check.
const listTimeout = 10 * time.Second

// remedy is logged with a namespace that the operator cannot read.
const remedy = "create the namespace, and bind the ClusterRole accesskey-operator to the operator's ServiceAccount in it, as config/namespaced does; or remove it from --namespaces"

var unreadable = prometheus.NewGaugeVec(prometheus.GaugeOpts{
	Name: "accesskey_namespace_unreadable",
	Help: "1 if the operator cannot read this namespace of --namespaces, so that its AccessKeys are not served; otherwise 0.",
}, []string{"namespace"})

// Collectors are the metrics of the package, for the manager's registry.
func Collectors() []prometheus.Collector { return []prometheus.Collector{unreadable} }

// Check finds out which namespaces the operator may read. The caches start only when they have read everything, so one namespace
// without permissions would stop all others.
type Check struct {
	// Live reads from the API server.
	Live client.Reader
	// Names of the namespaces.
	Names []string
	// Period is how often the namespaces are checked while the manager runs.
	Period time.Duration
	// Clock can be replaced by tests; nil for the real one.
	Clock clock.WithTicker

	// omitted are the namespaces that the caches do not read.
	omitted map[string]bool

	mu sync.Mutex
	// refusals by namespace, of those that the operator cannot read.
	refusals map[string]error
}

// Readable checks all namespaces and returns those that the caches can read. The manager must be created for these, and for no
// others.
func (c *Check) Readable(ctx context.Context) (names []string) {
	c.omitted, c.refusals = map[string]bool{}, map[string]error{}
	for _, name := range c.Names {
		unreadable.WithLabelValues(name).Set(0)
	}
	c.check(ctx)
	for _, name := range c.Names {
		if c.refusal(name) == nil {
			names = append(names, name)
		} else {
			c.omitted[name] = true
		}
	}
	return names
}

// Start implements manager.Runnable. It checks the namespaces until the manager stops. It returns an error, which ends the manager,
// when a namespace can be read that the caches do not read: the manager has to be started again.
func (c *Check) Start(ctx context.Context) error {
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	ticker := c.Clock.NewTicker(c.Period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
		}
		c.check(ctx)
		for _, name := range c.Names {
			if c.omitted[name] && c.refusal(name) == nil {
				return fmt.Errorf("namespace %s can be read now, which it could not when the manager started; the manager ends, and serves the namespace when it is started again", name)
			}
		}
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: a standby has caches, too.
func (c *Check) NeedLeaderElection() bool { return false }

// Ready returns a readiness check of one namespace.
func (c *Check) Ready(name string) healthz.Checker {
	return func(*http.Request) error { return c.refusal(name) }
}

func (c *Check) refusal(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refusals[name]
}

// check reads every namespace, and reports what changed. Only a refusal counts: any other error is not about the namespace, and
// the caches retry it.
func (c *Check) check(ctx context.Context) {
	for _, name := range c.Names {
		err := c.read(ctx, name)
		if err == nil || apierrors.IsForbidden(err) {
			c.report(ctx, name, err)
		}
	}
}

func (c *Check) report(ctx context.Context, name string, refusal error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	former := c.refusals[name]
	c.refusals[name] = refusal
	logger := ctrl.LoggerFrom(ctx).WithName("namespaces").WithValues("namespace", name)
	switch {
	case refusal != nil && former == nil:
		unreadable.WithLabelValues(name).Set(1)
		logger.Error(refusal, "Could not read a namespace. Its AccessKeys are not served; those of other namespaces are", "remedy", remedy)
	case refusal == nil && former != nil:
		unreadable.WithLabelValues(name).Set(0)
		logger.Info("Could read a namespace again")
	}
}

// read lists one object of each kind that the caches read in a namespace.
func (c *Check) read(ctx context.Context, namespace string) error {
	for _, list := range []client.ObjectList{&v1alpha1.AccessKeyList{}, &v1alpha1.KeyServiceList{}, secretList()} {
		ctx, cancel := context.WithTimeout(ctx, listTimeout)
		err := c.Live.List(ctx, list, client.InNamespace(namespace), client.Limit(1))
		cancel()
		if err != nil {
			return fmt.Errorf("reading namespace %s: %w", namespace, err)
		}
	}
	return nil
}
