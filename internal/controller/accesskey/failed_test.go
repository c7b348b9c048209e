// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

// failingMaker accepts every create, and lists the keys that it accepted after a moment as Failed.
type failingMaker struct {
	*fake.Service
	fake.HandleChooser
	fake.Regenerator

	why string
}

// List implements keyservice.Service.
func (f *failingMaker) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	keys, err := f.Service.List(ctx, user)
	for i := range keys {
		if f.why != "" && keys[i].State == keyservice.Pending {
			keys[i].State, keys[i].Message = keyservice.Failed, f.why
		}
	}
	return keys, err
}

func TestAKeyThatTheServiceCouldNotMakeIsReportedAndTriedAgainWithABackOff(t *testing.T) {
	b := newBed(t, fake.Options{Provisioning: 10 * time.Second, ChoosesID: true})
	service := &failingMaker{b.service, b.service.HandleChooser(), b.service.Regenerator(), "no space"}
	b.use(service)
	for count, pause := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second} {
		b.reconcile() // creates a key, which waits
		if failures := b.accessKey().Status.Failures; count > 0 && (failures == nil || failures.Count != int32(count)) {
			t.Fatalf("a pair that waits ends the failures: %+v", failures)
		}
		b.clock.Step(5 * time.Second)
		b.reconcile()
		status := b.accessKey().Status
		const why = ": the service accepted the request, but could not create the key: no space"
		said := "create key: key " + b.service.History()[count].ID + why
		b.expectCondition(v1alpha1.ConditionSynced, "False Unavailable: "+said)
		b.expectCondition(v1alpha1.ConditionReconciling, "True Retrying: "+said+"; the next attempt is at "+status.Failures.NextAttempt.UTC().Format(time.RFC3339))
		b.expectCondition(v1alpha1.ConditionReady, "Unknown Pending: No pair has been issued yet: "+said)
		if status.Intent != nil || status.Failures == nil || status.Failures.NextAttempt.Sub(status.Failures.LastTime.Time).Truncate(5*time.Second) != pause {
			t.Errorf("after %d: %+v", count, status)
		}
		b.expectKeys(count+1, 0)
		b.clock.Step(pause + pause/10)
	}
	service.why = ""
	b.settle()
	b.expectPublished(1)
	if b.accessKey().Status.Failures != nil {
		t.Error("the failures are not over")
	}
}

func TestADeletedAccessKeyDoesNotWaitForAKeyThatFailed(t *testing.T) {
	b := newBed(t, fake.Options{Provisioning: 10 * time.Second, ChoosesID: true})
	b.use(&failingMaker{b.service, b.service.HandleChooser(), b.service.Regenerator(), "no space"})
	b.reconcile()
	b.delete(kube.AccessKey)
	b.settle()
	b.expectKeys(1, 0)
	if b.clock.Now().Sub(noon) > time.Second {
		t.Errorf("it took until %s", b.clock.Now())
	}
}
