// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

// signer of the statuses and records in these tests.
var signer = Signer{Key: []byte("the operator's own")}

// noon is the time at which the tests of this package begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func hours(n int) *metav1.Duration {
	return ptr.To(metav1.Duration{Duration: time.Duration(n) * time.Hour})
}

// restingAccessKey has published key K1 an hour ago, for thirty days.
func restingAccessKey() *v1alpha1.AccessKey {
	issued := metav1.NewTime(noon.Add(-time.Hour))
	return &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-a", Name: "backup", UID: "uid-of-backup", Generation: 3, CreationTimestamp: issued,
			Finalizers: []string{v1alpha1.RevokeFinalizer},
		},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "qumulo"},
			User:       "local:backup", TTL: hours(720), RenewBefore: hours(240),
		},
		Status: v1alpha1.AccessKeyStatus{
			ObservedGeneration: 3, KeyID: "K1", AccessKeyID: "AKIA1", Revision: 1, SecretName: "backup",
			IssuedAt: issued, ExpiresAt: metav1.NewTime(issued.Add(720 * time.Hour)),
		},
	}
}

// passOf an AccessKey at rest, in which the service has answered, but for the changes.
func passOf(changes ...func(*pass)) *pass {
	p := &pass{ak: restingAccessKey(), contacted: true, signer: signer}
	p.in = plan.Input{
		Now: noon, Keys: recordedKeys(p.ak), Granted: true, Service: plan.Service{KeysPerUser: 2, Overlap: true, Held: true},
		Secret: plan.Secret{State: plan.SecretIntact, Record: plan.Record{KeyID: "K1", AccessKeyID: "AKIA1", Revision: 1}, UpToDate: true},
	}
	for _, change := range changes {
		change(p)
	}
	sign(p.ak)
	p.rebase(p.ak)
	return p
}

// sign makes a status one that the operator wrote.
func sign(ak *v1alpha1.AccessKey) {
	proof, err := signer.signStatus(ak)
	if err != nil {
		panic(err)
	}
	ak.Status.Proof = proof
}

func withoutKey(p *pass) {
	p.ak.Status = v1alpha1.AccessKeyStatus{}
	p.in.Keys, p.in.Secret = nil, plan.Secret{State: plan.SecretAbsent}
}

func deleted(p *pass) { p.ak.DeletionTimestamp = ptr.To(metav1.NewTime(noon)) }

func suspended(p *pass) { p.ak.Spec.Suspend = ptr.To(true) }

func withoutContact(p *pass) { p.contacted = false }

func holding(state plan.SecretState) func(*pass) {
	return func(p *pass) { p.in.Secret = plan.Secret{State: state} }
}

// having a condition from a former pass.
func having(conditionType string, status metav1.ConditionStatus, reason string) func(*pass) {
	return func(p *pass) {
		p.ak.Status.Conditions = append(p.ak.Status.Conditions, metav1.Condition{
			Type: conditionType, Status: status, Reason: reason, Message: "as it was",
			ObservedGeneration: p.ak.Generation, LastTransitionTime: metav1.NewTime(noon.Add(-time.Hour)),
		})
	}
}

// failing of a service.
func failing(kind keyservice.Kind) *keyservice.Error {
	return &keyservice.Error{Kind: kind, Op: "create key", Err: errors.New("the service said no")}
}

// serviceErrors are one of each kind.
func serviceErrors() map[keyservice.Kind]error {
	all := map[keyservice.Kind]error{}
	for _, kind := range []keyservice.Kind{
		keyservice.Unavailable, keyservice.Throttled, keyservice.Unauthorized, keyservice.QuotaExceeded,
		keyservice.NotFound, keyservice.Invalid, keyservice.Ambiguous,
	} {
		all[kind] = failing(kind)
	}
	return all
}

func connectError(reason string) error {
	return &connect.Error{Reason: reason, Err: errors.New("mend the KeyService")}
}

// conditionOf is a condition in one line: "True Issued: message", or "absent". It must be about the present spec.
func conditionOf(t *testing.T, p *pass, conditionType string) string {
	t.Helper()
	found := meta.FindStatusCondition(p.ak.Status.Conditions, conditionType)
	if found == nil {
		return "absent"
	}
	if found.ObservedGeneration != p.ak.Generation {
		t.Errorf("%s is about generation %d", conditionType, found.ObservedGeneration)
	}
	return fmt.Sprintf("%s %s: %s", found.Status, found.Reason, found.Message)
}

func expectCondition(t *testing.T, p *pass, conditionType, want string) {
	t.Helper()
	if got := conditionOf(t, p, conditionType); got != want {
		t.Errorf("%s:\n got %s\nwant %s", conditionType, got, want)
	}
}

// staleGet is a cache that is behind with one AccessKey.
func staleGet(stale *v1alpha1.AccessKey) func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
	return func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
		if ak, ok := object.(*v1alpha1.AccessKey); ok {
			stale.DeepCopyInto(ak)
			return nil
		}
		return c.Get(ctx, key, object, opts...)
	}
}

