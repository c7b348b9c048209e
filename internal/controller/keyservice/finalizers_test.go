// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
)

// expectFinalizers expects the in-use finalizer on these objects and no others.
func (b *bed) expectFinalizers(want ...string) {
	b.t.Helper()
	var got []string
	for _, kind := range []string{kube.KeyService, kube.Secret} {
		for _, object := range b.kube.All(kind) {
			if hasFinalizer(object) {
				got = append(got, kind+" "+object.GetName())
			}
		}
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		b.t.Errorf("the finalizer is on %q, want %q", got, want)
	}
}

func TestASharedSecretKeepsItsFinalizerWhileAnyServiceIsInUse(t *testing.T) {
	b := newBed(t)
	b.create(serviceNamed("second"))
	b.reconcile("first")
	b.expectFinalizers()
	b.need("first", "x")
	b.need("second", "y")
	b.reconcile("first")
	b.reconcile("second")
	b.expectFinalizers("KeyService first", "KeyService second", "Secret shared")
	b.delete(kube.AccessKey, "x")
	b.reconcile("first")
	b.expectFinalizers("KeyService second", "Secret shared")
	service := b.get("second")
	service.Spec.Huawei.CredentialsSecretRef.Name = "other"
	b.must(b.kube.Update(service, false))
	b.reconcile("second")
	b.expectFinalizers("KeyService second", "Secret other")
	b.delete(kube.AccessKey, "y")
	b.reconcile("second")
	b.expectFinalizers()
}

// TestTheFinalizerOfTheServiceComesLast: whoever sees it relies on those of the Secrets.
func TestTheFinalizerOfTheServiceComesLast(t *testing.T) {
	away := errors.New("the API server does not answer")
	failSecrets := func(call kube.Call, carryOut func() error) error {
		if call.Ref.Kind == kube.Secret && call.Write {
			return away
		}
		return carryOut()
	}
	b := newBed(t)
	expectFailure := func(want ...string) {
		t.Helper()
		b.gate = failSecrets
		if result := b.reconcile("first"); result.RequeueAfter != finalizerRetry {
			t.Errorf("it is tried again after %s", result.RequeueAfter)
		}
		ready := b.get("first").Status.Conditions[0]
		if ready.Reason != v1alpha1.ReasonFinalizerRefused || !strings.Contains(ready.Message, "Secret a/shared: "+away.Error()) {
			t.Errorf("reports %s: %s", ready.Reason, ready.Message)
		}
		b.expectFinalizers(want...)
		b.gate = pass
	}
	b.need("first", "x")
	expectFailure()
	b.reconcile("first")
	b.delete(kube.AccessKey, "x")
	expectFailure("KeyService first", "Secret shared")
	b.gate = func(kube.Call, func() error) error {
		return apierrors.NewConflict(schema.GroupResource{Resource: "secrets"}, "shared", errors.New("stale"))
	}
	if result := b.reconcile("first"); result.RequeueAfter != time.Second {
		t.Errorf("after a stale read, it is reconciled again after %s", result.RequeueAfter)
	}
}

// TestOnlyTheFirstAndTheLastAccessKeyReconcileTheirService: there can be a million between them.
func TestOnlyTheFirstAndTheLastAccessKeyReconcileTheirService(t *testing.T) {
	b := newBed(t)
	expect := func(want int, when string, ak *v1alpha1.AccessKey) {
		t.Helper()
		if got := b.r.serviceOfAccessKey(t.Context(), ak); len(got) != want {
			t.Errorf("%s: reconciles %v", when, got)
		}
	}
	first := b.need("first", "x")
	expect(1, "the first is created", first)
	b.reconcile("first")
	second := b.need("first", "y")
	expect(0, "another one is created", second)
	b.delete(kube.AccessKey, "x")
	expect(0, "one of two is deleted", first)
	expect(0, "the service does not exist", b.need("missing", "z"))
	b.delete(kube.KeyService, "first")
	expect(1, "the service is being deleted and says how many need it", second)
	b.create(serviceNamed("second"))
	last := b.need("second", "u")
	b.reconcile("second")
	b.delete(kube.AccessKey, "u")
	expect(1, "the last is deleted", last)
}

// TestAServiceWhoseSecretIsBeingDeletedSaysSo: once the finalizer is removed, the keys of the service cannot be revoked.
func TestAServiceWhoseSecretIsBeingDeletedSaysSo(t *testing.T) {
	b := newBed(t)
	b.need("first", "x")
	b.reconcile("first")
	b.delete(kube.Secret, "shared")
	b.reconcile("first")
	if got := b.get("first").Status.Conditions[0].Message; !strings.Contains(got, "Secret a/shared is being deleted") {
		t.Errorf("reports %q", got)
	}
}

// TestAServiceIsReleasedWhenItsAccessKeyIsCreatedAgainForAnother: the new AccessKey has the name of the deleted one.
func TestAServiceIsReleasedWhenItsAccessKeyIsCreatedAgainForAnother(t *testing.T) {
	b := newBed(t)
	former := b.need("first", "x")
	b.reconcile("first")
	b.delete(kube.AccessKey, "x")
	b.need("another", "x")
	if got := b.r.serviceOfAccessKey(t.Context(), former); len(got) != 1 {
		t.Errorf("the deletion reconciles %v, and the finalizer stays until the next resync", got)
	}
}
