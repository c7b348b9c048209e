// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"maps"
	"testing"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

// expectLeftAlone expects that a pass reports IdentityChanged, forgets no key and asks nothing about keys of this service.
func (b *bed) expectLeftAlone(service *fake.Service) {
	b.t.Helper()
	recorded, calls := b.accessKey().RecordedKeyIDs(), service.Calls()
	b.renew()
	b.reconcile()
	b.expectCondition(v1alpha1.ConditionStalled, "True IdentityChanged: the KeyService leads to fake/1, but the keys of its AccessKeys are at fake/recorded; "+
		"change it back, or delete the AccessKeys with deletionPolicy: Retain")
	if got := b.accessKey().RecordedKeyIDs(); len(got) != 1 || got[0] != recorded[0] || !maps.Equal(service.Calls(), calls) {
		b.t.Errorf("records %q, called %v, before: %q, %v", got, service.Calls(), recorded, calls)
	}
}

// TestNothingIsAskedAboutKeysAtAnotherServiceThanRecorded: the condition of the KeyService can be late.
func TestNothingIsAskedAboutKeysAtAnotherServiceThanRecorded(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	service := b.kube.Get(kube.KeyService, here.Namespace, "service").(*v1alpha1.KeyService)
	service.Status.Identity = "fake/recorded"
	b.must(b.kube.Update(service, true))
	b.expectLeftAlone(b.service)
}

// TestAKeyThatIsMissingAtAnotherServiceIsNotForgotten: another one answers at the address, and the connection is from before.
func TestAKeyThatIsMissingAtAnotherServiceIsNotForgotten(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	b.restart()
	other := fake.New(fake.Options{Clock: b.clock, Identity: "fake/other"})
	other.AddUser(userID)
	b.use(struct {
		*fake.Service
		fake.AllLister
		fake.UserResolver
		fake.Identifier
	}{other, other.AllLister(), other.UserResolver(), other.Identifier()})
	b.clock.Step(b.r.ResyncPeriod)
	before := b.accessKey().RecordedKeyIDs()
	b.reconcile()
	b.expectCondition(v1alpha1.ConditionStalled, "True IdentityChanged: fake/other answers at the address of the KeyService, where fake/1 was before")
	if got := b.accessKey().RecordedKeyIDs(); len(got) != 1 || got[0] != before[0] || other.Calls()[fake.Create] > 0 {
		t.Errorf("records %q, before %q; called %v", got, before, other.Calls())
	}
	if _, connected, _ := b.r.Pool.Connected(t.Context(), b.kube.Get(kube.KeyService, here.Namespace, "service").(*v1alpha1.KeyService)); connected {
		t.Error("the connection is still used")
	}
}
