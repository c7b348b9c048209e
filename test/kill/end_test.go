// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	testclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/simulator"
)

const (
	// settling is how long after a crash every interrupted operation can be settled (internal/plan).
	settling = 5 * time.Minute
	// jump is how far the clock moves when nothing has changed for stillness.
	jump, stillness = time.Minute, 3 * time.Second
	settleLimit     = 4 * time.Minute
)

// endRotations stops the rotations that are due every minute. They would go on while the others are settled.
func (w *world) endRotations(ctx context.Context) {
	const patch = `{"spec":{"ttl":"1h","renewBefore":"1m"}}`
	for _, it := range w.subjects {
		ak := &v1alpha1.AccessKey{}
		ak.Namespace, ak.Name = namespace, it.name
		w.must(w.kube.Patch(ctx, ak, client.RawPatch(types.MergePatchType, []byte(patch))))
	}
}

// last runs the last manager, which nobody kills, and returns a function that ends it. It runs in the test's process, on the
// clock of the simulators, which moves on instead of waiting until interrupted operations can be settled.
func (w *world) last(ctx context.Context) (end func()) {
	w.wait(ctx, "the requests of the managers that are gone", func() bool {
		return !slices.ContainsFunc(w.servers, func(server *simulator.Server) bool { return server.Connections() > 0 })
	})
	w.clock.add(settling)
	account := rest.CopyConfig(w.plane.Config)
	account.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:accesskey-system:accesskey-operator",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:accesskey-system", "system:authenticated"},
	}
	said, err := os.Create(filepath.Join(w.logs, "last.log"))
	w.must(err)
	mgr, err := ctrl.NewManager(account, ctrl.Options{
		Scheme:  controller.Scheme(),
		Cache:   controller.CacheOptions(nil),
		Metrics: metricsserver.Options{BindAddress: "0"},
		Logger:  zap.New(zap.WriteTo(said), zap.UseDevMode(true)),
	})
	w.must(err)
	ctx, cancel := context.WithCancel(ctx)
	w.must(controller.Setup(ctx, mgr, controller.Config{
		ClusterNamespace: "accesskey-system",
		ResyncPeriod:     10 * time.Minute,
		Concurrency:      16,
		Clock:            w.clock,
		NewQueue:         w.queue,
	}))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the last manager: %v", err)
		}
		_ = said.Close() // a log
	}
}

// queue returns a work queue on the test's clock.
func (w *world) queue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{Name: name, Clock: w.clock})
}

// until waits until nothing is amiss. At the limit it reports what is.
func (w *world) until(ctx context.Context, what string, amiss func(context.Context) []string) {
	w.t.Helper()
	left := []string{"not checked yet"}
	deadline, changed := time.Now().Add(settleLimit), time.Now()
	for len(left) > 0 {
		if ctx.Err() != nil || time.Now().After(deadline) {
			w.t.Errorf("%s: %d things are amiss after %s:\n%s", what, len(left), settleLimit, strings.Join(left, "\n"))
			return
		}
		pause(ctx, samplePeriod)
		last := left
		if left = amiss(ctx); !slices.Equal(left, last) {
			changed = time.Now()
		}
		if time.Since(changed) > stillness {
			w.clock.add(jump)
			changed = time.Now()
		}
	}
}

// unsettled lists open operations, AccessKeys that are not ready, and leaked keys.
func (w *world) unsettled(ctx context.Context) (left []string) {
	before := w.operatorKeys()
	var accessKeys v1alpha1.AccessKeyList
	if err := w.kube.List(ctx, &accessKeys, client.InNamespace(namespace)); err != nil {
		return []string{err.Error()}
	}
	for i := range accessKeys.Items {
		ak := &accessKeys.Items[i]
		if ak.Status.Intent != nil {
			left = append(left, fmt.Sprintf("AccessKey %s: the operation begun at %s is open", ak.Name, clockTime(ak.Status.Intent.StartedAt.Time)))
		}
		if !meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionReady) {
			left = append(left, fmt.Sprintf("AccessKey %s is not ready: %v", ak.Name, ak.Status.Conditions))
		}
	}
	for it, keys := range w.unrecorded(before, byName(accessKeys.Items)) {
		if it == nil {
			left = append(left, fmt.Sprintf("the keys %v have no owner", keys))
			continue
		}
		for _, key := range keys {
			left = append(left, fmt.Sprintf("key %s of AccessKey %s is recorded nowhere%s", key, it.name, it.fate(key)))
		}
	}
	slices.Sort(left)
	return left
}

// remains lists what is left after all AccessKeys were deleted.
func (w *world) remains(ctx context.Context) (left []string) {
	var accessKeys v1alpha1.AccessKeyList
	if err := w.kube.List(ctx, &accessKeys, client.InNamespace(namespace)); err != nil {
		return []string{err.Error()}
	}
	for i := range accessKeys.Items {
		left = append(left, fmt.Sprintf("AccessKey %s: %v", accessKeys.Items[i].Name, accessKeys.Items[i].Status.Conditions))
	}
	for at := range w.operatorKeys() {
		left = append(left, fmt.Sprintf("key %s of %s at %s", at.accessKeyID, at.owner, at.service.Name))
	}
	slices.Sort(left)
	return left
}

// deleteAll deletes every AccessKey.
func (w *world) deleteAll(ctx context.Context) {
	for _, it := range w.subjects {
		ak := &v1alpha1.AccessKey{}
		ak.Namespace, ak.Name = namespace, it.name
		w.must(w.kube.Delete(ctx, ak))
	}
}

// expectForeignKeys expects every key that a person created.
func (w *world) expectForeignKeys() {
	for _, service := range w.services {
		for _, pair := range service.History() {
			if pair.CreatedBy == simulator.Person && !pair.Live() {
				w.t.Errorf("the foreign key %s of %s at %s was deleted by %s", pair.ID, pair.Owner, service.Name, pair.DeletedBy)
			}
		}
	}
}

// clock is the time of the simulators and of the last manager: the real time, plus what the test added. The managers that are
// processes know only the real time, so nothing is added before the last of them has ended.
type clock struct {
	*testclock.FakeClock

	mu    sync.Mutex
	added time.Duration
}

// newClock returns a clock that runs until ctx ends.
func newClock(ctx context.Context) *clock {
	c := &clock{FakeClock: testclock.NewFakeClock(time.Now())}
	background(ctx, func(ctx context.Context) {
		for ; ctx.Err() == nil; pause(ctx, 10*time.Millisecond) {
			c.add(0)
		}
	})
	return c
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added += d
	c.SetTime(time.Now().Add(c.added))
}
