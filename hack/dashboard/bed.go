// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"accesskey.dev/operator/hack/simulators/process"
	"accesskey.dev/operator/test/cluster"
	"accesskey.dev/operator/test/simulator"
)

// bed is everything that runs: a control plane, the simulated key services, a manager, and a Prometheus that scrapes it.
type bed struct {
	directory  string
	started    time.Time
	cluster    *cluster.Cluster
	simulators *process.Simulators
	prometheus *prometheus
	stops      []func() error
}

func (b *bed) say(format string, arguments ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(b.started).Seconds(), fmt.Sprintf(format, arguments...))
}

func (b *bed) start(ctx context.Context) (err error) {
	log.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	b.started = time.Now()
	if b.directory, err = os.MkdirTemp("", "accesskey-dashboard-"); err != nil {
		return err
	}
	if b.cluster, err = cluster.Start(ctx, "config/crd/bases"); err != nil {
		return err
	}
	b.stops = append(b.stops, b.cluster.Stop)
	if b.simulators, err = process.Start(ctx, "--qumulo-users=16"); err != nil {
		return err
	}
	b.stops = append(b.stops, b.simulators.Stop)
	for _, arguments := range []string{
		"apply -k config/default",
		"create serviceaccount prometheus --namespace=accesskey-system",
		"create clusterrolebinding prometheus --clusterrole=accesskey-operator-metrics-reader --serviceaccount=accesskey-system:prometheus",
	} {
		if _, err := b.kubectl(ctx, "", strings.Fields(arguments)...); err != nil {
			return err
		}
	}
	address, err := simulator.FreeAddress()
	if err != nil {
		return err
	}
	manager, err := b.cluster.StartManager(ctx, "bin/manager", filepath.Join(b.directory, "manager.log"),
		"--leader-elect", "--metrics-bind-address="+address, "--resync-period=10s")
	if err != nil {
		return err
	}
	b.stops = append(b.stops, manager.Stop)
	return b.startPrometheus(ctx, address)
}

func (b *bed) startPrometheus(ctx context.Context, target string) error {
	token, err := b.kubectl(ctx, "", "create", "token", "prometheus", "--namespace=accesskey-system", "--duration=1h")
	if err != nil {
		return err
	}
	if b.prometheus, err = startPrometheus(ctx, b.directory, target, strings.TrimSpace(token)); err != nil {
		return err
	}
	b.stops = append(b.stops, b.prometheus.stop)
	b.say("a manager runs at %s, and a Prometheus that scrapes it at %s", target, b.prometheus.url)
	return nil
}

func (b *bed) stop() error {
	var errs []error
	for _, stop := range slices.Backward(b.stops) {
		errs = append(errs, stop())
	}
	return errors.Join(append(errs, os.RemoveAll(b.directory))...)
}

func (b *bed) kubectl(ctx context.Context, stdin string, arguments ...string) (string, error) {
	return b.cluster.Kubectl(ctx, []byte(stdin), arguments...)
}
