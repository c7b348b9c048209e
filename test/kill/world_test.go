// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/cluster"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
)

const namespace = "team-a"

// world is the control plane, the key services and the AccessKeys.
type world struct {
	t        *testing.T
	form     form
	clock    *clock
	servers  []*simulator.Server
	plane    *cluster.Cluster
	kube     client.Client
	services []*keyService
	subjects []*subject
	binary   string
	// logs is the folder of what the managers write.
	logs string

	mu    sync.Mutex
	count counts
}

// subject is an AccessKey, and the user whose keys it manages.
type subject struct {
	name    string
	service *keyService
	user    user
}

// counts are numbers for the summary.
type counts struct {
	kills, starts, etcd, apiServer, pauses, asked int
}

func (w *world) counted(change func(*counts)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.count)
}

// newWorld starts everything except the manager.
func newWorld(ctx context.Context, t *testing.T, f form) *world {
	t.Helper()
	w := &world{t: t, form: f, clock: newClock(ctx)}
	w.keepLogsOfFailure()
	w.plane, w.kube = cluster.StartFor(t, "../../config/crd/bases")
	_, err := w.plane.Kubectl(ctx, nil, "apply", "-k", "../../config/default")
	w.must(err)
	for _, service := range services.All() {
		w.services = append(w.services, w.open(service))
	}
	w.must(w.kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	for _, service := range w.services {
		w.add(ctx, service)
	}
	w.binary = manager(ctx, t)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// keepLogsOfFailure keeps the logs of the managers if the test fails.
func (w *world) keepLogsOfFailure() {
	var err error
	w.logs, err = os.MkdirTemp("", "accesskey-kill-")
	w.must(err)
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("The managers' logs are kept in %s", w.logs)
			return
		}
		_ = os.RemoveAll(w.logs) // a leftover in the folder for temporary files
	})
}

// manager builds the manager, unless -manager names one.
func manager(ctx context.Context, t *testing.T) string {
	t.Helper()
	if *managerPath != "" {
		return *managerPath
	}
	path, err := cluster.BuildManager(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// add serves a key service, and creates its KeyServices and AccessKeys.
func (w *world) add(ctx context.Context, s *keyService) {
	server, err := simulator.Serve(slow(s, w.form.slowness))
	w.must(err)
	w.t.Cleanup(func() { _ = server.Close() }) // nobody needs it any more
	w.servers = append(w.servers, server)
	made := map[string]bool{}
	for i, u := range s.users {
		reference := s.Name
		if u.Name == "" { // its keys belong to the user that signs in
			reference = fmt.Sprintf("%s-%02d", s.Name, i)
		}
		if !made[reference] {
			made[reference] = true
			w.addKeyService(ctx, reference, s, u, server)
		}
		it := &subject{name: fmt.Sprintf("%s-%02d", s.Name, i), service: s, user: u}
		w.must(w.kube.Create(ctx, it.accessKey(reference)))
		w.subjects = append(w.subjects, it)
	}
}

func (w *world) addKeyService(ctx context.Context, name string, s *keyService, u user, server *simulator.Server) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name + "-credentials"},
		StringData: u.Secret,
	}
	w.must(w.kube.Create(ctx, secret))
	service := &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	service.Spec = v1alpha1.KeyServiceSpec{
		TLS:       &v1alpha1.TLS{CABundle: string(server.CA)},
		RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000},
	}
	s.Spec(&service.Spec, server.URL, secret.Name)
	w.must(w.kube.Create(ctx, service))
}

// accessKey returns an AccessKey that rotates every minute. Where the service itself ends pairs, the ttl is longer than the
// two to four minutes that settling takes after a crash. Otherwise the service would end a pair in that time. Where such a service
// holds two keys, most rotations are requested, because a scheduled one waits for the end of the previous key.
func (s *subject) accessKey(keyService string) *v1alpha1.AccessKey {
	ttl, overlap := 100*time.Second, 40*time.Second
	if s.service.Expires {
		ttl = time.Hour
		overlap = ttl - time.Minute
	}
	return &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: s.name},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef:  v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: keyService},
			User:        s.user.Name,
			TTL:         &metav1.Duration{Duration: ttl},
			RenewBefore: &metav1.Duration{Duration: overlap},
		},
	}
}

func (s *subject) key() client.ObjectKey { return client.ObjectKey{Namespace: namespace, Name: s.name} }
