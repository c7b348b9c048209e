// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rights tests the permissions that config/ grants: the operator uses each of them and needs no others.
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
	// plane is the control plane of all tests. config/default is installed on it.
	plane *cluster.Cluster
	// kube is a client of the administrator, without a cache.
	kube client.Client
	// reader is the token of a ServiceAccount that may read metrics, and stranger that of one that may not.
	reader, stranger string
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	// Without this, caches start with a streaming watch. API servers that do not support it need the right to list as well.
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
	if err := createReader(ctx); err != nil {
		return 0, err
	}
	return m.Run(), nil
}
