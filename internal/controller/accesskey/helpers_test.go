// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

// noon is the time at which the tests begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// here is the AccessKey of most tests.
var here = types.NamespacedName{Namespace: "team-a", Name: "backup"}

// identity of the key service of most tests.
const identity = "fake/1"

func hours(n int) *metav1.Duration { return &metav1.Duration{Duration: time.Duration(n) * time.Hour} }

// newAccessKey returns an AccessKey without a status.
func newAccessKey() *v1alpha1.AccessKey {
	return &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: here.Namespace, Name: here.Name, UID: "uid-of-backup", Generation: 3},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "service"},
			User:       "name:backup", TTL: hours(720), RenewBefore: hours(240),
		},
	}
}

// published returns an AccessKey that published the key K1 an hour ago.
func published() *v1alpha1.AccessKey {
	ak := newAccessKey()
	ak.Finalizers = []string{v1alpha1.RevokeFinalizer}
	ak.Status = v1alpha1.AccessKeyStatus{
		ObservedGeneration: 3, KeyID: "K1", AccessKeyID: "AKIA1", UserID: "backup", Revision: 1, SecretName: "backup",
		SecretResourceVersion: "7", IssuedAt: metav1.NewTime(noon.Add(-time.Hour)),
	}
	return ak
}

// scopeOf returns the scope of a published AccessKey whose service answered, with changes.
func scopeOf(changes ...func(*scope)) *scope {
	s := &scope{name: here, ak: published(), contacted: true}
	s.in = plan.Input{
		Now: noon, Keys: recordedKeys(s.ak), Granted: true, UserID: "backup",
		Service: plan.Service{Identity: identity, KeysPerUser: 2, Overlap: true, InUse: true},
		Secret:  plan.Secret{State: plan.SecretIntact, Record: plan.RecordOf(s.ak, identity), UpToDate: true},
	}
	for _, change := range changes {
		change(s)
	}
	s.rebase(s.ak)
	return s
}

func withoutKey(s *scope) {
	s.ak.Status = v1alpha1.AccessKeyStatus{}
	s.in.Keys, s.in.Secret, s.in.UserID = nil, plan.Secret{State: plan.SecretAbsent}, ""
}

func deleted(s *scope) { s.ak.DeletionTimestamp = ptr.To(metav1.NewTime(noon)) }

func suspended(s *scope) { s.ak.Spec.Suspend = ptr.To(true) }

func withoutContact(s *scope) { s.contacted = false }

func listingFailed(s *scope) { s.contacted, s.syncErr = false, failing(keyservice.Unavailable) }

func withSecret(state plan.SecretState) func(*scope) {
	return func(s *scope) { s.in.Secret = plan.Secret{State: state} }
}

// withCondition adds a condition of an earlier scope.
func withCondition(conditionType string, status metav1.ConditionStatus, reason string) func(*scope) {
	return func(s *scope) {
		s.ak.Status.Conditions = append(s.ak.Status.Conditions, metav1.Condition{
			Type: conditionType, Status: status, Reason: reason, Message: "as before",
			ObservedGeneration: s.ak.Generation, LastTransitionTime: metav1.NewTime(noon.Add(-time.Hour)),
		})
	}
}

// store passes the AccessKey through JSON, as the API server does.
func store(t *testing.T, s *scope) {
	t.Helper()
	encoded, err := json.Marshal(s.ak)
	if err != nil {
		t.Fatal(err)
	}
	stored := &v1alpha1.AccessKey{}
	if err := json.Unmarshal(encoded, stored); err != nil {
		t.Fatal(err)
	}
	s.rebase(stored)
}

// refusal is the text of the errors of failing.
const refusal = "create key: the service said no"

// failing returns an error of a service.
func failing(kind keyservice.Kind) *keyservice.Error {
	return &keyservice.Error{Kind: kind, Op: "create key", Err: errors.New("the service said no")}
}

func connectError(reason string) error {
	return &connect.Error{Reason: reason, Err: errors.New("correct the KeyService")}
}

// condition returns a condition in one line, such as "True Issued: message", or "absent".
func condition(ak *v1alpha1.AccessKey, conditionType string) string {
	found := meta.FindStatusCondition(ak.Status.Conditions, conditionType)
	if found == nil {
		return "absent"
	}
	return fmt.Sprintf("%s %s: %s", found.Status, found.Reason, found.Message)
}

func expectCondition(t testing.TB, ak *v1alpha1.AccessKey, conditionType, want string) {
	t.Helper()
	if got := condition(ak, conditionType); got != want {
		t.Errorf("%s:\n got %s\nwant %s", conditionType, got, want)
	}
	if found := meta.FindStatusCondition(ak.Status.Conditions, conditionType); found != nil && found.ObservedGeneration != ak.Generation {
		t.Errorf("%s is about generation %d", conditionType, found.ObservedGeneration)
	}
}

// sent returns the events of a scope, such as "Normal Issued text".
func sent(s *scope) []string {
	recorder := events.NewFakeRecorder(16)
	s.emit(context.Background(), recorder)
	return received(recorder)
}

func received(recorder *events.FakeRecorder) (all []string) {
	for {
		select {
		case event := <-recorder.Events:
			all = append(all, event)
		default:
			return all
		}
	}
}
