// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/fake"
)

// newDisablingBed has a service that can disable keys, and an AccessKey that asks for a quarantine of three days. Its pair was
// rotated.
func newDisablingBed(t *testing.T) *bed {
	t.Helper()
	b := newBed(t, fake.Options{})
	b.disabling()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.Rotation = &v1alpha1.Rotation{Quarantine: hours(72)} })
	b.settle()
	b.renew()
	b.settle()
	b.expectPublished(2)
	return b
}

func (b *bed) disabling() {
	b.t.Helper()
	b.use(struct {
		*fake.Service
		fake.AllLister
		fake.UserResolver
		fake.Disabler
		fake.Enabler
	}{b.service, b.service.AllLister(), b.service.UserResolver(), b.service.Disabler(), b.service.Enabler()})
}

// TestAKeyThatWorksOnIsNotAnnouncedAsDead covers the events of a disabled and of a deleted key.
func TestAKeyThatWorksOnIsNotAnnouncedAsDead(t *testing.T) {
	b := newDisablingBed(t)
	b.connection.WorksOn = 15 * time.Second
	b.endOverlap()
	b.reconcile()
	b.expectEvents("Normal Disabled Disabled access key FAKE0000000000000001 of user \"name:backup\", whose overlap is over; the service can accept it for 15s more; it is deleted at 2026-03-14")
	b.settle()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.CompromisedKeyIDs = []string{first} })
	b.reconcile()
	b.expectEvents("Normal Revoked Revoked key FAKE0000000000000001 of user \"name:backup\"; the service can accept it for 15s more")
}

// askToEnable sets the annotation.
func (b *bed) askToEnable(value string) {
	b.t.Helper()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Annotations[v1alpha1.EnableAnnotation] = value })
}

// old returns the previous key as it is recorded.
func (b *bed) old() v1alpha1.PreviousKey {
	b.t.Helper()
	if previous := b.accessKey().Status.PreviousKeys; len(previous) == 1 {
		return previous[0]
	}
	b.t.Fatalf("previous keys: %+v", b.accessKey().Status.PreviousKeys)
	return v1alpha1.PreviousKey{}
}

func TestAKeyStaysInQuarantineBeforeItIsDeleted(t *testing.T) {
	b := newDisablingBed(t)
	b.endOverlap()
	b.reconcile()
	b.expectEvents("Normal Disabled Disabled access key FAKE0000000000000001 of user \"name:backup\", whose overlap is over; it is deleted at 2026-03-14")
	if old := b.old(); b.service.Active(first) || old.State != v1alpha1.KeyDisabled || old.DeleteAt.Sub(b.clock.Now()).Round(time.Minute) != 72*time.Hour {
		t.Errorf("recorded: %+v", old)
	}
	b.settle()
	calls := b.service.Calls()[fake.Disable]
	b.clock.Step(b.r.ResyncPeriod)
	b.settle()
	if again := b.service.Calls()[fake.Disable]; again != calls || calls != 1 {
		t.Errorf("disabled %d times, then %d times", calls, again)
	}
	b.clock.SetTime(b.old().DeleteAt.Add(-time.Second))
	b.reconcile()
	b.expectKeys(2, 2)
	b.clock.SetTime(b.old().DeleteAt.Time)
	b.settle()
	b.expectKeys(2, 1)
	b.expectPublished(2)
}

func TestAKeyThatWasDisabledBeforeACrashIsDisabledAgain(t *testing.T) {
	b := newDisablingBed(t)
	b.endOverlap()
	b.gate = once(writesStatus, fails(errTimeout))
	if _, err := b.try(); err == nil || b.service.Active(first) {
		t.Fatalf("got %v", err)
	}
	b.expectEvents()
	b.restart()
	b.disabling()
	b.reconcile()
	b.expectEvents("Normal Disabled")
	if old := b.old(); old.State != v1alpha1.KeyDisabled || old.DeleteAt.IsZero() {
		t.Errorf("recorded: %+v", old)
	}
}

func TestAKeyInQuarantineIsEnabledByTheAnnotation(t *testing.T) {
	b := newDisablingBed(t)
	b.endOverlap()
	b.settle()
	b.clock.Step(time.Hour)
	b.askToEnable(first + " please")
	b.service.FailNext(fake.Enable, fake.Fault{CarriedOut: true})
	b.reconcile()
	if b.accessKey().Status.LastHandledEnable != "" {
		t.Error("the annotation counts as answered although the answer was lost")
	}
	b.settle()
	old := b.old()
	if !b.service.Active(first) || old.State != v1alpha1.KeyActive || !old.DeleteAt.IsZero() || old.RevokeAt.Sub(old.EnabledAt.Time) != 240*time.Hour ||
		b.accessKey().Status.LastHandledEnable != first+" please" {
		t.Errorf("recorded: %+v", old)
	}
	b.clock.SetTime(old.RevokeAt.Time)
	b.reconcile()
	b.expectEvents("Normal Disabled")
	if again := b.old(); b.service.Active(first) || !again.DeleteAt.After(old.RevokeAt.Time) {
		t.Errorf("after another overlap: %+v", again)
	}
}

