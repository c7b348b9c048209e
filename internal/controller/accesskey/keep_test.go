// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

// The IDs of the first two keys.
const first, second = "FAKE0000000000000001", "FAKE0000000000000002"

// newRotatedBed has an AccessKey whose first key is a previous key.
func newRotatedBed(t *testing.T, options fake.Options) *bed {
	b := newBed(t, options)
	b.settle()
	b.renew()
	b.settle()
	b.expectPublished(2)
	return b
}

// endOverlap makes the previous key due.
func (b *bed) endOverlap() { b.clock.Step(240 * time.Hour) }

func (b *bed) retain() {
	b.t.Helper()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.DeletionPolicy = v1alpha1.DeletionPolicyRetain })
	b.delete(kube.AccessKey)
	b.settle()
	b.expectGone()
	b.kube.CollectGarbage()
}

func (b *bed) expectGone() {
	b.t.Helper()
	if b.kube.Get(kube.AccessKey, here.Namespace, here.Name) != nil {
		b.t.Error("the AccessKey is still there")
	}
}

func TestRetainKeepsWhatTheNextAccessKeyAdopts(t *testing.T) {
	b := newRotatedBed(t, fake.Options{})
	b.retain()
	b.expectEvents("Normal Retained Kept the keys " + second + ", " + first + ` of user "name:backup" at the service and Secret backup `)
	kept := b.secret(here.Name)
	if kept == nil || len(kept.OwnerReferences) > 0 {
		t.Fatalf("the Secret became %+v", kept)
	}
	b.create(newAccessKey())
	b.reconcile()
	b.expectEvents("Normal Adopted Adopted access key " + second + ", " + first + ` of user "name:backup", to which the record on Secret backup leads`)
	b.settle()
	b.expectKeys(2, 2)
	b.expectPublished(2)
	if adopted := b.secret(here.Name); !metav1.IsControlledBy(adopted, b.accessKey()) || adopted.UID != kept.UID {
		t.Errorf("the Secret became %+v", adopted.ObjectMeta)
	}
	if previous := b.accessKey().Status.PreviousKeys; len(previous) != 1 || previous[0].KeyID != first {
		t.Errorf("previous keys: %+v", previous)
	}
}

func TestAFormerSecretIsDeletedWithItsKey(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = "renamed" })
	b.settle()
	b.expectKeys(2, 2)
	if b.secret("renamed") == nil || b.secret("backup") == nil {
		t.Fatal("in the overlap, both Secrets are needed")
	}
	b.endOverlap()
	b.settle()
	b.expectKeys(2, 1)
	if b.secret("renamed") == nil || b.secret("backup") != nil {
		t.Error("the former Secret outlives its key, or the wrong one was deleted")
	}
}

// TestTheFinalizerStaysUntilTheKeysAreGone: an accepted deletion is not enough.
func TestTheFinalizerStaysUntilTheKeysAreGone(t *testing.T) {
	b := newBed(t, fake.Options{Destroying: time.Minute})
	b.settle()
	b.delete(kube.AccessKey)
	b.reconcile()
	b.expectKeys(1, 0)
	b.expectCondition(v1alpha1.ConditionReconciling, "True Revoking: The keys are being revoked")
	b.settle()
	b.expectGone()
	if waited := b.clock.Since(noon); waited < time.Minute {
		t.Errorf("the finalizer was removed after %s", waited)
	}
}

func TestAKeyIsDisabledBeforeItIsDeleted(t *testing.T) {
	b := newRotatedBed(t, fake.Options{})
	b.connection.Service = struct {
		*fake.Service
		fake.UserResolver
		fake.Disabler
	}{b.service, b.service.UserResolver(), b.service.Disabler()}
	b.endOverlap()
	b.service.FailNext(fake.Delete, fake.Fault{Kind: keyservice.Unavailable})
	b.reconcile()
	if previous := b.accessKey().Status.PreviousKeys; len(previous) != 1 || previous[0].State != v1alpha1.KeyDisabled || b.service.Active(first) {
		t.Errorf("previous keys: %+v", previous)
	}
	b.settle()
	b.expectKeys(2, 1)
}

// TestADeletionHasAnIntentWhereIDsAreReused: one that is carried out late would delete the next key with the ID.
func TestADeletionHasAnIntentWhereIDsAreReused(t *testing.T) {
	for name, test := range map[string]struct {
		fault *fake.Fault
		open  bool
	}{
		"it succeeds":             {nil, false},
		"its response is lost":    {&fake.Fault{CarriedOut: true}, true},
		"the service rejected it": {&fake.Fault{Kind: keyservice.Unauthorized}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newRotatedBed(t, fake.Options{})
			b.connection.ReusesIDs = true
			b.endOverlap()
			written := false
			b.gate = once(writesStatus, func(_ kube.Call, carryOut func() error) error {
				err, intent := carryOut(), b.accessKey().Status.Intent
				written = intent.Operation == v1alpha1.OperationRevoke && intent.KeyID == first && b.service.Calls()[fake.Delete] == 0
				return err
			})
			if test.fault != nil {
				b.service.FailNext(fake.Delete, *test.fault)
			}
			b.reconcile()
			if open := b.accessKey().Status.Intent != nil; !written || open != test.open {
				t.Errorf("written before the request: %t, open afterwards: %t", written, open)
			}
			b.settle()
			b.expectKeys(2, 1)
			b.expectPublished(2)
		})
	}
}

// TestADeletionLeavesTheOperationOnAnotherKeyOpen: a previous key can be revoked while that waits for a person.
func TestADeletionLeavesTheOperationOnAnotherKeyOpen(t *testing.T) {
	for open, stays := range map[string]bool{"K9": true, first: false} {
		b := newRotatedBed(t, fake.Options{})
		b.connection.ReusesIDs = true
		b.change(func(ak *v1alpha1.AccessKey) {
			ak.Status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationRegenerate, KeyID: open, Revision: 3, StartedAt: metav1.NewTime(noon)}
		})
		s := b.scope()
		b.must(b.r.deleteKey(t.Context(), s, first))
		if intent := s.ak.Status.Intent; (intent != nil) != stays || stays && intent.Operation != v1alpha1.OperationRegenerate {
			t.Errorf("the deletion of %s leaves the intent %+v of an operation on %s", first, intent, open)
		}
		b.expectKeys(2, 1)
	}
}

func TestRetainKeepsTheSecretWithThePair(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = "renamed" })
	b.retain()
	if b.secret("backup") == nil {
		t.Error("the keys are kept, and the only Secret with a pair is deleted")
	}
}

// TestItsOwnWriteIsAwaited: a reconciliation that sees the AccessKey as it was before would read everything live, in vain.
func TestItsOwnWriteIsAwaited(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.lag[kube.AccessKey] = time.Hour
	b.reconcile()
	b.expectPublished(1)
	if result := b.reconcile(); len(b.calls) > 0 || result.RequeueAfter != cacheDelay {
		t.Errorf("made the calls %q, and comes again after %s", b.calls, result.RequeueAfter)
	}
	b.clock.Step(cacheDelay) // the cache may never have it
	if b.reconcile(); len(b.calls) == 0 {
		t.Error("still waits")
	}
	b.expectKeys(1, 1)
}
