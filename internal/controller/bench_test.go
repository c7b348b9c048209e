// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// bench is one AccessKey, its reconciler, an API server in memory whose calls can be made to fail, and a simulated Qumulo
// cluster. What happens in which order is up to the test; whole stories are told in test/integration.
type bench struct {
	t       *testing.T
	clock   *testclock.FakeClock
	server  *simulator.Server
	service *qumulo.Simulator
	// kube is the API server as the test sees it, without faults.
	kube     client.WithWatch
	recorder *events.FakeRecorder
	r        *AccessKeyReconciler

	// What the reconciler meets before it writes a Secret, after it wrote one, before it reads one, and before it writes a
	// status: an error ends the call. nil: nothing.
	beforeWrite, afterWrite, beforeRead func() error
	beforeStatus                        func(*v1alpha1.AccessKey) error

	// told are the events so far, and woken whom the reconciler had brought to a worker.
	told  []string
	woken []reconcile.Request
}

const user = "local:backup"

func init() { publishTries.Duration = time.Millisecond } // nobody is to wait for the real clock

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, clock: testclock.NewFakeClock(noon), recorder: events.NewFakeRecorder(64)}
	b.service = qumulo.New(qumulo.Options{Clock: b.clock})
	b.service.AddUser("backup")
	server, err := simulator.Serve(b.service)
	if err != nil {
		t.Fatal(err)
	}
	b.server = server
	t.Cleanup(func() { _ = server.Close() })
	b.kube = b.newKube()
	b.restart()
	t.Cleanup(b.expectPromises)
	return b
}

// restart makes a reconciler that remembers nothing.
func (b *bench) restart() {
	kube := interceptor.NewClient(b.kube, b.faults())
	b.r = &AccessKeyReconciler{
		Client: kube, Cache: digestingReader{kube}, Live: kube, Signer: signer,
		Pool:     &connect.Pool{Live: kube, SecretVersions: kube, ResyncPeriod: 10 * time.Minute, Clock: b.clock},
		Recorder: b.recorder, Clock: b.clock, ResyncPeriod: 10 * time.Minute, SecretVersions: readCache{reader: kube},
		bulkhead: bulkhead{wake: func(request reconcile.Request, _ int) { b.woken = append(b.woken, request) }},
	}
}

// newKube is an API server with an AccessKey that has no status yet, and a KeyService with its token that is held.
func (b *bench) newKube() client.WithWatch {
	ak := restingAccessKey()
	ak.Status, ak.Finalizers = v1alpha1.AccessKeyStatus{}, nil
	ak.CreationTimestamp = metav1.NewTime(noon)
	token := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: ak.Namespace, Name: "token"},
		Data:       map[string][]byte{"token": []byte(b.service.AddToken(time.Time{}))},
	}
	service := &v1alpha1.KeyService{
		ObjectMeta: metav1.ObjectMeta{Namespace: ak.Namespace, Name: "qumulo", UID: "uid-of-qumulo", Finalizers: []string{v1alpha1.InUseFinalizer}},
		Spec: v1alpha1.KeyServiceSpec{
			Qumulo:    &v1alpha1.QumuloService{URL: b.server.URL, TokenSecretRef: &v1alpha1.TokenReference{Name: "token", Key: "token"}},
			TLS:       &v1alpha1.TLS{CABundle: string(b.server.CA)},
			RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000},
		},
	}
	builder := fake.NewClientBuilder().WithScheme(Scheme()).WithObjects(ak, token, service).
		WithStatusSubresource(&v1alpha1.AccessKey{})
	err := AddIndexes(b.t.Context(), indexerFunc(func(object client.Object, field string, values client.IndexerFunc) {
		builder.WithIndex(object, field, values)
	}))
	if err != nil {
		b.t.Fatal(err)
	}
	return builder.Build()
}

type indexerFunc func(client.Object, string, client.IndexerFunc)

func (f indexerFunc) IndexField(_ context.Context, object client.Object, field string, values client.IndexerFunc) error {
	f(object, field, values)
	return nil
}

