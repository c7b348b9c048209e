// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"maps"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/telemetry"
	"accesskey.dev/operator/test/dataplane"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

const (
	// alice is the user of the AccessKeys, unless they say otherwise.
	alice = "local:alice"
	// serviceName names the KeyService, credentials and authority the Secrets that it refers to.
	serviceName = "qumulo"
	credentials = "credentials"
	authority   = "authority"
	// tick is how far the clock moves each time that a spec looks at the world.
	tick = 50 * time.Millisecond
)

// world is what one spec has to itself: a namespace, a clock, a Qumulo cluster and an operator.
type world struct {
	namespace, clusterNamespace string
	// neighbours are more namespaces that the operator works in.
	neighbours []string

	clock   *testclock.FakeClock
	service *qumulo.Simulator
	server  *simulator.Server
	token   string
	// plane is the data plane of the key services.
	plane       *dataplane.Plane
	planeServer *simulator.Server
	// clusterID is the ID of the cluster, aliceID that of the user alice there.
	clusterID, aliceID string

	queues   *queues
	requests *requests
	// cancel tells the operator to stop; stop waits until it has. stopping is closed then; it is nil before the operator has started.
	cancel, stop func()
	stopping     <-chan struct{}
	log          *gbytes.Buffer
	// verbosity of the log, as --zap-log-level has it.
	verbosity string
	// metrics of the operator that are computed from its cache.
	metrics *prometheus.Registry
	// tracer of the operator; nil for none.
	tracer *telemetry.Tracer
	// cache of the operator: the objects that it watches, of Secrets and Namespaces only the metadata.
	cache cache.Cache

	// services are all key services of the world; service is the first.
	services []keyServer
	// seen are the secret values that the spec came across, which must show nowhere but in Secrets.
	seen []string
	// excused are the keys that a spec leaves unrecorded, or lets the operator delete, on purpose.
	excused map[string]bool
}

// newWorld makes a world with a user, a KeyService and a running operator. Its end checks what every spec promises.
func newWorld(ctx SpecContext) *world {
	GinkgoHelper()
	w := newBareWorld(ctx)
	w.createService(ctx)
	return w
}

// newBareWorld makes a world without a KeyService.
func newBareWorld(ctx SpecContext) *world {
	GinkgoHelper()
	w := newStoppedWorld(ctx)
	w.start()
	return w
}

// newStoppedWorld makes a world without a KeyService, in which the operator does not run yet.
func newStoppedWorld(ctx SpecContext) *world {
	GinkgoHelper()
	w := &world{log: gbytes.NewBuffer(), verbosity: "debug", requests: &requests{}, excused: map[string]bool{}, stop: func() {}}
	// AccessKeys are dated by the API server, by the real clock.
	w.clock = testclock.NewFakeClock(time.Now())
	w.namespace, w.clusterNamespace = w.newNamespace(ctx), w.newNamespace(ctx)
	w.service, w.server = w.newService()
	w.servePlane()
	w.token = w.service.AddToken(time.Time{})
	w.seen = append(w.seen, w.token, qumulo.DefaultPassword)
	DeferCleanup(func(ctx SpecContext) {
		defer w.stop()
		w.expectPromises(ctx)
	})
	return w
}

// newService makes a Qumulo cluster with the user alice.
func (w *world) newService() (*qumulo.Simulator, *simulator.Server) {
	GinkgoHelper()
	clusterID := string(uuid.NewUUID())
	service := qumulo.New(qumulo.Options{Clock: w.clock, ClusterID: clusterID})
	aliceID := service.AddUser("alice")
	if w.service == nil {
		w.clusterID, w.aliceID = clusterID, aliceID
	}
	server, err := simulator.Serve(service)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Close)
	w.services = append(w.services, service)
	return service, server
}

// servePlane starts the data plane.
func (w *world) servePlane() {
	GinkgoHelper()
	w.plane = &dataplane.Plane{Now: w.clock.Now, Services: func() []dataplane.Service {
		services := make([]dataplane.Service, 0, len(w.services))
		for _, service := range w.services {
			services = append(services, service)
		}
		return services
	}}
	var err error
	w.planeServer, err = simulator.Serve(w.plane)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(w.planeServer.Close)
}

// s3 is the data plane as a KeyService has it.
func (w *world) s3() *v1alpha1.S3 {
	return &v1alpha1.S3{Endpoint: w.planeServer.URL, Region: "us-east-1", TLS: &v1alpha1.TLS{CABundle: string(w.planeServer.CA)}}
}

func (w *world) newNamespace(ctx SpecContext) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "spec-"}}
	Expect(kube.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}

// eventually waits until the checks hold. The time goes on meanwhile, so that what waits a moment comes to its turn.
func (w *world) eventually(ctx SpecContext, checks func(g Gomega)) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		w.clock.Step(tick)
		checks(g)
	}).Should(Succeed())
}

// consistently expects the checks to hold for a while. The time stands still.
func (w *world) consistently(ctx SpecContext, checks func(g Gomega)) {
	GinkgoHelper()
	Consistently(ctx, checks).Should(Succeed())
}

// step lets the operator finish what it is at, and moves the clock.
func (w *world) step(ctx SpecContext, d time.Duration) {
	GinkgoHelper()
	w.settle(ctx)
	w.clock.Step(d)
}

// stepTo moves the clock to a moment.
func (w *world) stepTo(ctx SpecContext, at time.Time) {
	GinkgoHelper()
	w.settle(ctx)
	Expect(w.clock.Now()).To(BeTemporally("<=", at), "the clock only goes forward")
	w.clock.SetTime(at)
}

// stepToAttempt moves the clock to the next attempt after an AccessKey's failure, unless it has come already.
func (w *world) stepToAttempt(ctx SpecContext, name string) {
	GinkgoHelper()
	w.settle(ctx)
	if failures := w.accessKey(ctx, name).Status.Failures; failures != nil && failures.NextAttempt.After(w.clock.Now()) {
		w.clock.SetTime(failures.NextAttempt.Time)
	}
}

// settle waits until the operator has seen what there is, and has nothing to do. On a slow machine it learns late of a change.
func (w *world) settle(ctx SpecContext) {
	GinkgoHelper()
	if w.stopping == nil {
		return
	}
	Eventually(ctx, func() bool {
		before := w.causes(ctx, kube)
		seen := w.isStopping() || maps.Equal(before, w.causes(ctx, w.cache))
		w.calms(ctx, func() bool { return !w.queues.busy() })
		return seen && maps.Equal(before, w.causes(ctx, kube))
	}).Should(BeTrue(), "the operator does not come to rest")
}

func (w *world) isStopping() bool {
	select {
	case <-w.stopping:
		return true
	default:
		return false
	}
}

// calms waits until it is calm for a few looks in a row.
func (w *world) calms(ctx SpecContext, calm func() bool) {
	GinkgoHelper()
	const looks = 5
	quiet := 0
	Eventually(ctx, func() int {
		quiet++
		if !calm() {
			quiet = 0
		}
		return quiet
	}).Should(BeNumerically(">=", looks))
}

// create creates objects in the world's namespace, unless they name another.
func (w *world) create(ctx SpecContext, objects ...client.Object) {
	GinkgoHelper()
	for _, object := range objects {
		if object.GetNamespace() == "" {
			object.SetNamespace(w.namespace)
		}
		Expect(kube.Create(ctx, object)).To(Succeed())
	}
}

// watched are the namespaces that the operator works in.
func (w *world) watched() []string { return append([]string{w.namespace}, w.neighbours...) }

func (w *world) named(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: w.namespace, Name: name}
}
