// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller/accesskey"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bed is the KeyService "first" with its reconciler, an API server in memory whose calls can fail, and a fake key service that
// can be probed and lists all keys.
type bed struct {
	t          *testing.T
	clock      *testclock.FakeClock
	kube       *kube.Server
	cache      *kube.Cache
	service    *fake.Service
	connection *connect.Connection
	r          *Reconciler
	// gate stands between the reconciler and the API server.
	gate kube.Gate
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, clock: testclock.NewFakeClock(noon), kube: kube.NewServer(), gate: pass}
	b.cache = kube.NewCache(b.kube, cache.Options{}, func(string) time.Duration { return 0 })
	c := &kube.Client{Server: b.kube, Cache: b.cache, Gate: func(call kube.Call, carryOut func() error) error { return b.gate(call, carryOut) }}
	b.must(accesskey.AddIndexes(t.Context(), b.cache))
	b.r = &Reconciler{Client: c, Clock: b.clock, ResyncPeriod: 10 * time.Minute, Pool: &connect.Pool{
		Live: c.Live(), SecretVersions: c, ClusterNamespace: "operator", ResyncPeriod: 10 * time.Minute, Clock: b.clock,
	}}
	for _, name := range []string{"shared", "other"} {
		b.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}, Data: map[string][]byte{
			"access-key-id": []byte("id"), "secret-access-key": []byte("secret"),
		}})
	}
	b.create(serviceNamed("first"))
	b.service = fake.New(fake.Options{Clock: b.clock})
	abilities := struct {
		*fake.Service
		fake.Prober
		fake.AllLister
	}{b.service, b.service.Prober(), b.service.AllLister()}
	var err error
	b.connection, err = b.r.Pool.Get(t.Context(), b.get("first"))
	b.must(err)
	b.connection.Service, b.connection.Capabilities, b.connection.Identity = abilities, keyservice.CapabilitiesOf(abilities), "fake/1"
	return b
}

func pass(_ kube.Call, carryOut func() error) error { return carryOut() }

// serviceNamed returns a KeyService with its credentials in the Secret "shared". Connecting it sends no request.
func serviceNamed(name string) *v1alpha1.KeyService {
	return &v1alpha1.KeyService{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name},
		Spec: v1alpha1.KeyServiceSpec{Huawei: &v1alpha1.HuaweiService{
			URL: "https://iam.example", DomainID: name, CredentialsSecretRef: v1alpha1.SecretReference{Name: "shared"},
		}},
	}
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) create(object client.Object) {
	b.t.Helper()
	b.must(b.kube.Create(object))
	b.cache.Deliver()
}

func (b *bed) delete(kind, name string) {
	b.t.Helper()
	b.must(b.kube.Delete(kube.Ref{Kind: kind, Namespace: "a", Name: name}, nil))
	b.cache.Deliver()
}

// need creates an AccessKey of a service.
func (b *bed) need(service, name string) *v1alpha1.AccessKey {
	b.t.Helper()
	ak := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}}
	ak.Spec.ServiceRef = v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: service}
	b.create(ak)
	return ak
}

// get returns a KeyService as the API server has it.
func (b *bed) get(name string) *v1alpha1.KeyService {
	b.t.Helper()
	return b.kube.Get(kube.KeyService, "a", name).(*v1alpha1.KeyService)
}

func (b *bed) try(name string) (reconcile.Result, error) {
	b.cache.Deliver()
	defer b.cache.Deliver()
	return b.r.Reconcile(b.t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "a", Name: name}})
}

// reconcile reconciles once and expects no error.
func (b *bed) reconcile(name string) reconcile.Result {
	b.t.Helper()
	result, err := b.try(name)
	b.must(err)
	return result
}