func (b *bench) faults() interceptor.Funcs {
	write := func(object client.Object, carryOut func() error) error {
		if _, ok := object.(*corev1.Secret); !ok {
			return carryOut()
		}
		if err := meet(b.beforeWrite); err != nil {
			return err
		}
		if err := carryOut(); err != nil {
			return err
		}
		return meet(b.afterWrite)
	}
	return interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			return write(object, func() error { return c.Create(ctx, object, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.UpdateOption) error {
			return write(object, func() error { return c.Update(ctx, object, opts...) })
		},
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
			if _, ok := object.(*corev1.Secret); ok {
				if err := meet(b.beforeRead); err != nil {
					return err
				}
			}
			return c.Get(ctx, key, object, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, name string, object client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if ak, ok := object.(*v1alpha1.AccessKey); ok && b.beforeStatus != nil {
				if err := b.beforeStatus(ak); err != nil {
					return err
				}
			}
			return c.SubResource(name).Patch(ctx, object, patch, opts...)
		},
	}
}

func meet(fault func() error) error {
	if fault == nil {
		return nil
	}
	return fault()
}

// digestingReader is a cache: of Secrets it has digests only.
type digestingReader struct{ client.Reader }

func (r digestingReader) Get(ctx context.Context, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
	if err := r.Reader.Get(ctx, key, object, opts...); err != nil {
		return err
	}
	_, err := DigestSecret(object)
	return err
}

// readCache can be read, and no more.
type readCache struct {
	cache.Cache

	reader client.Reader
}

func (c readCache) Get(ctx context.Context, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
	return c.reader.Get(ctx, key, object, opts...)
}

// pass runs one pass.
func (b *bench) pass() (reconcile.Result, error) {
	result, err := b.r.Reconcile(b.t.Context(), reconcile.Request{NamespacedName: here})
	b.told = append(b.told, drain(b.recorder)...)
	return result, err
}

// mustPass runs one pass that succeeds.
func (b *bench) mustPass() reconcile.Result {
	b.t.Helper()
	result, err := b.pass()
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

// rest runs passes as the manager would, one after each change and each wait, until nothing is left to do.
func (b *bench) rest() {
	b.t.Helper()
	for range 20 {
		before := b.accessKey().ResourceVersion
		result := b.mustPass()
		switch {
		case b.accessKey().ResourceVersion != before:
		case result.RequeueAfter >= b.r.ResyncPeriod:
			return
		default:
			b.clock.Step(result.RequeueAfter)
		}
	}
	b.t.Fatalf("does not come to rest: %+v", b.accessKey().Status)
}

// accessKey as the API server has it.
func (b *bench) accessKey() *v1alpha1.AccessKey {
	b.t.Helper()
	ak := &v1alpha1.AccessKey{}
	if err := b.kube.Get(context.Background(), here, ak); err != nil {
		b.t.Fatal(err)
	}
	return ak
}

// secret as the API server has it, nil for none.
func (b *bench) secret() *corev1.Secret {
	b.t.Helper()
	secret := &corev1.Secret{}
	err := b.kube.Get(context.Background(), here, secret)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return secret
}

// works: the Secret holds a pair that the service lets in.
func (b *bench) works() bool {
	b.t.Helper()
	secret := b.secret()
	return secret != nil && b.service.Valid(string(secret.Data[v1alpha1.SecretKeyAccessKeyID]), string(secret.Data[v1alpha1.SecretKeySecretAccessKey]))
}

// keys are how many keys were ever made, and how many of them live.
func (b *bench) keys() (made, live int) { return len(b.service.History()), len(b.service.Keys(user)) }

func (b *bench) expectKeys(made, live int) {
	b.t.Helper()
	if m, l := b.keys(); m != made || l != live {
		b.t.Errorf("%d keys were made, of which %d live; want %d and %d", m, l, made, live)
	}
}

// expectPublished expects the Secret to hold the pair that is recorded with this revision, and the pair to work.
func (b *bench) expectPublished(revision int64) {
	b.t.Helper()
	status := b.accessKey().Status
	if status.Revision != revision || !b.works() || status.AccessKeyID != string(b.secret().Data[v1alpha1.SecretKeyAccessKeyID]) {
		b.t.Errorf("works: %t, %+v", b.works(), status)
	}
}

// expectIssued expects the AccessKey to be at rest, with a pair that works and nothing left over.
func (b *bench) expectIssued(made int) {
	b.t.Helper()
	b.expectKeys(made, 1)
	ak := b.accessKey()
	if !b.works() || ak.Status.Intent != nil || ak.Status.Failures != nil || len(ak.Status.PreviousKeys) > 0 || ak.Status.KeyID != b.service.Keys(user)[0].ID {
		b.t.Errorf("not at rest: %+v", ak.Status)
	}
}

// expectPromises looks for secret material where it must not be.
func (b *bench) expectPromises() {
	secret := b.secret()
	if secret == nil {
		return
	}
	seen := fmt.Sprintf("%+v %q", b.accessKey(), b.told)
	if value := string(secret.Data[v1alpha1.SecretKeySecretAccessKey]); value != "" && strings.Contains(seen, value) {
		b.t.Errorf("the secret shows in the AccessKey or its events: %s", seen)
	}
}

// once makes a fault happen once.
func once(err error) func() error {
	return func() (met error) {
		met, err = err, nil
		return met
	}
}

func always(err error) func() error { return func() error { return err } }
