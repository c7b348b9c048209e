// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// service answers a probe; what it does with keys does not matter here.
type service struct {
	keyservice.Service
	version string
	err     error
}

func (s service) Probe(context.Context) (string, error) { return s.version, s.err }

func TestAProbeSaysWhatTheServiceIs(t *testing.T) {
	r := &KeyServiceReconciler{ResyncPeriod: 10 * time.Minute}
	connection := &connect.Connection{
		Service: service{version: "Qumulo Core 7.9"}, Capabilities: keyservice.Capabilities{KeysPerUser: 2, Overlap: true},
	}
	found := r.probe(t.Context(), connection, noon)
	if found.ready != metav1.ConditionTrue || found.reason != v1alpha1.ReasonServiceReachable || found.version != "Qumulo Core 7.9" {
		t.Errorf("got %+v", found)
	}
	if found.limits == nil || found.limits.KeysPerUser != 2 || !ptr.Deref(found.limits.Overlap, false) {
		t.Errorf("limits %+v", found.limits)
	}
	if !found.due.Equal(noon.Add(10 * time.Minute)) {
		t.Errorf("due at %s", found.due)
	}
}

func TestAFailedProbeSaysWhyAndKeepsTheLimits(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"away":                   {failing(keyservice.Unavailable), v1alpha1.ReasonUnavailable},
		"throttled":              {failing(keyservice.Throttled), v1alpha1.ReasonThrottled},
		"refused credentials":    {failing(keyservice.Unauthorized), v1alpha1.ReasonUnauthorized},
		"not the service at all": {failing(keyservice.NotFound), v1alpha1.ReasonUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			found := (&KeyServiceReconciler{}).probe(t.Context(), &connect.Connection{Service: service{err: test.err}}, noon)
			if found.ready != metav1.ConditionFalse || found.reason != test.want || found.message != test.err.Error() {
				t.Errorf("got %+v", found)
			}
			if found.limits != nil || !found.due.Equal(noon.Add(time.Minute)) {
				t.Errorf("limits %+v, due at %s", found.limits, found.due)
			}
		})
	}
}

func TestAKeyServiceThatCannotBeUsedNamesItsReason(t *testing.T) {
	found := failed(connectError(v1alpha1.ReasonCredentialsNotFound), noon)
	if found.ready != metav1.ConditionFalse || found.reason != v1alpha1.ReasonCredentialsNotFound || found.message != "mend the KeyService" {
		t.Errorf("got %+v", found)
	}
	if found := failed(errors.New("the API server is away"), noon); found.reason != v1alpha1.ReasonUnavailable {
		t.Errorf("got %+v", found)
	}
}

func TestAServiceThatIsDeletedNamesWhoNeedsIt(t *testing.T) {
	for name, test := range map[string]struct {
		users []string
		want  string
	}{
		"nobody": {nil, "Being deleted"},
		"two": {
			[]string{"a/one", "a/two"},
			"Being deleted, but still needed to revoke the keys of 2 AccessKeys: a/one, a/two; delete those first",
		},
		"many": {
			[]string{"a/1", "a/2", "a/3", "a/4", "a/5", "a/6"},
			"Being deleted, but still needed to revoke the keys of 6 AccessKeys: a/1, a/2, a/3, a/4, a/5; delete those first",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if found := deleting(test.users, noon); found.message != test.want || found.reason != v1alpha1.ReasonDeleting || found.ready != metav1.ConditionFalse {
				t.Errorf("got %+v", found)
			}
		})
	}
}

func TestAnAccessKeyWakesItsOwnServiceOnly(t *testing.T) {
	local, cluster := &KeyServiceReconciler{}, &KeyServiceReconciler{Cluster: true}
	ofCluster := restingAccessKey()
	ofCluster.Spec.ServiceRef.Kind = v1alpha1.KindClusterKeyService
	for name, test := range map[string]struct {
		reconciler *KeyServiceReconciler
		object     client.Object
		want       types.NamespacedName
	}{
		"a KeyService":                                {local, restingAccessKey(), types.NamespacedName{Namespace: "team-a", Name: "qumulo"}},
		"a ClusterKeyService":                         {cluster, ofCluster, types.NamespacedName{Name: "qumulo"}},
		"a KeyService, by one of a cluster's":         {local, ofCluster, types.NamespacedName{}},
		"a ClusterKeyService, by one of a KeyService": {cluster, restingAccessKey(), types.NamespacedName{}},
		"what is no AccessKey":                        {local, &v1alpha1.KeyService{}, types.NamespacedName{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := test.reconciler.serviceName(test.object); got != test.want || ok != (test.want.Name != "") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestWhatWakesAKeyService(t *testing.T) {
	before := &v1alpha1.KeyService{}
	leaving := before.DeepCopy()
	leaving.DeletionTimestamp = ptr.To(metav1.NewTime(noon))
	held := before.DeepCopy()
	held.Finalizers = []string{v1alpha1.InUseFinalizer}
	for name, got := range map[string]bool{
		"an AccessKey that comes":     comesOrGoes.Create(event.CreateEvent{}),
		"an AccessKey that goes":      comesOrGoes.Delete(event.DeleteEvent{}),
		"its deletion":                ownChange.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: leaving}),
		"no change of an AccessKey":   !comesOrGoes.Update(event.UpdateEvent{}),
		"no change during a deletion": !ownChange.Update(event.UpdateEvent{ObjectOld: leaving, ObjectNew: leaving}),
		"its hold":                    ownChange.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: held}),
		"its release":                 ownChange.Update(event.UpdateEvent{ObjectOld: held, ObjectNew: before}),
		"no change while it is held":  !ownChange.Update(event.UpdateEvent{ObjectOld: held, ObjectNew: held}),
		"no other change":             !ownChange.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: before}),
	} {
		if !got {
			t.Errorf("%s does not hold", name)
		}
	}
}
