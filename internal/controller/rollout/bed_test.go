// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
)

var (
	here = types.NamespacedName{Namespace: "team-a", Name: "backup"}
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// bed is an AccessKey whose second pair was published at noon, and an API server in memory.
type bed struct {
	t        *testing.T
	clock    *testclock.FakeClock
	kube     *kube.Server
	cache    *kube.Cache
	r        *Reconciler
	recorder *events.FakeRecorder
	// fails decides which calls fail; nil if none does.
	fails func(call string) error
	calls []string
}

func newBed(t *testing.T, targets ...v1alpha1.RolloutRestartTarget) *bed {
	b := &bed{t: t, clock: testclock.NewFakeClock(noon), kube: kube.NewServer(), recorder: events.NewFakeRecorder(64)}
	ak := newAccessKey(targets...)
	status := ak.Status
	b.must(b.kube.Create(ak))
	ak.Status = status
	b.must(b.kube.Update(ak, true))
	b.cache = kube.NewCache(b.kube, cache.Options{}, func(string) time.Duration { return 0 })
	c := &kube.Client{Server: b.kube, Cache: b.cache, Gate: func(call kube.Call, carryOut func() error) error {
		b.calls = append(b.calls, call.String())
		if b.fails != nil {
			if err := b.fails(call.String()); err != nil {
				return err
			}
		}
		return carryOut()
	}}
	b.r = &Reconciler{Client: c, Live: c.Live(), Recorder: b.recorder, Clock: b.clock}
	return b
}

func newAccessKey(targets ...v1alpha1.RolloutRestartTarget) *v1alpha1.AccessKey {
	return &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: here.Namespace, Name: here.Name},
		Spec:       v1alpha1.AccessKeySpec{RolloutRestartTargets: targets},
		Status: v1alpha1.AccessKeyStatus{
			KeyID: "K2", AccessKeyID: "AKIAK2", Revision: 2, Restart: &v1alpha1.Restart{Revision: 2, RequestedAt: metav1.NewTime(noon)},
		},
	}
}

func deployment(name string) v1alpha1.RolloutRestartTarget {
	return v1alpha1.RolloutRestartTarget{Kind: v1alpha1.WorkloadDeployment, Name: name}
}

func labelled(value v1alpha1.LabelValue) v1alpha1.RolloutRestartTarget {
	return v1alpha1.RolloutRestartTarget{Kind: v1alpha1.WorkloadDeployment, Selector: &v1alpha1.WorkloadSelector{MatchLabels: map[string]v1alpha1.LabelValue{"app": value}}}
}

// deploy creates Deployments with the label app.
func (b *bed) deploy(app string, names ...string) {
	b.t.Helper()
	for _, name := range names {
		b.must(b.kube.Create(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: here.Namespace, Name: name, Labels: map[string]string{"app": app}}}))
	}
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) accessKey() *v1alpha1.AccessKey {
	return b.kube.Get(kube.AccessKey, here.Namespace, here.Name).(*v1alpha1.AccessKey)
}

// reconcile reconciles once, and returns the error and the calls that were made.
func (b *bed) reconcile() ([]string, error) {
	b.t.Helper()
	b.cache.Deliver()
	b.calls = nil
	result, err := b.r.Reconcile(context.Background(), reconcile.Request{NamespacedName: here})
	if result != (reconcile.Result{}) {
		b.t.Errorf("the queue decides when to retry, not %+v", result)
	}
	return b.calls, err
}

// stamps returns the stamp of each Deployment, by its name.
func (b *bed) stamps() map[string]string {
	found := map[string]string{}
	for _, object := range b.kube.All(kube.Deployment) {
		found[object.GetName()] = object.(*appsv1.Deployment).Spec.Template.Annotations["restart.accesskey.dev/backup"]
	}
	return found
}

// expectEvents expects exactly these events since the last time, each with one of the texts.
func (b *bed) expectEvents(texts ...string) {
	b.t.Helper()
	var got []string
	for len(b.recorder.Events) > 0 {
		got = append(got, <-b.recorder.Events)
	}
	if len(got) != len(texts) || !slices.EqualFunc(got, texts, strings.Contains) {
		b.t.Errorf("events %q, want %q", got, texts)
	}
}

// refuse lets calls that contain a text fail with an error.
func refuse(text string, err error) func(string) error {
	return func(call string) error {
		if strings.Contains(call, text) {
			return err
		}
		return nil
	}
}

var (
	errForbidden = apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "deployments"}, "web", errors.New("the operator may not do that"))
	errAway      = apierrors.NewInternalError(errors.New("the webhook is away"))
)
