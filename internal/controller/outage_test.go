// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

func TestAnOutageChangesNothingForConsumers(t *testing.T) {
	b := newBench(t)
	b.mustPass()
	b.server.Down(true)
	before := b.condition(v1alpha1.ConditionReady)
	for range 3 {
		b.clock.Step(10 * time.Minute)
		if result := b.mustPass(); result.RequeueAfter != recheck {
			t.Errorf("comes back after %s", result.RequeueAfter)
		}
		if ready := b.condition(v1alpha1.ConditionReady); ready != before || ready.Status != metav1.ConditionTrue {
			t.Errorf("Ready became %+v", ready)
		}
		if !meta.IsStatusConditionFalse(b.accessKey().Status.Conditions, v1alpha1.ConditionSynced) {
			t.Errorf("got %+v", b.accessKey().Status.Conditions)
		}
	}
	b.server.Down(false)
	b.clock.Step(recheck)
	b.mustPass()
	b.expectIssued(1)
	if !meta.IsStatusConditionTrue(b.accessKey().Status.Conditions, v1alpha1.ConditionSynced) {
		t.Errorf("got %+v", b.accessKey().Status.Conditions)
	}
}

func TestAtRestAPassCostsNothing(t *testing.T) {
	b := newBench(t)
	b.mustPass()
	b.mustPass() // the first resync
	b.service.ResetCalls()
	version := b.accessKey().ResourceVersion
	b.beforeStatus = func(*v1alpha1.AccessKey) error { return errors.New("a write for nothing") }
	b.beforeWrite = always(errors.New("a write for nothing"))
	for range 3 {
		b.clock.Step(time.Minute)
		b.mustPass()
	}
	if calls := b.service.Calls(); len(calls) != 0 || b.accessKey().ResourceVersion != version {
		t.Errorf("called %v, version %s", calls, b.accessKey().ResourceVersion)
	}
	b.clock.Step(10 * time.Minute)
	b.mustPass()
	if calls := b.service.Calls(); len(calls) != 1 || calls["GET /v1/s3/access-keys/"] != 1 {
		t.Errorf("the resync called %v", calls)
	}
}

// TestAnOutageChangesNothingForConsumersWhateverTheCacheShows: the pass begins with an AccessKey as it was before its key.
func TestAnOutageChangesNothingForConsumersWhateverTheCacheShows(t *testing.T) {
	b := newBench(t)
	var stale *v1alpha1.AccessKey
	b.whileCreating(func() { stale = b.accessKey() })
	b.mustPass()
	before := b.condition(v1alpha1.ConditionReady)
	b.r.Client = interceptor.NewClient(b.kube, interceptor.Funcs{Get: staleGet(stale)})
	b.server.Down(true)
	b.mustPass()
	if ready := b.condition(v1alpha1.ConditionReady); ready != before || ready.Status != metav1.ConditionTrue {
		t.Errorf("Ready became %+v", ready)
	}
}

// TestAListingDuringACreateDoesNotDenyTheKey: the pass of another AccessKey lists the service when the key is asked for, but
// not there yet.
func TestAListingDuringACreateDoesNotDenyTheKey(t *testing.T) {
	b := newBench(t)
	b.whileCreating(func() {
		b.clock.Step(2 * time.Second)
		if err := b.resync(); err != nil {
			t.Error(err)
		}
	})
	b.mustPass()
	before := b.condition(v1alpha1.ConditionReady)
	b.service.ResetCalls()
	for range 3 {
		b.clock.Step(time.Minute)
		b.mustPass()
	}
	if calls := b.service.Calls(); len(calls) > 0 {
		t.Errorf("passes at rest called %v", calls)
	}
	b.server.Down(true)
	b.mustPass()
	if ready := b.condition(v1alpha1.ConditionReady); ready != before {
		t.Errorf("Ready became %+v", ready)
	}
}

// TestACacheThatIsBehindCausesNoSecondTry: a pass that comes before its cache has the failure of the last one finds it live.
func TestACacheThatIsBehindCausesNoSecondTry(t *testing.T) {
	b := newBench(t)
	b.server.Down(true)
	b.mustPass()
	failed := b.accessKey()
	behind := failed.DeepCopy()
	behind.Status, behind.ResourceVersion = v1alpha1.AccessKeyStatus{}, "1"
	b.r.Client = interceptor.NewClient(b.kube, interceptor.Funcs{Get: staleGet(behind)})
	b.mustPass()
	if ak := b.accessKey(); ak.Status.Failures == nil || ak.Status.Failures.Count != 1 || ak.ResourceVersion != failed.ResourceVersion {
		t.Errorf("recorded %+v", ak.Status)
	}
}

