// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

var errDenied = errors.New("denied the request: no finalizers here")

var first = types.NamespacedName{Namespace: "a", Name: "first"}

// expectMessage expects that a reconciliation reports this reason and these texts.
func (b *bed) expectMessage(reason string, texts ...string) {
	b.t.Helper()
	b.reconcile("first")
	ready := b.get("first").Status.Conditions[0]
	for _, text := range texts {
		if ready.Reason != reason || !strings.Contains(ready.Message, text) {
			b.t.Errorf("reports %s: %s\nwant %s with %q", ready.Reason, ready.Message, reason, text)
		}
	}
}

// needWithKey creates an AccessKey with a recorded key.
func (b *bed) needWithKey(name string) *v1alpha1.AccessKey {
	b.t.Helper()
	ak := b.need("first", name)
	ak = b.kube.Get(kube.AccessKey, "a", ak.Name).(*v1alpha1.AccessKey)
	ak.Finalizers = []string{v1alpha1.RevokeFinalizer}
	b.must(b.kube.Update(ak, false))
	ak = b.kube.Get(kube.AccessKey, "a", ak.Name).(*v1alpha1.AccessKey)
	ak.Status.KeyID = "K1"
	b.must(b.kube.Update(ak, true))
	b.cache.Deliver()
	return ak
}

// TestADeletedSecretLosesItsFinalizerWhenNothingIsLostWithIt: it can then be created again. Otherwise the message says what keeps it.
func TestADeletedSecretLosesItsFinalizerWhenNothingIsLostWithIt(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*bed)
		after   time.Duration
		kept    string
	}{
		"too soon":                             {func(*bed) {}, finalizerDelay - time.Second, "the finalizer is removed within seconds"},
		"after a few seconds":                  {func(*bed) {}, finalizerDelay, ""},
		"where the namespace is being deleted": {func(b *bed) { b.must(b.kube.Delete(kube.Ref{Kind: kube.Namespace, Name: "a"}, nil)) }, finalizerDelay, "its namespace is being deleted"},
		"where an AccessKey is being deleted":  {func(b *bed) { b.delete(kube.AccessKey, "x") }, finalizerDelay, "AccessKeys are being deleted"},
		"where namespaces cannot be read":      {func(b *bed) { b.r.Pool.ClusterNamespace = "" }, finalizerDelay, "the operator runs with --namespaces"},
		"where no AccessKey needs it any more": {func(b *bed) { b.remove("x") }, 0, ""},
		"where another service is not connected": {func(b *bed) { b.create(serviceNamed("second")); b.need("second", "y") }, finalizerDelay,
			"the operator has not been able to use its content"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a", Finalizers: []string{"kubernetes"}}})
			b.needWithKey("x")
			b.reconcile("first")
			b.delete(kube.Secret, "shared")
			deleted := b.kube.Get(kube.Secret, "a", "shared").GetDeletionTimestamp().Time
			b.clock.SetTime(deleted)
			b.expectMessage(v1alpha1.ReasonCredentialsDeleting, "Secret a/shared is being deleted", "the finalizer is removed within seconds", "edit the Secret in place")
			test.prepare(b)
			b.clock.SetTime(deleted.Add(test.after))
			if test.kept != "" {
				b.expectMessage(v1alpha1.ReasonCredentialsDeleting, "Secret a/shared is being deleted", test.kept)
				b.expectFinalizers("KeyService first", "Secret shared")
				return
			}
			b.reconcile("first")
			if b.kube.Get(kube.Secret, "a", "shared") != nil {
				t.Error("the Secret is still there")
			}
		})
	}
}

// remove takes an AccessKey away whatever its finalizers.
func (b *bed) remove(name string) {
	b.t.Helper()
	ak := b.kube.Get(kube.AccessKey, "a", name)
	ak.SetFinalizers(nil)
	b.must(b.kube.Update(ak, false))
	b.delete(kube.AccessKey, name)
}

