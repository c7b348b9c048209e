// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

// TestANamespaceThatTheCacheLacksIsRetried: no event follows when it appears.
func TestANamespaceThatTheCacheLacksIsRetried(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.create(&v1alpha1.ClusterKeyService{ObjectMeta: metav1.ObjectMeta{Name: "service"}})
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Kind = v1alpha1.KindClusterKeyService })
	if result, err := b.try(); err == nil && result.RequeueAfter == 0 {
		t.Error("the AccessKey is never reconciled again")
	}
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
		ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{Labels: map[string]string{"team": "a"}}
	})
	b.restart()
	b.settle()
	b.expectPublished(1)
	if labels := b.secret(here.Name).Labels; labels["team"] != "a" {
		t.Errorf("the labels of the Secret are %v", labels)
	}
}

// recreatable is a service where a user that is deleted and created again gets another ID, and the keys of the former one
// stay. Qumulo is such a service.
type recreatable struct {
	*fake.Service
	fake.AllLister
	id *string
}

func (s recreatable) ResolveUser(context.Context, string) (string, error) { return *s.id, nil }

func TestTheKeyOfAUserThatWasCreatedAgainIsNotLost(t *testing.T) {
	b := newBed(t, fake.Options{})
	id := userID
	b.use(recreatable{b.service, b.service.AllLister(), &id})
	b.settle()
	former := b.accessKey().Status.KeyID
	id = "501"
	b.service.AddUser(id)
	b.renew()
	b.service.FailNext(fake.Create, fake.Fault{Kind: keyservice.NotFound}) // for the former user
	b.settle()
	if len(b.service.Keys(id)) != 1 {
		t.Fatalf("the new user has the keys %+v", b.service.Keys(id))
	}
	if recorded := b.accessKey().RecordedKeyIDs(); b.service.Active(former) && !slices.Contains(recorded, former) {
		t.Errorf("key %s works, and the status records only %s", former, recorded)
	}
}

func TestAReplacementWithoutRegenerationIsReportedAsARotation(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.change(func(ak *v1alpha1.AccessKey) {
		ak.Spec.Rotation = &v1alpha1.Rotation{Strategy: v1alpha1.StrategyReplace}
	})
	b.settle()
	b.renew()
	b.reconcile()
	b.expectEvents("Normal Revoked ")
	b.reconcile()
	b.expectPublished(2)
	b.expectEvents("Normal Rotated ")
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

func TestRetainKeepsTheSecretWithThePair(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = "renamed" })
	b.retain()
	if b.secret("backup") == nil {
		t.Error("the keys are kept, and the only Secret with a pair is deleted")
	}
}

func TestACacheWithoutTheSecretCausesNoSecondKey(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	b.change(func(ak *v1alpha1.AccessKey) { ak.Finalizers = nil })
	b.lag[kube.Secret] = time.Hour
	b.restart()
	b.reconcile()
	b.expectKeys(1, 1)
}
