// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package chart tests the Helm chart in dist/chart: what it renders, that a real API server accepts that, and that the operator
// works as the chart installs it.
package chart

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/cluster"
)

var (
	// helm is the path of the Helm CLI.
	helm = os.Getenv("HELM")
	// plane is the control plane of all tests.
	plane *cluster.Cluster
	// kube is a client of the administrator, without a cache.
	kube client.Client
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if helm == "" {
		return 0, errors.New(`HELM is not set; run by make, or set it to the path of bin/helm, which "make helm" builds`)
	}
	if plane, err = cluster.Start(context.Background()); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	if kube, err = client.New(plane.Config, client.Options{Scheme: controller.Scheme()}); err != nil {
		return 0, err
	}
	for _, name := range []string{namespace, "team-a", "team-b"} {
		restricted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
		if err := kube.Create(context.Background(), restricted); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}