// TestTheConnectionIsKeptUntilTheSecretIsCreatedAgain or until no AccessKey needs it.
func TestTheConnectionIsKeptUntilTheSecretIsCreatedAgain(t *testing.T) {
	b := newBed(t)
	b.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a"}})
	b.needWithKey("x")
	b.reconcile("first")
	b.delete(kube.Secret, "shared")
	b.clock.SetTime(time.Now())
	b.reconcile("first")
	b.clock.Step(finalizerDelay)
	b.reconcile("first")
	b.expectMessage(v1alpha1.ReasonCredentialsNotFound, "Secret a/shared does not exist; create it", "until then the operator uses what it read before")
	if got, err := b.r.Pool.Get(t.Context(), b.get("first")); got != b.connection || err != nil {
		t.Errorf("another connection, %v", err)
	}
	b.remove("x")
	b.reconcile("first")
	b.expectMessage(v1alpha1.ReasonCredentialsNotFound, "create it with the key access-key-id")
	if _, err := b.r.Pool.Get(t.Context(), b.get("first")); err == nil {
		t.Error("it is connected without a Secret, although no AccessKey needs it")
	}
}

func TestAServiceThatIsGoneIsForgotten(t *testing.T) {
	b := newBed(t)
	b.reconcile("first")
	service := b.get("first")
	b.delete(kube.KeyService, "first") // it goes at once without a finalizer
	b.reconcile("first")
	if _, connected, _ := b.r.Pool.Connected(t.Context(), service); connected {
		t.Error("the connection is kept")
	}
	if _, checked := b.r.last.Load(first); checked {
		t.Error("the check is kept")
	}
}

// TestAnotherServiceIsTakenOverOnlyIfNoAccessKeyHasAKey at the recorded one.
func TestAnotherServiceIsTakenOverOnlyIfNoAccessKeyHasAKey(t *testing.T) {
	b := newBed(t)
	b.expectReady(reachable, fake.Probe)
	b.needWithKey("x")
	b.connection.Identity = "fake/2"
	b.clock.Step(b.r.ResyncPeriod)
	b.expectMessage(v1alpha1.ReasonIdentityChanged, "leads to fake/2, but the keys of 1 of its AccessKeys (a/x) are at fake/1", "change the KeyService back", "deletionPolicy: Retain")
	if got := b.get("first").Status.Identity; got != "fake/1" {
		t.Errorf("the status has %s", got)
	}
	b.connection.Identity = "fake/1"
	b.expectMessage(v1alpha1.ReasonServiceReachable, "accepts the credentials")
	b.connection.Identity = "fake/2"
	b.remove("x")
	b.need("first", "without-a-key")
	b.clock.Step(b.r.ResyncPeriod)
	b.expectMessage(v1alpha1.ReasonServiceReachable, "accepts the credentials")
	if got := b.get("first").Status.Identity; got != "fake/2" {
		t.Errorf("the status has %s", got)
	}
}

func TestARefusalIsCheckedAgainWhenTheCredentialsMayBeSent(t *testing.T) {
	b := newBed(t)
	b.service.FailNext(fake.Probe, fake.Fault{Kind: keyservice.Unauthorized, RetryAfter: 8 * time.Minute})
	if after := b.expectReady("False "+v1alpha1.ReasonUnauthorized, fake.Probe); after != 8*time.Minute {
		t.Errorf("is checked again after %s", after)
	}
}

// TestAFailureOfOneSecretStopsNoCheck of the other services of the namespace.
func TestAFailureOfOneSecretStopsNoCheck(t *testing.T) {
	b := newBed(t)
	second := serviceNamed("second")
	second.Spec.Huawei.CredentialsSecretRef.Name = "other"
	b.create(second)
	b.need("second", "x")
	b.need("first", "y")
	b.gate = func(call kube.Call, carryOut func() error) error {
		if call.Ref.Kind == kube.Secret && call.Ref.Name == "other" && call.Write {
			return errDenied
		}
		return carryOut()
	}
	b.expectMessage(v1alpha1.ReasonServiceReachable, "accepts the credentials")
	b.expectFinalizers("KeyService first", "Secret shared")
}

// TestAFinalizerOfTheServiceItselfThatIsRefusedIsReported with the API server's words.
func TestAFinalizerOfTheServiceItselfThatIsRefusedIsReported(t *testing.T) {
	b := newBed(t)
	b.need("first", "x")
	b.gate = func(call kube.Call, carryOut func() error) error {
		if call.Ref.Kind == kube.KeyService && call.Write && !strings.Contains(call.String(), "status") {
			return errDenied
		}
		return carryOut()
	}
	b.expectMessage(v1alpha1.ReasonFinalizerRefused, "the KeyService's in-use finalizer: "+errDenied.Error())
	b.expectFinalizers("Secret shared")
	b.gate = pass
	b.expectMessage(v1alpha1.ReasonServiceReachable, "accepts the credentials")
	b.expectFinalizers("KeyService first", "Secret shared")
}
