// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

// TestAKeyWhoseSecretIsRefusedIsRolledBack: the message has the API server's words without the pair that they quote.
func TestAKeyWhoseSecretIsRefusedIsRolledBack(t *testing.T) {
	for name, test := range map[string]struct {
		refused func(*bed) error
		message string
	}{
		"by a quota": {func(*bed) error { return errDenied }, errDenied.Error()},
		"by a webhook that quotes the pair": {func(b *bed) error {
			pairs := b.service.Secrets()
			return apierrors.NewBadRequest("denied: " + base64.StdEncoding.EncodeToString([]byte(pairs[len(pairs)-1])))
		}, "denied: [redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(b *bed) {
				b.gate = on(writesSecret, func(kube.Call, func() error) error { return test.refused(b) })
				if result := b.reconcile(); result.RequeueAfter != firstRetry {
					b.t.Errorf("is reconciled again after %s", result.RequeueAfter)
				}
				b.expectKeys(1, 0)
				if status := b.accessKey().Status; status.Intent != nil || status.KeyID != "" || status.Failures == nil || status.Failures.Count != 1 {
					b.t.Errorf("recorded %+v", status)
				}
				b.expectCondition(v1alpha1.ConditionStalled, "True SecretRefused: writing Secret backup: "+test.message)
				b.expectCondition(v1alpha1.ConditionSynced, "True ServiceReachable: The service answered")
				b.expectEvents("Warning SecretRefused ")
				b.reconcile()
				b.expectKeys(1, 0) // the back-off
				b.gate = nil
				b.settle()
				b.expectKeys(2, 1)
				b.expectPublished(1)
			})
		})
	}
}

// TestAPairWhoseSecretCannotBeWrittenIsKeptForTheNextReconciliation, however long that takes. Only a crash loses it.
func TestAPairWhoseSecretCannotBeWrittenIsKeptForTheNextReconciliation(t *testing.T) {
	bubble(t, func(b *bed) {
		b.gate = on(writesSecret, fails(errTimeout))
		for range 3 {
			b.reconcile()
			time.Sleep(lastRetry)
		}
		b.expectKeys(1, 1)
		if status := b.accessKey().Status; status.Intent == nil || status.Failures == nil {
			b.t.Errorf("recorded %+v", status)
		}
		if got := condition(b.accessKey(), v1alpha1.ConditionReconciling); !strings.HasPrefix(got, "True Retrying: writing Secret backup: ") || !strings.Contains(got, "; the next attempt is at 2") {
			b.t.Errorf("Reconciling is %s", got)
		}
		b.gate = nil
		b.settle()
		b.expectKeys(1, 1)
		b.expectPublished(1)
	})
}

func TestAPairThatAnotherProcessHeldIsLost(t *testing.T) {
	bubble(t, func(b *bed) {
		b.gate = on(writesSecret, fails(errTimeout))
		b.reconcile()
		b.restart()
		b.gate = nil
		b.settle()
		b.expectKeys(2, 1)
		b.expectPublished(1)
	})
}

// TestNoKeyIsCreatedForASecretThatWouldBeRefused, and none is revoked.
func TestNoKeyIsCreatedForASecretThatWouldBeRefused(t *testing.T) {
	bubble(t, func(b *bed) {
		b.gate = on("dry run of "+writesSecret, fails(errDenied))
		b.reconcile()
		b.expectKeys(0, 0)
		b.expectCondition(v1alpha1.ConditionStalled, "True SecretRefused: no key was created or revoked, because the API server does not take the Secret: writing Secret backup: "+errDenied.Error())
		b.gate = nil
		b.settle()
		b.expectPublished(1)
	})
}

func TestAKeyThatCannotBeRolledBackIsDeletedLater(t *testing.T) {
	bubble(t, func(b *bed) {
		b.gate = on(writesSecret, fails(errDenied))
		b.service.FailNext(fake.Delete, fake.Fault{Kind: keyservice.Unavailable})
		b.reconcile()
		b.expectKeys(1, 1)
		if got := condition(b.accessKey(), v1alpha1.ConditionStalled); !strings.Contains(got, "FAKE0000000000000001 could not be rolled back yet") || b.accessKey().Status.Intent == nil {
			b.t.Errorf("Stalled is %s, intent %+v", got, b.accessKey().Status.Intent)
		}
		b.gate = nil
		b.settle()
		b.expectKeys(2, 1)
		b.expectPublished(1)
	})
}

