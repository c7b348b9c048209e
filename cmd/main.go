// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// The manager of accesskey-operator.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/internal/controller/accesskey"
	"accesskey.dev/operator/internal/controller/namespaces"
	"accesskey.dev/operator/internal/telemetry"
)

// defaultNamespace is the operator's namespace unless POD_NAMESPACE names another one.
const defaultNamespace = "accesskey-system"

// bodies is the verbosity from which the Kubernetes client logs requests and responses, including Secrets.
const bodies = 8

// Leader election: another manager takes over when the leader has not renewed its lease for leaseDuration, and a leader
// that can't renew it stops after renewDeadline.
const (
	leaseName     = "accesskey-operator"
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	// retryPeriod bounds a hand-over: a standby reads the lease again after up to 2.2 times that (client-go's jitter), so it
	// leads 19.4 s after the leader's last renewal at the latest.
	retryPeriod = time.Second
)

// stopTimeout is how long a manager that is asked to stop waits for its reconciliations. It is longer than any of them, so that a
// key that was just created is still published. The Deployment's terminationGracePeriodSeconds must be longer.
const stopTimeout = accesskey.ScopeTimeout + 10*time.Second

// flushTimeout bounds how long a manager that has stopped waits for the collector of its traces.
const flushTimeout = 5 * time.Second

// checkPeriod is how often the namespaces of --namespaces are checked, unless --resync-period is shorter.
const checkPeriod = time.Minute

// options are the flags.
type options struct {
	version      bool
	leaderElect  bool
	metrics      metricsOptions
	healthProbe  string
	pprof        string
	namespaces   string
	concurrency  int
	resyncPeriod time.Duration
	kubeAPIQPS   float64
	logging      zap.Options
	// tracer is what the environment asks for; nil for none.
	tracer *telemetry.Tracer
}

func parse(flags *flag.FlagSet, arguments []string) (options, error) {
	var o options
	flags.BoolVar(&o.version, "version", false, "Print the version, the commit and the date of the commit, and exit.")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "Enable leader election: only one replica is active at a time.")
	o.metrics.bind(flags)
	flags.StringVar(&o.healthProbe, "health-probe-bind-address", ":8081", "Address of /healthz and /readyz; 0 for none.")
	flags.StringVar(&o.pprof, "pprof-bind-address", "0", "Address of Go's profiler (HTTP, without authentication), such as 127.0.0.1:6060; 0 for none.")
	flags.StringVar(&o.namespaces, "namespaces", "", "Namespaces to watch, separated by commas; ClusterKeyServices are not served then. Empty for the whole cluster.")
	flags.IntVar(&o.concurrency, "max-concurrent-reconciles", 64, "AccessKeys that are reconciled at the same time. A KeyService gets a quarter of them.")
	flags.DurationVar(&o.resyncPeriod, "resync-period", 10*time.Minute, "How often the keys are compared with what the services list.")
	flags.Float64Var(&o.kubeAPIQPS, "kube-api-qps", -1, "Requests per second to the API server; -1 leaves throttling to the API server.")
	o.logging.BindFlags(flags)
	flags.Lookup("zap-time-encoding").Usage = "Time encoding of the log: epoch, millis, nano, iso8601, rfc3339 or rfc3339nano. Defaults to rfc3339." // zap.Options names another default
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: flags only", flags.Arg(0))
	case o.concurrency < 1:
		return o, fmt.Errorf("--max-concurrent-reconciles must be at least 1, not %d", o.concurrency)
	case o.resyncPeriod < time.Second:
		return o, fmt.Errorf("--resync-period must be at least 1s, not %s", o.resyncPeriod)
	case o.kubeAPIQPS != -1 && !(o.kubeAPIQPS > 0):
		return o, errors.New("--kube-api-qps must be positive, or -1 for no limit")
	case o.logging.Level != nil && o.logging.Level.Enabled(-bodies):
		return o, fmt.Errorf("--zap-log-level must be below %d: from that level on, the Kubernetes client logs the Secrets that it reads and writes", bodies)
	}
	return o, o.metrics.check()
}