// resync is what the pass of any AccessKey of the service can do.
func (b *bench) resync() error {
	service := &v1alpha1.KeyService{}
	if err := b.kube.Get(context.Background(), client.ObjectKey{Namespace: here.Namespace, Name: "qumulo"}, service); err != nil {
		return err
	}
	connection, err := b.r.Pool.Get(context.Background(), service)
	if err != nil {
		return err
	}
	_, err = connection.Inventory(user).Snapshot(context.Background(), b.clock.Now())
	return err
}

func TestAKeyThatIsGoneFromTheServiceIsReplaced(t *testing.T) {
	b := newBench(t)
	b.mustPass()
	b.service.RemoveKey(b.accessKey().Status.KeyID)
	b.clock.Step(10 * time.Minute)
	b.rest()
	b.expectIssued(2)
}

// TestAListingThatIsUnderWayIsSeenByAll: a pass that goes on without its outcome would not learn of it before the next resync.
func TestAListingThatIsUnderWayIsSeenByAll(t *testing.T) {
	b := newBench(t)
	b.rest()
	b.service.RemoveKey(b.accessKey().Status.KeyID)
	b.clock.Step(b.r.ResyncPeriod)
	arrived, release := make(chan struct{}), make(chan struct{})
	b.service.Inject(simulator.Rule{Path: "/v1/s3/access-keys/", Method: http.MethodGet}.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		close(arrived)
		simulator.Hang(release)(w, r, next)
	})
	ended := make(chan error, 1)
	go func() { ended <- b.resync() }() // as a pass of the KeyService does
	<-arrived
	b.mustPass()
	if ready := b.condition(v1alpha1.ConditionReady); ready.Status != metav1.ConditionTrue || len(b.woken) > 0 {
		t.Errorf("Ready is %+v, woke %v", ready, b.woken)
	}
	close(release)
	if err := <-ended; err != nil || !slices.Equal(b.woken, []reconcile.Request{{NamespacedName: here}}) {
		t.Fatalf("%v, woke %v", err, b.woken)
	}
	b.rest()
	b.expectIssued(2)
}

func TestATroubleThatLastsIsToldOnce(t *testing.T) {
	b := newBench(t)
	b.service.Inject(creating, simulator.Answer(http.StatusBadRequest, nil, `{"error_class": "odd_error", "description": "no"}`))
	b.mustPass()
	before := b.condition(v1alpha1.ConditionStalled)
	for range 3 {
		b.clock.Step(lastRetry)
		b.mustPass()
	}
	if after := b.condition(v1alpha1.ConditionStalled); after != before || after.Reason != v1alpha1.ReasonInvalid {
		t.Errorf("went from %+v to %+v", before, after)
	}
	b.expectTold("Warning Invalid ")
	if status := b.accessKey().Status; status.Failures == nil || status.Failures.Count != 4 || status.Intent != nil {
		t.Errorf("recorded %+v", status)
	}
}

// TestAListingThatHangsTellsNothing: a pass that does not wait for another's listing has had no contact.
func TestAListingThatHangsTellsNothing(t *testing.T) {
	b := newBench(t)
	b.mustPass()
	b.server.Down(true)
	b.mustPass()
	before := b.condition(v1alpha1.ConditionSynced)
	b.server.Down(false)
	b.restart()

	asked, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	b.service.Inject(simulator.Rule{Method: http.MethodGet}.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		close(asked)
		<-release
		next.ServeHTTP(w, r)
	})
	go func() { ended <- b.resync() }()
	<-asked
	b.mustPass()
	if during := b.condition(v1alpha1.ConditionSynced); during != before || during.Status != metav1.ConditionFalse {
		t.Errorf("Synced went from %+v to %+v", before, during)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	b.mustPass()
	if after := b.condition(v1alpha1.ConditionSynced); after.Status != metav1.ConditionTrue {
		t.Errorf("Synced became %+v", after)
	}
}
