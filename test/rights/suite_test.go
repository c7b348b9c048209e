// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rights holds the operator to the rights that config/ gives it: it works with them and with no fewer, and it asks
// for nothing else.
package rights

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/cluster"
)

var (
	// plane is a control plane on which config/default is installed.
	plane *cluster.Cluster
	// kube is an administrator's client, without a cache.
	kube client.Client
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	// Not every API server can stream what a cache begins with. To the others it is a list, which takes one right more.
	if err := os.Setenv("KUBE_FEATURE_WatchListClient", "false"); err != nil {
		panic(err)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if plane, err = cluster.Start(ctx, "../../config/crd/bases"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	if kube, err = client.New(plane.Config, client.Options{Scheme: controller.Scheme()}); err != nil {
		return 0, err
	}
	if _, err := plane.Kubectl(ctx, nil, "apply", "-k", "../../config/default"); err != nil {
		return 0, err
	}
	return m.Run(), nil
}
