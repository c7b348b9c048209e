// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/test/fake"
)

// newTellingBed has a service that tells when a key was last used, and an AccessKey whose pair was rotated. The old key works for ten
// more days, of its life of ten days.
func newTellingBed(t *testing.T, rotation *v1alpha1.Rotation) *bed {
	t.Helper()
	b := newBed(t, fake.Options{})
	b.telling()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.Rotation = rotation })
	b.settle()
	b.renew()
	b.settle()
	b.expectPublished(2)
	return b
}

func (b *bed) telling() {
	b.t.Helper()
	b.use(struct {
		*fake.Service
		fake.AllLister
		fake.UserResolver
		fake.Disabler
		fake.Enabler
		fake.LastUsedReporter
	}{b.service, b.service.AllLister(), b.service.UserResolver(), b.service.Disabler(), b.service.Enabler(), b.service.LastUsedReporter()})
}

// pass lets time pass in steps of the resync period, as the manager does.
func (b *bed) pass(d time.Duration) (events []string) {
	b.t.Helper()
	for end := b.clock.Now().Add(d); b.clock.Now().Before(end); {
		b.clock.Step(min(b.r.ResyncPeriod, end.Sub(b.clock.Now())))
		b.reconcile()
		events = append(events, b.events...)
	}
	return events
}

var whenIdle = &v1alpha1.Rotation{RevokePrevious: v1alpha1.RevokeWhenIdle}

func TestTheLastUseOfAnOldKeyIsReadOnceAnHour(t *testing.T) {
	b := newTellingBed(t, nil)
	b.pass(59 * time.Minute)
	b.service.UseKey(first)
	if asked := b.service.Calls()[fake.LastUsed]; asked != 0 {
		t.Errorf("asked %d times in the first hour", asked)
	}
	writes := 0
	for range 12 {
		b.pass(10 * time.Minute)
		b.service.UseKey(first)
		b.service.UseKey("FAKE0000000000000002")
		writes += b.count(writesStatus)
	}
	if asked := b.service.Calls()[fake.LastUsed]; asked < 2 || asked > 3 || writes > 1 {
		t.Errorf("asked %d times and wrote the status %d times in two hours", asked, writes)
	}
	if old := b.old(); old.LastUsedAt.IsZero() {
		t.Errorf("recorded: %+v", old)
	}
}

func TestAnIdleKeyIsRevokedEarly(t *testing.T) {
	b := newTellingBed(t, whenIdle)
	b.pass(5 * time.Hour)
	b.service.UseKey(first)
	b.pass(23 * time.Hour)
	b.expectKeys(2, 2)
	events := b.pass(2 * time.Hour)
	b.expectKeys(2, 1)
	if len(events) != 1 || !strings.HasPrefix(events[0], "Normal Revoked Revoked key FAKE0000000000000001 of user \"name:backup\", which nobody has used since 2026-03-01T") {
		t.Errorf("sent %q", events)
	}
	b.expectPublished(2)
}

func TestAKeyWhoseUseIsNotKnownStaysUntilItsTime(t *testing.T) {
	b := newTellingBed(t, whenIdle)
	unknown := 0
	for range 6 * 40 {
		b.service.FailNext(fake.LastUsed, fake.Fault{Kind: keyservice.Unauthorized})
		for _, event := range b.pass(10 * time.Minute) {
			if strings.HasPrefix(event, "Warning LastUseUnknown The service did not tell when key FAKE0000000000000001 was last used, so it counts as in use: ") {
				unknown++
			}
		}
	}
	b.expectKeys(2, 2)
	if unknown != 1 || b.accessKey().Status.Failures != nil {
		t.Errorf("told %d times; failures: %+v", unknown, b.accessKey().Status.Failures)
	}
	b.restart()
	b.telling()
	b.pass(20 * time.Minute) // a process that has just started asks, and this time the service answers
	b.expectKeys(2, 1)
}

func TestAConsumerThatNeverTookTheNewPairIsToldOnce(t *testing.T) {
	b := newTellingBed(t, whenIdle)
	told, inUse := 0, 0
	for range 9*24 + 23 {
		b.service.UseKey(first)
		for _, event := range b.pass(time.Hour) {
			if strings.HasPrefix(event, "Warning PreviousKeyInUse Access key FAKE0000000000000001, which was replaced at 2026-03-01T") {
				told++
			}
		}
		if b.inUse() {
			inUse++
		}
	}
	if told != 1 || inUse < 20 || inUse > 24 {
		t.Errorf("told %d times, and for %d hours by the metric", told, inUse)
	}
	b.pass(2 * time.Hour)
	b.expectKeys(2, 1)
	if b.inUse() {
		t.Error("the metric reports a key that was revoked")
	}
}

// inUse reports whether the metric accesskey_previous_key_in_use has a series of the AccessKey.
func (b *bed) inUse() bool { return plan.Input{AccessKey: b.accessKey()}.UsedLate() }

func TestAnIdleKeyGoesIntoQuarantine(t *testing.T) {
	b := newTellingBed(t, &v1alpha1.Rotation{RevokePrevious: v1alpha1.RevokeWhenIdle, Quarantine: hours(72)})
	events := b.pass(25 * time.Hour)
	if len(events) != 1 || !strings.HasPrefix(events[0], "Normal Disabled Disabled access key FAKE0000000000000001 of user \"name:backup\", which nobody has used since") {
		t.Errorf("sent %q", events)
	}
	if old := b.old(); old.State != v1alpha1.KeyDisabled || old.RevokeAt.After(b.clock.Now()) {
		t.Errorf("recorded: %+v", old)
	}
}

func TestAServiceThatDoesNotTellTheLastUseIsTold(t *testing.T) {
	b := newRotatedBed(t, fake.Options{})
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.Rotation, ak.Generation = whenIdle, 4 })
	b.reconcile()
	b.expectEvents("Warning LastUseUnsupported rotation.revokePrevious: WhenIdle has no effect, because the service does not tell when a key was last used")
	b.pass(48 * time.Hour)
	b.expectKeys(2, 2)
}
