// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package replicas runs several managers as processes on a real API server: a leader and its standby.
package replicas

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/cluster"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

const namespace = "team-a"

// world is an API server on which an overlay is installed, a simulated service, and the managers as processes.
type world struct {
	testing.TB
	plane   *cluster.Cluster
	kube    client.Client
	service *qumulo.Simulator
	server  *simulator.Server
	binary  string
	logs    string
}

func newWorld(t testing.TB, overlay string, latency time.Duration) *world {
	t.Helper()
	log.SetLogger(logr.Discard())
	w := &world{TB: t, service: qumulo.New(qumulo.Options{Clock: clock.RealClock{}}), logs: t.TempDir()}
	var err error
	w.plane, err = cluster.Start(t.Context(), "../../config/crd/bases")
	w.must(err)
	t.Cleanup(func() {
		if err := w.plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	w.kube, err = client.New(w.plane.Config, client.Options{Scheme: controller.Scheme()})
	w.must(err)
	_, err = w.plane.Kubectl(t.Context(), nil, "apply", "-k", overlay)
	w.must(err)
	w.server, err = simulator.Serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		w.service.ServeHTTP(rw, r)
	}))
	w.must(err)
	t.Cleanup(func() { _ = w.server.Close() }) // nothing of it is needed any more
	w.binary = filepath.Join(t.TempDir(), "manager")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", w.binary, "./cmd")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the manager: %v: %s", err, out)
	}
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	w.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "token"},
		StringData: map[string]string{"token": w.service.AddToken(time.Time{})},
	})
	w.addService("qumulo")
	return w
}

func (w *world) addService(name string) {
	w.Helper()
	w.create(&v1alpha1.KeyService{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.KeyServiceSpec{
			Qumulo:    &v1alpha1.QumuloService{URL: w.server.URL, TokenSecretRef: &v1alpha1.TokenReference{Name: "token", Key: "token"}},
			TLS:       &v1alpha1.TLS{CABundle: string(w.server.CA)},
			RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000},
		},
	})
}

// addAccessKey of a user of its own.
func (w *world) addAccessKey(name, service string) {
	w.Helper()
	w.service.AddUser(name)
	w.create(&v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: service},
			User:       "local:" + name,
		},
	})
}

func (w *world) create(object client.Object) {
	w.Helper()
	w.must(w.kube.Create(context.Background(), object))
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// process is a manager with its log.
type process struct {
	*cluster.Manager
	log string
}

func (w *world) start(name string, arguments ...string) *process {
	w.Helper()
	p := &process{log: filepath.Join(w.logs, name+".log")}
	var err error
	p.Manager, err = w.plane.StartManager(w.Context(), w.binary, p.log, append(arguments, "--zap-log-level=2")...) // up to 1 the log is sampled
	w.must(err)
	w.Cleanup(func() {
		p.Kill()
		if w.Failed() {
			said, _ := os.ReadFile(p.log) // there is nothing to tell of one that said nothing
			w.Logf("%s said at last:\n%s", name, said[max(0, len(said)-4000):])
		}
	})
	return p
}

// said reports whether the manager says of a lease that it acquired it, or whatever is asked.
func (w *world) said(p *process, what, lease string) bool {
	w.Helper()
	said, err := os.ReadFile(p.log)
	w.must(err)
	for line := range strings.Lines(string(said)) {
		if strings.Contains(strings.ToLower(line), what) && regexp.MustCompile(`accesskey-system/`+lease+`\W`).MatchString(line) {
			return true
		}
	}
	return false
}

// until waits for a condition, and tells how long it took.
func (w *world) until(limit time.Duration, what string, condition func() bool) time.Duration {
	w.Helper()
	began := time.Now()
	for !condition() {
		if time.Since(began) > limit {
			w.Fatalf("waited %s in vain for %s", limit, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

// issued are how many AccessKeys are ready and have handled a renewal token.
func (w *world) issued(token string) (count int) {
	w.Helper()
	var all v1alpha1.AccessKeyList
	w.must(w.kube.List(context.Background(), &all, client.InNamespace(namespace)))
	for i := range all.Items {
		status := &all.Items[i].Status
		if meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady) && status.Intent == nil && status.LastHandledRenewal == token {
			count++
		}
	}
	return count
}

// renew asks for a renewal of every AccessKey.
func (w *world) renew(names []string, token string) {
	w.Helper()
	for _, name := range names {
		ak := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.RenewAnnotation, token)
		w.must(w.kube.Patch(context.Background(), ak, client.RawPatch("application/merge-patch+json", patch)))
	}
}
