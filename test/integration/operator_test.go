// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"flag"
	"io"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/internal/telemetry"
)

const (
	// resync is the operator's resync period in every spec, and its default.
	resync = 10 * time.Minute
	// concurrency is how many AccessKeys the operator works on at once.
	concurrency = 16
)

// start runs an operator that watches only the world's namespaces, with the rights of config/rbac and no others.
func (w *world) start() {
	GinkgoHelper()
	account := rest.CopyConfig(plane.Config)
	account.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:accesskey-system:accesskey-operator",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:accesskey-system", "system:authenticated"},
	}
	account.Wrap(w.requests.count)
	account.Wrap(telemetry.KubeTransport)
	mgr, err := ctrl.NewManager(account, ctrl.Options{
		Scheme:  controller.Scheme(),
		Cache:   controller.CacheOptions(append(w.watched(), w.clusterNamespace)),
		Metrics: metricsserver.Options{BindAddress: "0"},
		// One process has many managers here, one after the other.
		Controller: config.Controller{SkipNameValidation: ptr.To(true)},
		Logger:     zap.New(w.logging()),
	})
	Expect(err).NotTo(HaveOccurred())
	w.queues = &queues{clock: w.clock}
	ctx, cancel := context.WithCancel(context.Background())
	w.cache, w.metrics = mgr.GetCache(), prometheus.NewRegistry()
	Expect(controller.Setup(ctx, mgr, controller.Config{
		ClusterNamespace: w.clusterNamespace,
		ResyncPeriod:     resync,
		Concurrency:      concurrency,
		Clock:            w.clock,
		NewQueue:         w.queues.add,
		Metrics:          w.metrics,
		Tracer:           w.tracer,
	})).To(Succeed())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	w.cancel, w.stopping = cancel, ctx.Done()
	w.stop = func() {
		GinkgoHelper()
		cancel()
		Eventually(ended).Should(Receive(BeNil()), "the operator did not stop in time")
		w.stop = func() {}
	}
	Eventually(mgr.Elected()).Should(BeClosed())
	Expect(mgr.GetCache().WaitForCacheSync(ctx)).To(BeTrue())
}

func (w *world) logging() zap.Opts {
	GinkgoHelper()
	options := zap.Options{Development: true, DestWriter: io.MultiWriter(w.log, GinkgoWriter)}
	var flags flag.FlagSet
	options.BindFlags(&flags)
	Expect(flags.Set("zap-log-level", w.verbosity)).To(Succeed())
	return zap.UseFlagOptions(&options)
}