func main() {
	if err := run(ctrl.SetupSignalHandler(), flag.CommandLine, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "manager: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, flags *flag.FlagSet, arguments []string) error {
	o, err := parse(flags, arguments)
	if err != nil {
		return err
	}
	if o.version {
		_, err := fmt.Println(build())
		return err
	}
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.logging)))
	ctrl.Log.Info("Started " + build())
	for _, collector := range collectors() {
		if err := metrics.Registry.Register(collector); err != nil {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server (--kubeconfig, $KUBECONFIG or in the cluster): %w", err)
	}
	tracer, stop, err := telemetry.New(ctx, operatorVersion(), ctrl.Log.WithName("traces"))
	if err != nil {
		return err
	}
	o.tracer = tracer
	defer flush(ctx, stop)
	configure(config, o)
	if names := split(o.namespaces); len(names) > 0 {
		return runIn(ctx, names, config, o)
	}
	mgr, err := newManager(config, o, nil)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	if err := controller.Setup(ctx, mgr, o.controllers(operatorNamespace())); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// flush sends the traces that are left.
func flush(ctx context.Context, stop func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := stop(ctx); err != nil {
		ctrl.Log.Info("Could not send the last traces", "error", err.Error())
	}
}

// runIn runs the manager in some namespaces. It serves those that it can read, and reports the others.
func runIn(ctx context.Context, names []string, config *rest.Config, o options) error {
	live, err := client.New(config, client.Options{Scheme: controller.Scheme()})
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	check := &namespaces.Check{Live: live, Names: names, Period: min(checkPeriod, o.resyncPeriod)}
	readable := check.Readable(ctx)
	mgr, err := newManager(config, o, readable)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	for _, name := range names {
		if err := mgr.AddReadyzCheck("namespace-"+name, check.Ready(name)); err != nil {
			return err
		}
	}
	if err := mgr.Add(check); err != nil {
		return err
	}
	if len(readable) > 0 { // without namespaces, the caches would read the whole cluster
		// ClusterKeyServices need the labels of namespaces, which RoleBindings cannot grant.
		if err := controller.Setup(ctx, mgr, o.controllers("")); err != nil {
			return err
		}
	}
	return mgr.Start(ctx)
}

func (o options) controllers(clusterNamespace string) controller.Config {
	return controller.Config{ClusterNamespace: clusterNamespace, ResyncPeriod: o.resyncPeriod, Concurrency: o.concurrency, Metrics: metrics.Registry, Tracer: o.tracer}
}

// configure sets how the operator connects to the API server.
func configure(config *rest.Config, o options) {
	config.QPS = float32(o.kubeAPIQPS)
	config.Burst = int(2 * o.kubeAPIQPS)
	config.UserAgent = "accesskey-operator/" + operatorVersion()
	if o.tracer != nil {
		config.Wrap(telemetry.KubeTransport)
	}
}

// newManager returns a manager whose caches read these namespaces, or the whole cluster if there are none.
func newManager(config *rest.Config, o options, namespaces []string) (manager.Manager, error) {
	mgr, err := ctrl.NewManager(config, managerOptions(o, namespaces))
	if err != nil {
		return nil, err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	if err := mgr.AddReadyzCheck("caches", cachesFilled(mgr.GetCache())); err != nil {
		return nil, err
	}
	return mgr, mgr.AddReadyzCheck("ping", healthz.Ping)
}

// cacheTimeout is how long a probe waits for the caches: less than a probe of Kubernetes takes by default.
const cacheTimeout = 500 * time.Millisecond

// cachesFilled reports whether the caches have all objects, so that the manager works or can take over at once.
func cachesFilled(caches cache.Cache) healthz.Checker {
	return func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), cacheTimeout)
		defer cancel()
		if !caches.WaitForCacheSync(ctx) {
			return errors.New("the caches are not filled yet; if that lasts, the log says what the API server refuses")
		}
		return nil
	}
}

func managerOptions(o options, namespaces []string) ctrl.Options {
	return ctrl.Options{
		Scheme:                  controller.Scheme(),
		Cache:                   controller.CacheOptions(namespaces),
		Metrics:                 o.metrics.server(),
		HealthProbeBindAddress:  o.healthProbe,
		PprofBindAddress:        o.pprof,
		LeaderElection:          o.leaderElect,
		LeaderElectionID:        leaseName,
		LeaderElectionNamespace: operatorNamespace(),
		LeaseDuration:           ptr.To(leaseDuration),
		RenewDeadline:           ptr.To(renewDeadline),
		RetryPeriod:             ptr.To(retryPeriod),
		// The process ends when the manager does, so the lease can be released at once.
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       ptr.To(stopTimeout),
	}
}

// split returns the names in a list that is separated by commas, each once.
func split(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func operatorNamespace() string {
	if namespace := os.Getenv("POD_NAMESPACE"); namespace != "" {
		return namespace
	}
	return defaultNamespace
}