func TestAKeyThatCannotBeEnabledIsTold(t *testing.T) {
	b := newDisablingBed(t)
	b.askToEnable("FAKE9")
	b.reconcile()
	b.expectEvents("Warning EnableRefused Key FAKE9, which the annotation accesskey.dev/enable names, was not enabled: it is no previous key of this AccessKey")
	b.settle()
	b.expectEvents()
	b.expectCondition(v1alpha1.ConditionStalled, "absent")
	b.askToEnable(first)
	b.reconcile()
	b.expectEvents("Warning EnableRefused Key FAKE0000000000000001, which the annotation accesskey.dev/enable names, was not enabled: it is not in quarantine, and works until")
	b.endOverlap()
	b.settle()
	b.service.RemoveKey(first)
	b.askToEnable(first + " again")
	b.reconcile()
	b.expectEvents("Warning EnableRefused Key FAKE0000000000000001, which the annotation accesskey.dev/enable names, was not enabled: the service no longer has it")
}

func TestAKeyInQuarantineThatAPersonEnabledIsDisabledAgain(t *testing.T) {
	b := newDisablingBed(t)
	b.endOverlap()
	b.settle()
	deleteAt := b.old().DeleteAt
	b.clock.Step(time.Second)
	b.must(b.service.Enabler().Enable(t.Context(), userID, first))
	b.clock.Step(b.r.ResyncPeriod)
	b.reconcile()
	b.expectEvents("Warning Disabled Disabled access key FAKE0000000000000001 of user \"name:backup\" again, which somebody had enabled at the service")
	if old := b.old(); b.service.Active(first) || !old.DeleteAt.After(deleteAt.Time) {
		t.Errorf("recorded: %+v", old)
	}
}

func TestARotationEndsAQuarantineThatHasItsPlace(t *testing.T) {
	b := newDisablingBed(t)
	b.endOverlap()
	b.settle()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Annotations[v1alpha1.RenewAnnotation] = "again" })
	b.reconcile()
	b.expectEvents("Warning QuarantineEnded The quarantine of key FAKE0000000000000001 ended before 2026-03-14", "Normal Revoked Revoked key FAKE0000000000000001 of user \"name:backup\" to make room for a new key")
	b.settle()
	b.expectPublished(3)
	b.expectKeys(3, 2)
}

func TestADeletedAccessKeyDoesNotWaitForAQuarantine(t *testing.T) {
	b := newDisablingBed(t)
	b.endOverlap()
	b.settle()
	b.delete("AccessKey")
	b.settle()
	b.expectKeys(2, 0)
}

func TestAQuarantineThatTheServiceCannotKeepIsTold(t *testing.T) {
	b := newRotatedBed(t, fake.Options{})
	b.change(func(ak *v1alpha1.AccessKey) {
		ak.Spec.Rotation, ak.Generation = &v1alpha1.Rotation{Quarantine: hours(72)}, 4
	})
	b.reconcile()
	b.expectEvents("Warning QuarantineUnsupported rotation.quarantine has no effect, because the service cannot disable keys")
	b.reconcile()
	b.expectEvents()
	b.endOverlap()
	b.settle()
	b.expectKeys(2, 1)
}

func TestAServiceThatOnlyDisablesKeepsNoQuarantine(t *testing.T) {
	b := newDisablingBed(t)
	b.use(struct {
		*fake.Service
		fake.AllLister
		fake.UserResolver
		fake.Disabler
	}{b.service, b.service.AllLister(), b.service.UserResolver(), b.service.Disabler()})
	b.endOverlap()
	b.settle()
	b.expectKeys(2, 1)
}

func TestAFailedDisablingIsTriedAgain(t *testing.T) {
	b := newDisablingBed(t)
	b.endOverlap()
	b.service.FailNext(fake.Disable, fake.Fault{Kind: keyservice.Unavailable})
	b.reconcile()
	if old := b.old(); old.State == v1alpha1.KeyDisabled || b.accessKey().Status.Failures == nil {
		t.Errorf("recorded: %+v", old)
	}
	b.settle()
	if old := b.old(); old.State != v1alpha1.KeyDisabled || b.accessKey().Status.Failures != nil {
		t.Errorf("recorded: %+v", old)
	}
}
