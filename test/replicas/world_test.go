// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package replicas tests several managers, which run as processes, on a real API server: a leader and its standby.
package replicas

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/cluster"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

const namespace = "team-a"

// world is an API server with the installed operator, and a simulated service.
type world struct {
	testing.TB
	plane   *cluster.Cluster
	kube    client.Client
	service *qumulo.Simulator
	binary  string
	logs    string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, service: qumulo.New(qumulo.Options{}), logs: t.TempDir()}
	w.plane, w.kube = cluster.StartFor(t, "../../config/crd/bases")
	_, err := w.plane.Kubectl(t.Context(), nil, "apply", "-k", "../../config/default")
	w.must(err)
	server, err := simulator.Serve(w.service)
	w.must(err)
	t.Cleanup(func() { _ = server.Close() }) // the test is over
	w.binary, err = cluster.BuildManager(t.Context(), t.TempDir())
	w.must(err)
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	w.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "token"},
		StringData: map[string]string{"token": w.service.AddToken(time.Time{})},
	})
	w.create(&v1alpha1.KeyService{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "qumulo"},
		Spec: v1alpha1.KeyServiceSpec{
			Qumulo:    &v1alpha1.QumuloService{URL: server.URL, TokenSecretRef: &v1alpha1.TokenReference{Name: "token", Key: "token"}},
			TLS:       &v1alpha1.TLS{CABundle: string(server.CA)},
			RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000},
		},
	})
	return w
}

// addAccessKey creates an AccessKey and its user.
func (w *world) addAccessKey(name string) {
	w.Helper()
	w.service.AddUser(name)
	w.create(&v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "qumulo"},
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

// process is a manager and the path of its log.
type process struct {
	*cluster.Manager
	log string
}

func (p *process) readLog(w *world) string {
	w.Helper()
	text, err := os.ReadFile(p.log)
	w.must(err)
	return string(text)
}

// start starts a manager with leader election. It kills the manager when the test ends.
func (w *world) start(name string) *process {
	w.Helper()
	p := &process{log: filepath.Join(w.logs, name+".log")}
	var err error
	p.Manager, err = w.plane.StartManager(w.Context(), w.binary, p.log, "--leader-elect", "--zap-log-level=2") // lower levels sample the log
	w.must(err)
	w.Cleanup(func() {
		p.Kill()
		if w.Failed() {
			text := p.readLog(w)
			w.Logf("the end of the log of %s:\n%s", name, text[max(0, len(text)-4000):])
		}
	})
	return p
}

// until waits up to a minute for a condition.
func (w *world) until(what string, condition func() bool) {
	w.Helper()
	for began := time.Now(); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			w.Fatalf("waited a minute for %s", what)
		}
	}
}

// issued returns the number of AccessKeys that are ready and have handled this rotation token.
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

// rotate requests a rotation of every AccessKey.
func (w *world) rotate(names []string, token string) {
	w.Helper()
	for _, name := range names {
		ak := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.RenewAnnotation, token)
		w.must(w.kube.Patch(context.Background(), ak, client.RawPatch("application/merge-patch+json", patch)))
	}
}
