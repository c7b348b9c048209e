// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/fake"
)

// newBedByUser has a service that lists the keys of one user at a time, and a pair.
func newBedByUser(t *testing.T) *bed {
	t.Helper()
	b := newBed(t, fake.Options{})
	b.use(struct {
		*fake.Service
		fake.UserResolver
	}{b.service, b.service.UserResolver()})
	b.settle()
	b.expectPublished(1)
	return b
}

func TestAUserThatIsGoneIsReportedLongBeforeTheRotation(t *testing.T) {
	b := newBedByUser(t)
	b.service.DeleteUser(userID)
	b.clock.Step(b.r.ResyncPeriod)
	b.reconcile()
	b.expectCondition(v1alpha1.ConditionReady, "Unknown UserNotFound: It is not known whether access key FAKE0000000000000001 still works, "+
		"because the service no longer knows user \"name:backup\"")
	b.expectCondition(v1alpha1.ConditionStalled, "True UserNotFound: find user: there is no user backup")
	b.expectEvents("Warning UserNotFound find user: there is no user backup")
	for range 10 {
		b.clock.Step(time.Minute)
		b.reconcile()
		b.expectEvents()
	}
	if status := b.accessKey().Status; status.KeyID != first || b.service.Calls()[fake.Create] > 1 {
		t.Errorf("records %+v after %v", status, b.service.Calls())
	}
	b.service.AddUser(userID)
	b.settle()
	b.expectPublished(2)
	b.expectCondition(v1alpha1.ConditionStalled, "absent")
}

func TestASingleAnswerThatAUserIsGoneChangesNothing(t *testing.T) {
	b := newBedByUser(t)
	b.service.FailNext(fake.List, fake.Fault{Kind: keyservice.NotFound})
	b.clock.Step(b.r.ResyncPeriod)
	b.reconcile()
	b.expectEvents()
	b.expectCondition(v1alpha1.ConditionStalled, "absent")
	if ready := condition(b.accessKey(), v1alpha1.ConditionReady); !strings.HasPrefix(ready, "True Issued") {
		t.Errorf("Ready: %s", ready)
	}
	b.settle()
	b.expectPublished(1)
	b.expectKeys(1, 1)
}

func TestAnErrorOfTheListingIsOverWhenTheServiceAnswers(t *testing.T) {
	b := newBedByUser(t)
	b.service.FailNext(fake.List, fake.Fault{Kind: keyservice.Throttled})
	b.clock.Step(b.r.ResyncPeriod)
	b.reconcile()
	b.expectCondition(v1alpha1.ConditionSynced, "False Throttled: list keys: the service closed the connection before its answer was complete")
	b.renew()
	b.reconcile() // lists the keys live, and creates one
	for range 3 {
		b.expectCondition(v1alpha1.ConditionSynced, "True ServiceReachable: The service answered")
		b.reconcile()
	}
	b.expectPublished(2)
}

func TestASuspendedAccessKeyTellsWhatItsSecretHolds(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.Suspend = new(true) })
	b.settle()
	calls := b.service.Calls()[fake.List]
	edited := b.secret(here.Name)
	edited.Data[v1alpha1.SecretKeySecretAccessKey] = []byte("guess")
	b.must(b.kube.Update(edited, false))
	b.reconcile()
	b.expectCondition(v1alpha1.ConditionReady, "False SecretEdited: Secret backup does not hold the published pair")
	b.delete("Secret")
	b.reconcile()
	b.expectCondition(v1alpha1.ConditionReady, "False SecretMissing: Secret backup is missing; spec.suspend is set, so no new pair is issued")
	if got := b.service.Calls()[fake.List]; got != calls {
		t.Errorf("the keys were listed %d times", got-calls)
	}
	b.expectKeys(1, 1)
}
