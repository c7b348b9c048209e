// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package metrics exports the state of AccessKeys and key services to Prometheus.
package metrics

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// readTimeout bounds how long a scrape waits for a cache that is still being filled.
const readTimeout = 5 * time.Second

// Collector exports gauges. It computes them from the cache when Prometheus asks for them, so they cost nothing between two scrapes,
// and no series is left behind by an object that is gone. Add it to a manager: it exports nothing until the manager is the leader, so
// that a standby does not export every AccessKey a second time.
type Collector struct {
	// Reader reads from the cache.
	Reader client.Reader
	// Cluster also exports ClusterKeyServices.
	Cluster bool
	// CountKeys adds the keys that a service last listed to the counts of their users. Users that are not in the map are not counted.
	// It reports false if the service has listed no keys yet.
	CountKeys func(service v1alpha1.GenericKeyService, users map[string]int) bool

	leading atomic.Bool
}

// Start implements manager.Runnable.
func (c *Collector) Start(ctx context.Context) error {
	c.leading.Store(true)
	defer c.leading.Store(false)
	<-ctx.Done()
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (c *Collector) NeedLeaderElection() bool { return true }

// Describe implements prometheus.Collector.
func (c *Collector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, description := range descs {
		descriptions <- description
	}
}

// Collect implements prometheus.Collector. If the cache cannot be read, the other metrics of the process are exported nevertheless.
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	if !c.leading.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	if err := c.collect(ctx, output(metrics)); err != nil {
		ctrl.Log.WithName("metrics").Error(err, "Could not read the cache")
	}
}

// collect exports everything. The objects are those of the cache and must not be changed.
func (c *Collector) collect(ctx context.Context, out output) error {
	var accessKeys v1alpha1.AccessKeyList
	if err := c.Reader.List(ctx, &accessKeys, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	users := usersOf{}
	for i := range accessKeys.Items {
		out.accessKey(&accessKeys.Items[i])
		users.add(&accessKeys.Items[i])
	}
	services, err := c.services(ctx)
	if err != nil {
		return err
	}
	for _, service := range services {
		c.keyService(out, service, users[idOf(service)])
	}
	return nil
}

// services returns the KeyServices and ClusterKeyServices.
func (c *Collector) services(ctx context.Context) ([]v1alpha1.GenericKeyService, error) {
	var all []v1alpha1.GenericKeyService
	var namespaced v1alpha1.KeyServiceList
	if err := c.Reader.List(ctx, &namespaced, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	for i := range namespaced.Items {
		all = append(all, &namespaced.Items[i])
	}
	if !c.Cluster {
		return all, nil
	}
	var cluster v1alpha1.ClusterKeyServiceList
	if err := c.Reader.List(ctx, &cluster, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	for i := range cluster.Items {
		all = append(all, &cluster.Items[i])
	}
	return all, nil
}