// TestOneKeyIsEnough: whatever a write of the Secret meets, the pair is published in the same scope if that is possible.
func TestOneKeyIsEnough(t *testing.T) {
	for name, meets := range map[string]func(*bed, kube.Call, func() error) error{
		"the answer is lost":     func(_ *bed, call kube.Call, carryOut func() error) error { return loseAnswer(call, carryOut) },
		"the request is lost":    func(*bed, kube.Call, func() error) error { return errTimeout },
		"the Secret has changed": func(b *bed, _ kube.Call, carryOut func() error) error { b.touch(); return carryOut() },
		"the Secret is deleted": func(b *bed, _ kube.Call, carryOut func() error) error {
			if b.secret(here.Name) != nil {
				b.delete(kube.Secret)
			}
			return carryOut()
		},
		"a second write would be refused": func(b *bed, call kube.Call, carryOut func() error) error {
			b.gate = on(writesSecret, fails(errDenied))
			return loseAnswer(call, carryOut)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(b *bed) {
				for pair := range 2 { // the first pair, and a rotation
					b.renew()
					b.gate = once(writesSecret, func(call kube.Call, carryOut func() error) error { return meets(b, call, carryOut) })
					b.reconcile()
					b.gate = nil
					b.expectKeys(pair+1, pair+1)
					b.expectPublished(int64(pair + 1))
					b.change(func(ak *v1alpha1.AccessKey) { ak.Status.LastHandledRenewal = "earlier" })
				}
			})
		})
	}
}

// touch is a change by another writer, which every write must keep.
func (b *bed) touch() {
	if found := b.secret(here.Name); found != nil {
		found.Labels["velero.io/backup"] = "yes"
		b.must(b.kube.Update(found, false))
		b.t.Cleanup(func() {
			if b.secret(here.Name).Labels["velero.io/backup"] != "yes" {
				b.t.Error("the label of another writer is gone")
			}
		})
	}
}

// TestAKeyStaysWhileItsSecretIsUnknown: deleting it could revoke what the Secret holds.
func TestAKeyStaysWhileItsSecretIsUnknown(t *testing.T) {
	noSecrets := func(call kube.Call, carryOut func() error) error {
		if call.Ref.Kind == kube.Secret {
			return errTimeout
		}
		return carryOut()
	}
	for name, test := range map[string]struct {
		write, then kube.Gate
		created     int
	}{
		"written and not readable":         {loseAnswer, noSecrets, 1},
		"neither written nor readable":     {fails(errTimeout), noSecrets, 2},
		"the refusal follows a lost write": {fails(errTimeout), on(writesSecret, fails(errDenied)), 2},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(b *bed) {
				b.gate = once(writesSecret, func(call kube.Call, carryOut func() error) error {
					b.gate = test.then
					return test.write(call, carryOut)
				})
				b.reconcile()
				b.expectKeys(1, 1)
				if status := b.accessKey().Status; status.Intent == nil || status.Failures == nil || status.Failures.Count != 1 {
					b.t.Errorf("recorded %+v", status)
				}
				b.gate = nil
				b.restart()
				b.settle()
				b.expectKeys(test.created, 1)
				b.expectPublished(1)
			})
		})
	}
}

func TestASecretThatSomebodyElseCreatesMeanwhileIsNotOverwritten(t *testing.T) {
	bubble(t, func(b *bed) {
		b.gate = once(writesSecret, func(_ kube.Call, carryOut func() error) error {
			b.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: here.Namespace, Name: here.Name}, Data: map[string][]byte{"own": []byte("data")}})
			return carryOut()
		})
		b.reconcile()
		b.expectKeys(1, 0)
		if found := b.secret(here.Name); len(found.Data) != 1 || len(found.Annotations) > 0 {
			b.t.Errorf("it became %+v", found)
		}
		b.expectEvents("Warning SecretConflict ")
	})
}

// TestAPairWaitsInTheNextSecretUntilItWorks: until then the Secret holds the pair before it.
func TestAPairWaitsInTheNextSecretUntilItWorks(t *testing.T) {
	b := newBed(t, fake.Options{Provisioning: time.Minute})
	for pair := range int64(2) {
		b.reconcile()
		if b.secret("backup-next") == nil || b.accessKey().Status.Intent == nil || b.accessKey().Status.Revision != pair {
			t.Fatalf("no pair waits: %+v", b.accessKey().Status)
		}
		b.clock.Step(time.Minute)
		b.settle()
		b.expectPublished(pair + 1)
		if b.secret("backup-next") != nil {
			t.Error("the next Secret is still there")
		}
		b.renew()
	}
	b.expectKeys(2, 2)
}

// TestASecretOfAFormerSpecIsUpdatedAfterACrash: the spec changed between the crash and the restart.
func TestASecretOfAFormerSpecIsUpdatedAfterACrash(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.gate = once(writesSecret, func(_ kube.Call, carryOut func() error) error {
		b.gate = fails(errTimeout)
		return carryOut()
	})
	if _, err := b.try(); err == nil {
		t.Fatal("the crash did not happen")
	}
	b.gate = nil
	b.change(func(ak *v1alpha1.AccessKey) {
		ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{Labels: map[string]v1alpha1.LabelValue{"team": "a"}}
	})
	b.restart()
	b.settle()
	b.expectPublished(1)
	if labels := b.secret(here.Name).Labels; labels["team"] != "a" {
		t.Errorf("the labels of the Secret are %v", labels)
	}
}

func TestAFormerSecretIsDeletedIfItsKeyVanished(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = "renamed" })
	b.service.RemoveKey(b.accessKey().Status.KeyID)
	b.settle()
	b.endOverlap()
	b.settle()
	if b.secret("renamed") == nil || b.secret("backup") != nil {
		t.Error("the former Secret still holds a pair that does not work")
	}
}
