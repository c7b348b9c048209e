// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

const reachable = "True " + v1alpha1.ReasonServiceReachable

// expectReady expects that a reconciliation reports this with one call of each operation, and returns when the next one is.
func (b *bed) expectReady(want string, operations ...fake.Operation) time.Duration {
	b.t.Helper()
	calls := b.service.Calls()
	for _, operation := range operations {
		calls[operation]++
	}
	result := b.reconcile("first")
	ready := meta.FindStatusCondition(b.get("first").Status.Conditions, v1alpha1.ConditionReady)
	if got := fmt.Sprintf("%s %s", ready.Status, ready.Reason); got != want || !maps.Equal(b.service.Calls(), calls) {
		b.t.Errorf("%s: %s, by %v; want %s by %v", got, ready.Message, b.service.Calls(), want, calls)
	}
	return result.RequeueAfter
}

// list makes the shared listing, as a scope of an AccessKey does.
func (b *bed) list() {
	b.t.Helper()
	_, err := b.connection.Inventory("").Snapshot(b.t.Context(), b.clock.Now())
	b.must(err)
}

func TestACheckReportsWhatTheServiceIs(t *testing.T) {
	b := newBed(t)
	b.connection.Service = limited{b.service, b.service.Prober(), keyservice.Limits{KeysPerUser: 2, MaxTTL: time.Hour}}
	b.connection.Capabilities = keyservice.CapabilitiesOf(b.connection.Service)
	if after := b.expectReady(reachable, fake.Probe); after != b.r.ResyncPeriod {
		t.Errorf("is checked again after %s", after)
	}
	status := b.get("first").Status
	if limits := status.Limits; status.Version != "fake" || status.Identity != "fake/1" || status.ObservedGeneration != 1 || limits == nil ||
		limits.KeysPerUser != 2 || !*limits.Overlap || *limits.Regenerate || *limits.Disable || *limits.LastUse || limits.MaxTTL.Duration != time.Hour {
		t.Errorf("status %+v, limits %+v", status, limits)
	}
	b.expectReady(reachable) // not again at once
}

func TestTheSharedListingTakesThePlaceOfAProbe(t *testing.T) {
	b := newBed(t)
	b.expectReady(reachable, fake.Probe)
	b.clock.Step(b.r.ResyncPeriod)
	b.expectReady(reachable, fake.Probe) // no AccessKey has asked for a listing
	b.list()
	for range 5 {
		b.clock.Step(b.r.ResyncPeriod)
		b.expectReady(reachable, fake.ListAll)
	}
	b.clock.Step(b.r.ResyncPeriod)
	b.expectReady(reachable, fake.Probe) // an hour has passed
}

func TestAFailureIsReportedWithItsReasonAndCheckedAgainSoon(t *testing.T) {
	for kind, reason := range map[keyservice.Kind]string{
		keyservice.Unavailable: v1alpha1.ReasonUnavailable, keyservice.Throttled: v1alpha1.ReasonThrottled,
		keyservice.Unauthorized: v1alpha1.ReasonUnauthorized, keyservice.NotFound: v1alpha1.ReasonUnavailable,
		keyservice.Invalid: v1alpha1.ReasonKeyServiceInvalid,
	} {
		b := newBed(t)
		b.list()
		b.expectReady(reachable, fake.Probe)
		b.clock.Step(b.r.ResyncPeriod)
		b.service.FailNext(fake.ListAll, fake.Fault{Kind: kind})
		b.service.FailNext(fake.Probe, fake.Fault{Kind: kind})
		if after := b.expectReady("False "+reason, fake.ListAll, fake.Probe); after != recheckPeriod {
			t.Errorf("%s: is checked again after %s", kind, after)
		}
		if status := b.get("first").Status; status.Limits == nil || status.Identity == "" {
			t.Errorf("%s: forgot what it knew: %+v", kind, status)
		}
		b.clock.Step(recheckPeriod - time.Second)
		b.expectReady("False " + reason)
		b.clock.Step(time.Second)
		b.expectReady(reachable, fake.Probe)
	}
}

func TestAServiceWithoutCredentialsSaysSo(t *testing.T) {
	b := newBed(t)
	b.delete(kube.Secret, "shared")
	b.expectReady("False " + v1alpha1.ReasonCredentialsNotFound)
}

func TestADeletedServiceNamesTheAccessKeysThatNeedIt(t *testing.T) {
	b := newBed(t)
	for i := range 6 {
		b.need("first", fmt.Sprint("key-", i))
	}
	b.reconcile("first")
	b.delete(kube.KeyService, "first")
	if after := b.expectReady("False " + v1alpha1.ReasonDeleting); after != recheckPeriod {
		t.Errorf("is reconciled again after %s", after)
	}
	want := "The service is being deleted, but it is still needed to revoke the keys of 6 AccessKeys: a/key-0, a/key-1, a/key-2, a/key-3, a/key-4; delete those first"
	if got := b.get("first").Status.Conditions[0].Message; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for i := range 6 {
		b.delete(kube.AccessKey, fmt.Sprint("key-", i))
	}
	b.reconcile("first")
	if b.kube.Get(kube.KeyService, "a", "first") != nil {
		t.Error("the KeyService is still there")
	}
	b.expectFinalizers()
}

// TestAnErrorOfTheAPIServerIsNotReportedAsTheServices: the condition stays as it is, and the KeyService is reconciled again.
func TestAnErrorOfTheAPIServerIsNotReportedAsTheServices(t *testing.T) {
	b := newBed(t)
	b.expectReady(reachable, fake.Probe)
	before := b.get("first").Status.Conditions
	b.r.Pool.Forget(client.ObjectKey{Namespace: "a", Name: "first"})
	away := errors.New("the API server does not answer")
	b.gate = func(call kube.Call, carryOut func() error) error {
		if call.Ref.Kind == kube.Secret && !call.Write {
			return away
		}
		return carryOut()
	}
	if _, err := b.try("first"); !errors.Is(err, away) {
		t.Errorf("got %v", err)
	}
	if after := b.get("first").Status.Conditions; !equality.Semantic.DeepEqual(after, before) {
		t.Errorf("reports %+v", after)
	}
}

// limited is a service with other limits.
type limited struct {
	*fake.Service
	fake.Prober

	limits keyservice.Limits
}

func (s limited) Limits() keyservice.Limits { return s.limits }

// TestAServiceThatWasUpgradedIsConnectedAnew, because the connection counts on what it could do before.
func TestAServiceThatWasUpgradedIsConnectedAnew(t *testing.T) {
	b := newBed(t)
	b.expectReady(reachable, fake.Probe)
	b.clock.Step(probePeriod)
	b.expectReady(reachable, fake.Probe)
	b.connection.Service = limited{b.service, b.service.Prober(), keyservice.Limits{KeysPerUser: 3}}
	b.clock.Step(probePeriod)
	if due := b.expectReady(reachable, fake.Probe); due != time.Second {
		t.Errorf("is checked again after %s", due)
	}
	if _, connected, _ := b.r.Pool.Connected(t.Context(), b.get("first")); connected {
		t.Error("the connection is still used")
	}
}
