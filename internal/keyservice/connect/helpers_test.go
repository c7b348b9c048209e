// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

const user = "local:backup"

// cluster is a simulated Qumulo cluster with a user.
func cluster(t *testing.T) (*qumulo.Simulator, *simulator.Server) {
	t.Helper()
	service := qumulo.New(qumulo.Options{})
	service.AddUser("backup")
	return service, bed.Serve(t, service)
}

func secret(namespace, name string, data ...string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{}}
	for i := 0; i < len(data); i += 2 {
		s.Data[data[i]] = []byte(data[i+1])
	}
	return s
}

// keyService signs in with the key token of the Secret token.
func keyService(url string, changes ...func(*v1alpha1.KeyServiceSpec)) *v1alpha1.KeyService {
	service := &v1alpha1.KeyService{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "qumulo", UID: "uid-of-qumulo", Generation: 1},
		Spec: v1alpha1.KeyServiceSpec{
			Qumulo:    &v1alpha1.QumuloService{URL: url, TokenSecretRef: &v1alpha1.TokenReference{Name: "token", Key: "token"}},
			RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000},
		},
	}
	for _, change := range changes {
		change(&service.Spec)
	}
	return service
}

// reader counts the live reads.
type reader struct {
	client.Reader
	err error

	mu    sync.Mutex
	reads int
}

func (r *reader) Get(ctx context.Context, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
	for range 100 { // lets others come in, if anything does
		runtime.Gosched()
	}
	r.mu.Lock()
	r.reads++
	r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	return r.Reader.Get(ctx, key, object, opts...)
}

// standIn answers for every service with its cluster's ID.
type standIn struct{}

func (standIn) RoundTrip(request *http.Request) (*http.Response, error) {
	body := io.NopCloser(strings.NewReader(`{"cluster_id":"c1"}`))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: body, Request: request}, nil
}

// pool of an API server with these Secrets, whose services a standIn answers for.
func pool(secrets ...client.Object) (*Pool, *reader, client.Client) {
	kube := fake.NewClientBuilder().WithObjects(secrets...).Build()
	live := &reader{Reader: kube}
	p := &Pool{
		Live: live, SecretVersions: kube, ClusterNamespace: "accesskey-system", ResyncPeriod: time.Minute, Clock: clock.RealClock{}, Transport: standIn{},
	}
	return p, live, kube
}

func mustGet(t *testing.T, p *Pool, service v1alpha1.GenericKeyService) *Connection {
	t.Helper()
	connection, err := p.Get(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	return connection
}
