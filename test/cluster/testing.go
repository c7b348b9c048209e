// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"accesskey.dev/operator/internal/controller"
)

// StartFor starts a control plane that stops when the test ends, and returns it with a client of the administrator.
func StartFor(t testing.TB, crds ...string) (*Cluster, client.Client) {
	t.Helper()
	log.SetLogger(logr.Discard())
	c, err := Start(t.Context(), crds...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	kube, err := client.New(c.Config, client.Options{Scheme: controller.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c, kube
}
