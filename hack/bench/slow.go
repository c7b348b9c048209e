// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator/admin"
)

const (
	// slowKeys are the AccessKeys of the service that answers after ten seconds: more than the manager works on at once.
	slowKeys = 64
	// pacedKeys are applied one after the other at this interval, so that none waits for another.
	pacedKeys     = 200
	pacedInterval = 50 * time.Millisecond
	pacedRuns     = 3
	slowUsers     = pacedRuns * pacedKeys
)

// slowRun is what a slow service does to the keys of another one. The runs without are before and after.
type slowRun struct {
	Before pace `json:"before"`
	With   pace `json:"with"`
	After  pace `json:"after"`
	// RSS of the manager before, and at the end of the run with the slow service, bytes.
	RSSBefore int `json:"rssBeforeBytes"`
	RSSWith   int `json:"rssWithBytes"`
	// SlowReady are the keys of the slow service that were issued by the end of the run.
	SlowReady int `json:"slowReady"`
}

// measureSlow applies keys of a quick service at an even pace: alone, beside a service that answers after ten seconds, and
// when that one is well again.
func (w *world) measureSlow(ctx context.Context, _ pattern, r *round) error {
	if err := w.startManager(ctx); err != nil {
		return err
	}
	if err := w.manager.observed(ctx, r.Restart.Keys); err != nil {
		return err
	}
	if err := w.readyONTAP(ctx); err != nil {
		return err
	}
	run := &slowRun{}
	var err error
	if run.Before, run.RSSBefore, err = w.paced(ctx, "before"); err != nil {
		return err
	}
	if err := w.simulators.Inject(ctx, admin.Fault{Service: "ontap", Effect: "delay", Parameter: "10s"}); err != nil {
		return err
	}
	slow, err := w.applySlow(ctx)
	if err != nil {
		return err
	}
	if run.With, run.RSSWith, err = w.paced(ctx, "with"); err != nil {
		return err
	}
	slow.mu.Lock()
	run.SlowReady = len(slow.ready)
	slow.mu.Unlock()
	if err := w.simulators.Lift(ctx, "ontap"); err != nil {
		return err
	}
	if _, err := slow.wait(ctx, 5*time.Minute); err != nil {
		return fmt.Errorf("the slow service's: %w", err)
	}
	if run.After, _, err = w.paced(ctx, "after"); err != nil {
		return err
	}
	r.Slow = run
	say("a slow service beside: p99 %.3f s before, %.3f s with it, %.3f s after; p50 %.3f, %.3f, %.3f; RSS %.0f and %.0f MiB",
		run.Before.P99, run.With.P99, run.After.P99, run.Before.P50, run.With.P50, run.After.P50, mib(run.RSSBefore), mib(run.RSSWith))
	return w.stopManager()
}

// readyONTAP makes the service that will be slow, and waits until it is known to the operator.
func (w *world) readyONTAP(ctx context.Context) error {
	err := w.keyService(ctx, "ontap", func(spec *v1alpha1.KeyServiceSpec, account admin.Account) {
		spec.ONTAP = &v1alpha1.ONTAPService{URL: account.Spec["url"], SVM: account.Spec["svm"]}
		spec.ONTAP.CredentialsSecretRef.Name = "ontap"
	})
	if err != nil {
		return err
	}
	return w.manager.poll(ctx, time.Minute, 200*time.Millisecond, func(usage) bool {
		service := &v1alpha1.ClusterKeyService{}
		err := w.kube.Get(ctx, types.NamespacedName{Name: "ontap"}, service)
		return err == nil && meta.IsStatusConditionTrue(service.Status.Conditions, v1alpha1.ConditionReady)
	})
}

// applySlow applies the keys of the slow service, and gives the operator the time to begin with them.
func (w *world) applySlow(ctx context.Context) (*tracker, error) {
	namespaces, err := w.namespaces(ctx, "slow")
	if err != nil {
		return nil, err
	}
	b := batch{name: "slow", namespaces: namespaces, service: "ontap", user: func(i int) string { return fmt.Sprintf("slow-%d", i) }, count: slowKeys}
	t, err := track(ctx, w.kube, b)
	if err != nil {
		return nil, err
	}
	err = each(ctx, w.clients, b.count, func(i int) error {
		ak := b.accessKey(i)
		t.apply(ak)
		return w.kube.Create(ctx, ak)
	})
	time.Sleep(2 * time.Second)
	return t, err
}

// paced applies keys of Qumulo at an even pace, and waits until all are Ready.
func (w *world) paced(ctx context.Context, name string) (p pace, rss int, err error) {
	b, err := w.newBatch(ctx, name, pacedKeys)
	if err != nil {
		return p, 0, err
	}
	t, err := track(ctx, w.kube, b)
	if err != nil {
		return p, 0, err
	}
	ticker := time.NewTicker(pacedInterval)
	defer ticker.Stop()
	for i := range b.count {
		<-ticker.C
		ak := b.accessKey(i)
		t.apply(ak)
		if err := w.kube.Create(ctx, ak); err != nil {
			t.stop()
			return p, 0, err
		}
	}
	if p, err = t.wait(ctx, 5*time.Minute); err != nil {
		return p, 0, err
	}
	u, err := w.manager.usage(ctx)
	return p, u.RSS, err
}
