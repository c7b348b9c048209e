// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli runs the kubectl plugin against a real API server, as a user who may edit a namespace. The operator runs in the same process,
// with the rights of config/, at simulated key services.
package cli

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/cluster"
)

var (
	// plane is the control plane that all specs share; each has a namespace of its own in it.
	plane *cluster.Cluster
	// kube is a client of the administrator, without a cache.
	kube client.Client
)

func TestCLI(t *testing.T) {
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(30 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "CLI")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	log.SetLogger(GinkgoLogr)
	var err error
	plane, err = cluster.Start(ctx, "../../config/crd/bases")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	kube, err = client.New(plane.Config, client.Options{Scheme: controller.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	_, err = plane.Kubectl(ctx, nil, "apply", "-k", "../../config/default")
	Expect(err).NotTo(HaveOccurred())
	startOperator()
})

// startOperator runs an operator for the whole cluster, on the real clock, until the suite ends.
func startOperator() {
	account := rest.CopyConfig(plane.Config)
	account.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:accesskey-system:accesskey-operator",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:accesskey-system", "system:authenticated"},
	}
	mgr, err := ctrl.NewManager(account, ctrl.Options{
		Scheme: controller.Scheme(), Cache: controller.CacheOptions(nil), Metrics: metricsserver.Options{BindAddress: "0"},
	})
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	Expect(controller.Setup(ctx, mgr, controller.Config{ClusterNamespace: "accesskey-system", ResyncPeriod: 10 * time.Minute, Concurrency: 8})).To(Succeed())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	DeferCleanup(func() {
		cancel()
		Eventually(ended).Should(Receive(BeNil()), "the operator did not stop in time")
	})
	Expect(mgr.GetCache().WaitForCacheSync(ctx)).To(BeTrue())
}
