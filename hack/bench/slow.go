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
	// slowKeys are the AccessKeys of the slow service: as many as the manager reconciles at once, without the limit per service.
	slowKeys = 64
	// pacedKeys are applied one by one at this interval, so that none waits for another.
	pacedKeys     = 200
	pacedInterval = 50 * time.Millisecond
	pacedRuns     = 3
	slowUsers     = pacedRuns * pacedKeys
)

// slowRun is what a slow service does to the keys of another one. The runs without it are before and after.
type slowRun struct {
	before, with, after pace
	// rssBefore and rssWith are the memory of the manager before, and at the end of the run with the slow service. Bytes.
	rssBefore, rssWith int
}

// measureSlow applies keys of a quick service at an even pace: alone, beside a service that answers after ten seconds, and
// after that one has recovered.
func (w *world) measureSlow(ctx context.Context, _ pattern, r *round) error {
	if err := w.startManager(ctx); err != nil {
		return err
	}
	if err := w.manager.observed(ctx, r.observed); err != nil {
		return err
	}
	if err := w.readyONTAP(ctx); err != nil {
		return err
	}
	run := &slowRun{}
	var err error
	if run.before, run.rssBefore, err = w.paced(ctx, "before"); err != nil {
		return err
	}
	if err := w.simulators.Inject(ctx, admin.Fault{Service: "ontap", Effect: "delay", Parameter: "10s"}); err != nil {
		return err
	}
	namespaces, err := w.namespaces(ctx, "slow")
	if err != nil {
		return err
	}
	b := batch{name: "slow", namespaces: namespaces, service: "ontap", user: func(i int) string { return fmt.Sprintf("slow-%d", i) }, count: slowKeys}
	_, err = w.track(ctx, b, isReady, func(t *tracker) error {
		if err := w.create(ctx, b, t); err != nil {
			return err
		}
		time.Sleep(2 * time.Second) // the operator begins with them
		if run.with, run.rssWith, err = w.paced(ctx, "with"); err != nil {
			return err
		}
		return w.simulators.Lift(ctx, "ontap")
	})
	if err != nil {
		return err
	}
	if run.after, _, err = w.paced(ctx, "after"); err != nil {
		return err
	}
	r.slow = run
	say("A slow service beside: p99 %.3f s before, %.3f s with it, %.3f s after", run.before.p99, run.with.p99, run.after.p99)
	return w.stopManager()
}

// readyONTAP creates the service that will be slow, and waits until it is Ready.
func (w *world) readyONTAP(ctx context.Context) error {
	err := w.keyService(ctx, "ontap", "ontap", func(spec *v1alpha1.KeyServiceSpec, account admin.Account) {
		spec.ONTAP = &v1alpha1.ONTAPService{URL: account.Spec["url"], SVM: account.Spec["svm"]}
		spec.ONTAP.CredentialsSecretRef.Name = "ontap"
	})
	if err != nil {
		return err
	}
	return w.ready(ctx, "ontap")
}

// ready waits until a ClusterKeyService is Ready.
func (w *world) ready(ctx context.Context, name string) error {
	return w.manager.poll(ctx, time.Minute, 200*time.Millisecond, func(usage) bool {
		service := &v1alpha1.ClusterKeyService{}
		err := w.kube.Get(ctx, types.NamespacedName{Name: name}, service)
		return err == nil && meta.IsStatusConditionTrue(service.Status.Conditions, v1alpha1.ConditionReady)
	})
}

// paced applies keys of Qumulo at an even pace, and waits until all are Ready.
func (w *world) paced(ctx context.Context, name string) (p pace, rss int, err error) {
	b, err := w.newBatch(ctx, name, pacedKeys)
	if err != nil {
		return p, 0, err
	}
	ticker := time.NewTicker(pacedInterval)
	defer ticker.Stop()
	p, err = w.track(ctx, b, isReady, func(t *tracker) error {
		return each(ctx, 1, b.count, func(i int) error {
			<-ticker.C
			ak := b.accessKey(i)
			t.start(ak)
			return w.kube.Create(ctx, ak)
		})
	})
	if err != nil {
		return p, 0, err
	}
	u, err := w.manager.usage(ctx)
	return p, u.rss, err
}
