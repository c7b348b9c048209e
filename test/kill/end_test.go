// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/simulator"
)

const (
	// settling is longer than a create can be under way, and than another AccessKey's operation can turn out to have made
	// a key (internal/plan, internal/controller): from then on every operation that a crash cut off can be settled.
	settling = 5 * time.Minute
	// jump is how far the clock moves when nothing has changed for stillness.
	jump, stillness = time.Minute, 3 * time.Second
)

// endRotations: those that are due each minute would go on for as long as settling takes, and make things to settle.
func (w *world) endRotations(ctx context.Context) {
	const patch = `{"spec":{"ttl":"1h","renewBefore":"1m"}}`
	for _, it := range w.subjects {
		ak := &v1alpha1.AccessKey{}
		ak.Namespace, ak.Name = namespace, it.name
		w.must(w.kube.Patch(ctx, ak, client.RawPatch(types.MergePatchType, []byte(patch))))
	}
}

// last runs the last manager, which nobody kills, and returns what ends it. In the short form it is one in the test's
// process, on a clock that goes on as far as settling takes; in the long form it is a process, and time passes.
func (w *world) last(ctx context.Context) (end func()) {
	if !w.form.jumps {
		return w.keep(ctx, "last").end
	}
	w.wait(ctx, "the requests of the managers that are gone", func() bool {
		return !slices.ContainsFunc(w.servers, func(server *simulator.Server) bool { return server.Connections() > 0 })
	})
	w.clock.add(settling) // what was under way is dated by now
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
		Client:  controller.ClientOptions(),
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

// queue is a work queue on the test's clock.
func (w *world) queue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{Name: name, Clock: w.clock})
}

// until asks again and again what is still amiss, and reports what is left at the limit.
func (w *world) until(ctx context.Context, what string, amiss func(context.Context) []string) {
	w.t.Helper()
	left := []string{"not looked yet"}
	deadline, changed := time.Now().Add(w.form.settleLimit), time.Now()
	for len(left) > 0 {
		if ctx.Err() != nil || time.Now().After(deadline) {
			w.t.Errorf("%s: %d things are amiss after %s:\n%s", what, len(left), w.form.settleLimit, strings.Join(left, "\n"))
			w.keepGoroutines()
			return
		}
		pause(ctx, samplePeriod)
		last := left
		if left = amiss(ctx); !slices.Equal(left, last) {
			changed = time.Now()
		}
		if w.form.jumps && time.Since(changed) > stillness {
			w.clock.add(jump)
			changed = time.Now()
		}
	}
}

// keepGoroutines beside the logs: where the last manager is.
func (w *world) keepGoroutines() {
	file, err := os.Create(filepath.Join(w.logs, "goroutines"))
	w.must(err)
	defer func() { _ = file.Close() }() // a log
	w.must(pprof.Lookup("goroutine").WriteTo(file, 2))
}

// unsettled says of which AccessKeys the operation is open, which are not ready, and which keys nobody records: leaks.
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
			left = append(left, fmt.Sprintf("the keys %v are of nobody", keys))
			continue
		}
		for _, key := range keys {
			left = append(left, fmt.Sprintf("key %s of AccessKey %s is recorded nowhere%s", key, it.name, it.fate(key)))
		}
	}
	slices.Sort(left)
	return left
}

// remains says what is left of AccessKeys that were deleted.
func (w *world) remains(ctx context.Context) (left []string) {
	var accessKeys v1alpha1.AccessKeyList
	if err := w.kube.List(ctx, &accessKeys, client.InNamespace(namespace)); err != nil {
		return []string{err.Error()}
	}
	for i := range accessKeys.Items {
		left = append(left, fmt.Sprintf("AccessKey %s: %v", accessKeys.Items[i].Name, accessKeys.Items[i].Status.Conditions))
	}
	for at := range w.operatorKeys() {
		left = append(left, fmt.Sprintf("key %s of %s at %s", at.accessKeyID, at.owner, at.service.name))
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

// expectForeignKeys: what people made is there, all of it.
func (w *world) expectForeignKeys() {
	for _, service := range w.services {
		for _, pair := range service.History() {
			if pair.CreatedBy == simulator.Person && !pair.Live() {
				w.t.Errorf("the foreign key %s of %s at %s was deleted by %s", pair.ID, pair.Owner, service.name, pair.DeletedBy)
			}
		}
	}
}
