// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"accesskey.dev/operator/api/v1alpha1"
)

// indexer collects the indexes by the type of their objects and their name.
type indexer map[string]client.IndexerFunc

func (i indexer) IndexField(_ context.Context, object client.Object, field string, values client.IndexerFunc) error {
	i[fmt.Sprintf("%T %s", object, field)] = values
	return nil
}

func indexes(t *testing.T) indexer {
	t.Helper()
	all := indexer{}
	if err := AddIndexes(t.Context(), all, true); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestIndexes(t *testing.T) {
	const accessKeys, secrets = "*v1alpha1.AccessKey ", "*v1.Secret "
	accessKey := func(change func(*v1alpha1.AccessKey)) client.Object {
		ak := restingAccessKey()
		change(ak)
		return ak
	}
	secret := func(change func(*corev1.Secret)) client.Object {
		published, _ := publishedSecret(t, restingAccessKey(), nil)
		change(published)
		return published
	}
	for name, test := range map[string]struct {
		index  string
		object client.Object
		want   []string
	}{
		"the KeyService of an AccessKey": {accessKeys + indexService, restingAccessKey(), []string{"team-a/qumulo"}},
		"its ClusterKeyService": {accessKeys + indexService, accessKey(func(ak *v1alpha1.AccessKey) {
			ak.Spec.ServiceRef.Kind = v1alpha1.KindClusterKeyService
		}), []string{"/qumulo"}},
		"the Secrets that it wants": {accessKeys + indexSecretName, accessKey(func(ak *v1alpha1.AccessKey) {
			ak.Spec.SecretName = "pair"
		}), []string{"pair", "pair-next"}},
		"Secrets of its own name": {accessKeys + indexSecretName, restingAccessKey(), nil},
		"its user":                {accessKeys + indexUser, restingAccessKey(), buckets("user/local:backup")},
		"the keys that it records": {accessKeys + indexRecordedKey, accessKey(func(ak *v1alpha1.AccessKey) {
			ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: "K0"}}
		}), buckets("K1", "K0")},
		"no keys": {accessKeys + indexRecordedKey, accessKey(func(ak *v1alpha1.AccessKey) { ak.Status.KeyID = "" }), nil},
		"the user of its open intent": {accessKeys + indexOpenIntent, accessKey(func(ak *v1alpha1.AccessKey) {
			ak.Status.Intent = &v1alpha1.Intent{Revision: 1}
		}), []string{"user/local:backup", anyUser}},
		"the open intent of an AccessKey without a user": {accessKeys + indexOpenIntent, accessKey(func(ak *v1alpha1.AccessKey) {
			ak.Spec.User, ak.Status.Intent = "", &v1alpha1.Intent{Revision: 1}
		}), []string{"user/of team-a/qumulo", anyUser}},
		"no open intent":          {accessKeys + indexOpenIntent, restingAccessKey(), nil},
		"the owner of a Secret":   {secrets + indexSecretOwner, secret(func(s *corev1.Secret) { s.Name = "pair" }), []string{"uid-of-backup"}},
		"one of its owner's name": {secrets + indexSecretOwner, secret(func(*corev1.Secret) {}), nil},
		"one beside that":         {secrets + indexSecretOwner, secret(func(s *corev1.Secret) { s.Name = "backup-next" }), nil},
		"no owner":                {secrets + indexSecretOwner, secret(func(s *corev1.Secret) { s.Name, s.OwnerReferences = "pair", nil }), nil},
		"an owner of other kind":  {secrets + indexSecretOwner, secret(func(s *corev1.Secret) { s.Name, s.OwnerReferences[0].Kind = "pair", "Deployment" }), nil},
		"the key that it holds":   {secrets + indexPublishedKey, secret(func(*corev1.Secret) {}), buckets("K1")},
		"no key":                  {secrets + indexPublishedKey, secret(func(s *corev1.Secret) { s.Annotations = nil }), nil},
		"a record that is broken": {secrets + indexPublishedKey, secret(func(s *corev1.Secret) {
			s.Annotations[v1alpha1.RecordAnnotation] = "{"
		}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			values, ok := indexes(t)[test.index]
			if !ok {
				t.Fatalf("there is no index %s", test.index)
			}
			if got := values(test.object); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAnIndexPassesOverWhatItDoesNotKnow(t *testing.T) {
	for name, values := range indexes(t) {
		if got := values(&corev1.ConfigMap{}); got != nil {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

type brokenIndexer struct{}

func (brokenIndexer) IndexField(context.Context, client.Object, string, client.IndexerFunc) error {
	return errors.New("no informer")
}

func TestAnIndexThatCannotBeMadeIsAnError(t *testing.T) {
	if AddIndexes(t.Context(), brokenIndexer{}, false) == nil {
		t.Error("went unnoticed")
	}
}

func TestAServiceFindsItsAccessKeys(t *testing.T) {
	ak := restingAccessKey()
	for _, service := range []v1alpha1.GenericKeyService{
		&v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "qumulo"}},
		&v1alpha1.ClusterKeyService{ObjectMeta: metav1.ObjectMeta{Name: "qumulo"}},
	} {
		if service.GetNamespace() == "" {
			ak.Spec.ServiceRef.Kind = v1alpha1.KindClusterKeyService
		}
		if got, want := keyOfService(service), serviceKey(ak); got != want {
			t.Errorf("%T: is looked up by %q, and found under %q", service, got, want)
		}
	}
}

func TestServiceChanged(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*v1alpha1.KeyService)
		want   bool
	}{
		"its spec":      {func(s *v1alpha1.KeyService) { s.Generation++ }, true},
		"its finalizer": {func(s *v1alpha1.KeyService) { s.Finalizers = []string{v1alpha1.InUseFinalizer} }, true},
		"its deletion":  {func(s *v1alpha1.KeyService) { s.DeletionTimestamp = ptr.To(metav1.NewTime(noon)) }, true},
		"it became Ready": {func(s *v1alpha1.KeyService) {
			s.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, LastTransitionTime: metav1.NewTime(noon)}}
		}, true},
		"another check that failed": {func(s *v1alpha1.KeyService) {
			s.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Message: "again"}}
		}, false},
		"its version": {func(s *v1alpha1.KeyService) { s.Status.Version = "7.9" }, false},
		"its labels":  {func(s *v1alpha1.KeyService) { s.Labels = map[string]string{"a": "b"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := &v1alpha1.KeyService{}
			after := before.DeepCopy()
			test.change(after)
			if got := serviceChanged.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
	if !serviceChanged.Create(event.CreateEvent{}) || !serviceChanged.Delete(event.DeleteEvent{}) {
		t.Error("one that comes or goes goes unnoticed")
	}
}

func TestOfASecretInTheWayOnlyTheEndMatters(t *testing.T) {
	if goes.Create(event.CreateEvent{}) || goes.Update(event.UpdateEvent{}) || !goes.Delete(event.DeleteEvent{}) {
		t.Error("it wakes at other times")
	}
}

func TestLabelsChanged(t *testing.T) {
	namespace := func(key, value string) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{key: value}}}
	}
	for name, test := range map[string]struct {
		after *metav1.PartialObjectMetadata
		want  bool
	}{
		"the same labels": {namespace("team", "a"), false},
		"another value":   {namespace("team", "b"), true},
		"another label":   {namespace("env", "a"), true},
		"no labels":       {&metav1.PartialObjectMetadata{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := labelsChanged.Update(event.UpdateEvent{ObjectOld: namespace("team", "a"), ObjectNew: test.after}); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
	if labelsChanged.Create(event.CreateEvent{}) || labelsChanged.Delete(event.DeleteEvent{}) {
		t.Error("a namespace that comes or goes changes no grant")
	}
}
