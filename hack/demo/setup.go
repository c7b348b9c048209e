// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"accesskey.dev/operator/hack/simulators/process"
	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/cluster"
)

// demo is what runs.
type demo struct {
	start      time.Time
	log        string
	cluster    *cluster.Cluster
	client     client.Client
	simulators *process.Simulators
	services   []service
	manager    *cluster.Manager
}

// say prints a line with the time since the start.
func (d *demo) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(d.start).Seconds(), fmt.Sprintf(format, args...))
}

func (d *demo) setUp(ctx context.Context) (err error) {
	log.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	if d.cluster, err = cluster.Start(ctx); err != nil {
		return err
	}
	d.say("control plane: etcd, kube-apiserver and kube-controller-manager are up at %s", d.cluster.Config.Host)
	if d.client, err = client.New(d.cluster.Config, client.Options{Scheme: controller.Scheme()}); err != nil {
		return err
	}
	if d.simulators, err = process.Start(ctx); err != nil {
		return err
	}
	for _, name := range names {
		s := service{name, d.simulators.Accounts[name]}
		d.services = append(d.services, s)
		d.say("key service: a simulated %s answers at %s", s.name, s.account.Spec["url"])
	}
	d.say("key services: bin/simulators serves all four, and tells about them at %s", d.simulators.URL)
	if _, err := d.cluster.Kubectl(ctx, nil, "apply", "-k", "config/default"); err != nil {
		return err
	}
	if _, err := d.cluster.Kubectl(ctx, nil, "wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"); err != nil {
		return err
	}
	d.say("installed: kubectl apply -k config/default")
	if d.manager, err = d.cluster.StartManager(ctx, "bin/manager", d.log); err != nil {
		return err
	}
	d.say("manager: bin/manager runs as ServiceAccount accesskey-system/accesskey-operator, with its rights only")
	return nil
}

func (d *demo) stop() error {
	var errs []error
	if d.manager != nil {
		errs = append(errs, d.manager.Stop())
	}
	if d.simulators != nil {
		errs = append(errs, d.simulators.Stop())
	}
	if d.cluster != nil {
		errs = append(errs, d.cluster.Stop())
	}
	return errors.Join(errs...)
}
