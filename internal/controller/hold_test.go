// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// holdBench has a KeyService and its reconciler, the Secrets token and other, and an API server in memory whose patches can
// fail. There is no service behind it.
type holdBench struct {
	t    *testing.T
	kube client.WithWatch
	r    *KeyServiceReconciler
	// beforePatch is asked before each patch of an object itself; an error ends it.
	beforePatch func(client.Object) error
}

// metadata is a cache of the metadata of Secrets.
type metadata struct {
	cache.Cache
	client.Reader
}

func (m metadata) Get(ctx context.Context, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
	return m.Reader.Get(ctx, key, object, opts...)
}

func (m metadata) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	return m.Reader.List(ctx, list, opts...)
}

func newHoldBench(t *testing.T) *holdBench {
	t.Helper()
	b := &holdBench{t: t}
	builder := fake.NewClientBuilder().WithScheme(Scheme()).WithStatusSubresource(&v1alpha1.KeyService{}).
		WithObjects(secretNamed("token"), secretNamed("other"), serviceNamed("qumulo"))
	err := AddIndexes(t.Context(), indexerFunc(func(object client.Object, field string, values client.IndexerFunc) {
		builder.WithIndex(object, field, values)
	}))
	if err != nil {
		t.Fatal(err)
	}
	b.kube = builder.Build()
	faulty := interceptor.NewClient(b.kube, interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if b.beforePatch != nil {
				if err := b.beforePatch(object); err != nil {
					return err
				}
			}
			return c.Patch(ctx, object, patch, opts...)
		},
	})
	versions := metadata{Reader: b.kube}
	b.r = &KeyServiceReconciler{
		Client: faulty, SecretVersions: versions, Clock: testclock.NewFakePassiveClock(noon), ResyncPeriod: 10 * time.Minute,
		Pool: &connect.Pool{Live: b.kube, SecretVersions: versions, ClusterNamespace: "accesskey-system", Clock: testclock.NewFakePassiveClock(noon)},
	}
	return b
}

func secretNamed(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: here.Namespace, Name: name}, Data: map[string][]byte{"token": []byte("t")}}
}

// serviceNamed has its token in the Secret token, and is where nobody answers.
func serviceNamed(name string) *v1alpha1.KeyService {
	return &v1alpha1.KeyService{
		ObjectMeta: metav1.ObjectMeta{Namespace: here.Namespace, Name: name, UID: types.UID("uid-of-" + name)},
		Spec: v1alpha1.KeyServiceSpec{
			Qumulo:    &v1alpha1.QumuloService{URL: "https://127.0.0.1:1", TokenSecretRef: &v1alpha1.TokenReference{Name: "token", Key: "token"}},
			RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000},
		},
	}
}

func (b *holdBench) pass(service string) (reconcile.Result, error) {
	return b.r.Reconcile(b.t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Namespace: here.Namespace, Name: service}})
}

func (b *holdBench) mustPass(service string) {
	b.t.Helper()
	if _, err := b.pass(service); err != nil {
		b.t.Fatal(err)
	}
}

