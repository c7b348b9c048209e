// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/go-logr/logr"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/cluster"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// user of the sample at the simulated service.
const user = "local:backup"

// demo is what runs.
type demo struct {
	start   time.Time
	log     string
	cluster *cluster.Cluster
	client  client.Client
	service *qumulo.Simulator
	server  *simulator.Server
	manager *cluster.Manager
	token   string
}

// say prints a line with the time since the start.
func (d *demo) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(d.start).Seconds(), fmt.Sprintf(format, args...))
}

func (d *demo) setUp(ctx context.Context) (err error) {
	log.SetLogger(logr.Discard())
	if d.cluster, err = cluster.Start(ctx); err != nil {
		return err
	}
	d.say("control plane: etcd, kube-apiserver and kube-controller-manager are up at %s", d.cluster.Config.Host)
	if d.client, err = client.New(d.cluster.Config, client.Options{Scheme: controller.Scheme()}); err != nil {
		return err
	}
	d.service = qumulo.New(qumulo.Options{})
	d.service.AddUser(strings.TrimPrefix(user, "local:"))
	d.token = d.service.AddToken(time.Time{})
	if d.server, err = simulator.Serve(d.service); err != nil {
		return err
	}
	d.say("key service: a simulated Qumulo cluster answers at %s", d.server.URL)
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
	if d.server != nil {
		errs = append(errs, d.server.Close())
	}
	if d.cluster != nil {
		errs = append(errs, d.cluster.Stop())
	}
	return errors.Join(errs...)
}

// apply applies the sample, pointed at the simulator and with a life that a demo can wait for.
func (d *demo) apply(ctx context.Context) error {
	sample, err := os.ReadFile("config/samples/qumulo.yaml")
	if err != nil {
		return err
	}
	manifest := strings.NewReplacer(
		"access-v1:REPLACE-ME", d.token,
		"https://qumulo.example:8000", d.server.URL,
		"ttl: 720h", "ttl: 1m",
		"renewBefore: 240h", "renewBefore: 25s",
	).Replace(string(sample))
	ca := fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: qumulo-ca}\nstringData:\n  ca.crt: %q\n---\n", d.server.CA)
	_, err = d.cluster.Kubectl(ctx, []byte(ca+manifest), "apply", "-f", "-")
	return err
}
