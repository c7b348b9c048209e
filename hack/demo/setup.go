// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"accesskey.dev/operator/hack/simulators/process"
	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/cluster"
	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/services"
)

// demo is the state of the demo.
type demo struct {
	start      time.Time
	log        string
	cluster    *cluster.Cluster
	client     client.Client
	simulators *process.Simulators
	services   []service
	stops      []func() error // stop the parts that run, in the order of their start
}

// say prints a line with the time since the start.
func (d *demo) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(d.start).Seconds(), fmt.Sprintf(format, args...))
}

// setUp starts the control plane, the simulators and the manager.
func (d *demo) setUp(ctx context.Context) (err error) {
	log.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	if d.cluster, err = cluster.Start(ctx); err != nil {
		return err
	}
	d.stops = append(d.stops, d.cluster.Stop)
	d.say("control plane: etcd, kube-apiserver and kube-controller-manager run at %s", d.cluster.Config.Host)
	if d.client, err = client.New(d.cluster.Config, client.Options{Scheme: controller.Scheme()}); err != nil {
		return err
	}
	if err := d.startServices(ctx); err != nil {
		return err
	}
	if _, err := d.cluster.Kubectl(ctx, nil, "apply", "-k", "config/default"); err != nil {
		return err
	}
	if _, err := d.cluster.Kubectl(ctx, nil, "wait", "--for=condition=Established", "crd", "--all", "--timeout=2m"); err != nil {
		return err
	}
	d.say("installed: kubectl apply -k config/default")
	manager, err := d.cluster.StartManager(ctx, "bin/manager", d.log)
	if err != nil {
		return err
	}
	d.stops = append(d.stops, manager.Stop)
	d.say("manager: bin/manager runs with the permissions of the ServiceAccount accesskey-system/accesskey-operator")
	return nil
}

// startServices starts the simulators and the S3 server.
func (d *demo) startServices(ctx context.Context) error {
	binary, err := s3.Binary(ctx)
	if err != nil {
		return err
	}
	if d.simulators, err = process.Start(ctx, "--s3-server="+binary); err != nil {
		return err
	}
	d.stops = append(d.stops, d.simulators.Stop)
	for _, row := range services.Kinds() {
		s, err := newService(row.Kind, d.simulators)
		if err != nil {
			return err
		}
		d.services = append(d.services, s)
		d.say("key service: %s", s.introduction())
	}
	d.say("key services: bin/simulators runs all of them; its admin endpoint is %s", d.simulators.URL)
	d.say("data plane: versitygw, a real S3 server, runs at %s; it accepts the keys of the simulated services", d.simulators.S3.Endpoint)
	return nil
}

// stop stops everything that setUp started.
func (d *demo) stop() error {
	var errs []error
	for _, stop := range slices.Backward(d.stops) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}
