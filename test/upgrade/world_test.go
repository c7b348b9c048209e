// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package upgrade tests that live AccessKeys survive an upgrade from the previous release and a downgrade to it, on a real API
// server, with the CRDs and the manager of each.
package upgrade

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
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
	"accesskey.dev/operator/test/s3"
)

const namespace = "team-a"

// world is an API server, a release of the operator, and an AccessKey at each service.
type world struct {
	*testing.T
	plane    *cluster.Cluster
	kube     client.Client
	services []*service
	manifest []byte // of the AccessKeys and what they need
	manager  *cluster.Manager
	logs     string
}

// newWorld starts everything but the operator. The world has the services that the old release knows.
func newWorld(t *testing.T, old release) *world {
	t.Helper()
	w := &world{T: t, services: newServices(t, old), logs: t.TempDir()}
	w.plane, w.kube = cluster.StartFor(t)
	return w
}

// install applies the manifests of a release and starts its manager, after the one that runs has stopped.
func (w *world) install(r release) {
	w.Helper()
	w.stop()
	w.kubectl(nil, "apply", "-k", filepath.Join(r.config, "default"))
	w.kubectl(nil, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
	path := filepath.Join(w.logs, r.name+".log")
	var err error
	w.manager, err = w.plane.StartManager(w.Context(), r.manager, path)
	must(w.T, err)
	w.Cleanup(func() {
		w.stop()
		if w.Failed() {
			text, _ := os.ReadFile(path) // the test has failed anyway
			w.Logf("the end of the log of %s:\n%s", r.name, text[max(0, len(text)-4000):])
		}
	})
}

// stop stops the manager that runs, if one does.
func (w *world) stop() {
	w.Helper()
	if w.manager == nil {
		return
	}
	if err := w.manager.Stop(); err != nil {
		w.Errorf("the manager ended with %v", err)
	}
	w.manager = nil
}

// add creates the AccessKeys, and a data plane that accepts their pairs.
func (w *world) add() {
	w.Helper()
	binary, err := s3.Binary(w.Context())
	must(w.T, err)
	dataPlane, err := s3.Start(w.Context(), binary, func() map[string]string {
		all := map[string]string{}
		for _, s := range w.services {
			maps.Copy(all, s.Working(s.Valid))
		}
		return all
	})
	must(w.T, err)
	w.Cleanup(func() { _ = dataPlane.Stop() }) // the test is over
	var manifest bytes.Buffer
	must(w.T, json.NewEncoder(&manifest).Encode(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace}}))
	for _, s := range w.services {
		for _, object := range s.manifests(w.T, dataPlane) {
			must(w.T, json.NewEncoder(&manifest).Encode(object))
		}
	}
	w.manifest = manifest.Bytes()
	w.kubectl(w.manifest, "apply", "-f", "-")
}

func (w *world) kubectl(stdin []byte, arguments ...string) string {
	w.Helper()
	output, err := w.plane.Kubectl(w.Context(), stdin, arguments...)
	must(w.T, err)
	return output
}

// accessKey returns an AccessKey and its Secret.
func (w *world) accessKey(s *service) (*v1alpha1.AccessKey, *corev1.Secret) {
	w.Helper()
	ak, secret := &v1alpha1.AccessKey{}, &corev1.Secret{}
	key := client.ObjectKey{Namespace: namespace, Name: s.Kind}
	must(w.T, w.kube.Get(w.Context(), key, ak))
	must(w.T, client.IgnoreNotFound(w.kube.Get(w.Context(), key, secret)))
	return ak, secret
}

// patch patches every AccessKey.
func (w *world) patch(format string, arguments ...any) {
	w.Helper()
	for _, s := range w.services {
		ak := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: s.Kind}}
		must(w.T, w.kube.Patch(w.Context(), ak, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, format, arguments...))))
	}
}

// rotate requests a rotation of every AccessKey and waits for it.
func (w *world) rotate(token string) {
	w.Helper()
	w.patch(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.RenewAnnotation, token)
	w.settled("the rotation "+token, func(ak *v1alpha1.AccessKey) bool { return ak.Status.LastHandledRenewal == token })
}

// settled waits until all AccessKeys are ready, have nothing under way, and meet a condition.
func (w *world) settled(what string, condition func(*v1alpha1.AccessKey) bool) {
	w.Helper()
	for _, s := range w.services {
		w.until(s.Kind+": "+what, func() bool {
			ak, _ := w.accessKey(s)
			return meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionReady) && ak.Status.Intent == nil && condition(ak)
		})
	}
}

// until waits up to a minute for a condition.
func (w *world) until(what string, condition func() bool) {
	w.Helper()
	for began := time.Now(); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			w.Fatalf("waited a minute for %s\n%s", what, w.kubectl(nil, "get", "accesskeys,keyservices", "-n", namespace, "-o", "yaml"))
		}
	}
}