func (b *holdBench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// need makes an AccessKey of the service, of which it returns the end.
func (b *holdBench) need(service string) (end func()) {
	b.t.Helper()
	ak := restingAccessKey()
	ak.Name, ak.UID, ak.Finalizers = "of-"+service, types.UID("uid-of-"+service), nil
	ak.Spec.ServiceRef.Name = service
	b.must(b.kube.Create(b.t.Context(), ak))
	return func() { b.must(b.kube.Delete(b.t.Context(), ak)) }
}

func (b *holdBench) expectHeld(want bool, objects ...client.Object) {
	b.t.Helper()
	for _, object := range objects {
		b.must(b.kube.Get(b.t.Context(), client.ObjectKeyFromObject(object), object))
		if got := controllerutil.ContainsFinalizer(object, v1alpha1.InUseFinalizer); got != want {
			b.t.Errorf("%T %s is held: %t", object, object.GetName(), got)
		}
	}
}

func TestAServiceAndItsSecretsAreHeldWhileTheyAreNeeded(t *testing.T) {
	b := newHoldBench(t)
	b.mustPass("qumulo")
	b.expectHeld(false, serviceNamed("qumulo"), secretNamed("token"), secretNamed("other"))
	end := b.need("qumulo")
	b.mustPass("qumulo")
	b.expectHeld(true, serviceNamed("qumulo"), secretNamed("token"))
	b.expectHeld(false, secretNamed("other"))
	end()
	b.mustPass("qumulo")
	b.expectHeld(false, serviceNamed("qumulo"), secretNamed("token"), secretNamed("other"))
}

func TestASharedSecretIsHeldAsLongAsAnyServiceNeedsIt(t *testing.T) {
	b := newHoldBench(t)
	b.must(b.kube.Create(t.Context(), serviceNamed("second")))
	end, endSecond := b.need("qumulo"), b.need("second")
	b.mustPass("qumulo")
	b.mustPass("second")
	end()
	b.mustPass("qumulo")
	b.expectHeld(false, serviceNamed("qumulo"))
	b.expectHeld(true, serviceNamed("second"), secretNamed("token"))
	endSecond()
	b.mustPass("second")
	b.expectHeld(false, serviceNamed("second"), secretNamed("token"))
}

func TestASecretThatIsNoLongerReferredToIsLetGo(t *testing.T) {
	b := newHoldBench(t)
	b.need("qumulo")
	b.mustPass("qumulo")
	service := serviceNamed("qumulo")
	b.must(b.kube.Get(t.Context(), client.ObjectKeyFromObject(service), service))
	service.Spec.Qumulo.TokenSecretRef.Name = "other"
	b.must(b.kube.Update(t.Context(), service))
	b.mustPass("qumulo")
	b.expectHeld(true, serviceNamed("qumulo"), secretNamed("other"))
	b.expectHeld(false, secretNamed("token"))
}

// wakes: an AccessKey that comes or goes wakes the service.
func (b *holdBench) wakes(service string) bool {
	b.t.Helper()
	ak := restingAccessKey()
	ak.Spec.ServiceRef.Name = service
	return len(b.r.serviceOfUser(b.t.Context(), ak)) == 1
}

func TestOnlyTheFirstAndTheLastAccessKeyWakeAService(t *testing.T) {
	b := newHoldBench(t)
	expect := func(want bool, when string) {
		t.Helper()
		if got := b.wakes("qumulo"); got != want {
			t.Errorf("%s: wakes the service: %t", when, got)
		}
	}
	expect(false, "the last went, which was released")
	end := b.need("qumulo")
	expect(true, "the first came")
	b.mustPass("qumulo")
	expect(false, "one more came")
	another := restingAccessKey()
	b.must(b.kube.Create(t.Context(), another))
	end()
	expect(false, "one went, another is there")
	b.must(b.kube.Get(t.Context(), client.ObjectKeyFromObject(another), another))
	another.Finalizers = nil
	b.must(b.kube.Update(t.Context(), another))
	b.must(b.kube.Delete(t.Context(), another))
	expect(true, "the last went")
	b.mustPass("qumulo")
	b.expectHeld(false, serviceNamed("qumulo"))
	if b.wakes("gone") {
		t.Error("wakes a service that is not there")
	}
}

func TestEachAccessKeyWakesAServiceThatIsDeleted(t *testing.T) {
	b := newHoldBench(t)
	b.need("qumulo")
	b.mustPass("qumulo")
	b.must(b.kube.Delete(t.Context(), serviceNamed("qumulo")))
	if !b.wakes("qumulo") {
		t.Error("it cannot tell how many still need it")
	}
}

// TestTheServiceComesAfterItsSecrets: whoever sees it held relies on them, and whoever sees it gone asks no more.
func TestTheServiceComesAfterItsSecrets(t *testing.T) {
	away := errors.New("the API server is away")
	b := newHoldBench(t)
	noSecrets := func(object client.Object) error {
		if _, ok := object.(*v1alpha1.KeyService); ok {
			return nil
		}
		return away
	}
	end := b.need("qumulo")
	b.beforePatch = noSecrets
	if _, err := b.pass("qumulo"); !errors.Is(err, away) {
		t.Errorf("got %v", err)
	}
	b.expectHeld(false, serviceNamed("qumulo"), secretNamed("token"))
	b.beforePatch = nil
	b.mustPass("qumulo")
	end()
	b.beforePatch = noSecrets
	if _, err := b.pass("qumulo"); !errors.Is(err, away) {
		t.Errorf("got %v", err)
	}
	b.expectHeld(true, serviceNamed("qumulo"), secretNamed("token"))
}

func TestAStaleReadOfAServiceComesBackSoon(t *testing.T) {
	b := newHoldBench(t)
	b.need("qumulo")
	b.beforePatch = func(client.Object) error { return apierrors.NewConflict(secretsResource, "token", errors.New("stale")) }
	result, err := b.pass("qumulo")
	if err != nil || result.RequeueAfter != time.Second {
		t.Errorf("got %+v, %v", result, err)
	}
	b.beforePatch = nil
	b.mustPass("qumulo")
	b.expectHeld(true, serviceNamed("qumulo"), secretNamed("token"))
}
