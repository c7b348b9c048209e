// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// batchLabel tells the AccessKeys of one batch from others.
const batchLabel = "batch"

// batch is a number of AccessKeys that are made and measured together.
type batch struct {
	name       string
	namespaces []string
	// service is a ClusterKeyService, user the name of the i-th user.
	service string
	user    func(i int) string
	count   int
}

// newBatch of AccessKeys of Qumulo, each with a user of its own.
func (w *world) newBatch(ctx context.Context, name string, count int) (batch, error) {
	namespaces, err := w.namespaces(ctx, name)
	first := w.users
	w.users += count
	user := func(i int) string { return fmt.Sprintf("auth_id:%d", qumulo.FirstAuthID+1+first+i) } // the first is backup's
	if w.names {
		user = func(i int) string { return fmt.Sprintf("local:user-%d", first+i) }
	}
	return batch{name: name, namespaces: namespaces, service: "qumulo", user: user, count: count}, err
}

func (b batch) accessKey(i int) *v1alpha1.AccessKey {
	return &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: b.namespaces[i%len(b.namespaces)], Name: fmt.Sprintf("key-%05d", i), Labels: map[string]string{batchLabel: b.name},
		},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef:  v1alpha1.ServiceReference{Kind: v1alpha1.KindClusterKeyService, Name: b.service},
			User:        b.user(i),
			TTL:         &metav1.Duration{Duration: 720 * time.Hour},
			RenewBefore: &metav1.Duration{Duration: 240 * time.Hour},
		},
	}
}

// each calls do for 0 … count-1 by some workers at once, until one fails.
func each(ctx context.Context, workers, count int, do func(i int) error) error {
	var next atomic.Int64
	errs := make([]error, workers)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < count && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					errs[worker] = err
					next.Store(int64(count))
					return
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errors.Join(errs...), ctx.Err())
}

// tracker notes when the AccessKeys of a batch were applied, and when a watch saw each of them as wanted.
type tracker struct {
	wanted func(*v1alpha1.AccessKey) bool

	stop context.CancelFunc
	all  chan struct{}

	mu      sync.Mutex
	count   int
	applied map[client.ObjectKey]time.Time
	ready   map[client.ObjectKey]time.Time
}

func isReady(ak *v1alpha1.AccessKey) bool {
	return meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionReady)
}

// track starts to watch a batch for AccessKeys that are Ready.
func track(ctx context.Context, kube client.WithWatch, b batch) (*tracker, error) {
	return trackUntil(ctx, kube, b, isReady)
}

func trackUntil(ctx context.Context, kube client.WithWatch, b batch, wanted func(*v1alpha1.AccessKey) bool) (*tracker, error) {
	matching := client.MatchingLabels{batchLabel: b.name}
	var now v1alpha1.AccessKeyList
	if err := kube.List(ctx, &now, matching, client.Limit(1)); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	// The API server ends a watch that falls behind; this one goes on where it was.
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, now.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return kube.Watch(ctx, &v1alpha1.AccessKeyList{}, matching, &client.ListOptions{Raw: &o})
		},
	})
	if err != nil {
		stop()
		return nil, err
	}
	t := &tracker{
		wanted: wanted, stop: stop, all: make(chan struct{}), count: b.count,
		applied: map[client.ObjectKey]time.Time{}, ready: map[client.ObjectKey]time.Time{},
	}
	go t.follow(watcher)
	return t, nil
}

// follow a watch to its end.
func (t *tracker) follow(watcher watch.Interface) {
	for event := range watcher.ResultChan() {
		ak, ok := event.Object.(*v1alpha1.AccessKey)
		if ok && t.wanted(ak) {
			t.note(t.ready, client.ObjectKeyFromObject(ak))
		}
	}
}

// note takes the first time that something happened to a key.
func (t *tracker) note(times map[client.ObjectKey]time.Time, key client.ObjectKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := times[key]; known {
		return
	}
	times[key] = time.Now()
	if len(t.ready) == t.count {
		select {
		case <-t.all:
		default:
			close(t.all)
		}
	}
}

func (t *tracker) apply(ak *v1alpha1.AccessKey) { t.note(t.applied, client.ObjectKeyFromObject(ak)) }

// wait until all are Ready.
func (t *tracker) wait(ctx context.Context, limit time.Duration) (pace, error) {
	defer t.stop()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case <-t.all:
	case <-ctx.Done():
		return pace{}, ctx.Err()
	case <-timeout.C:
		t.mu.Lock()
		defer t.mu.Unlock()
		return pace{}, fmt.Errorf("after %s %d of %d AccessKeys are as wanted", limit, len(t.ready), t.count)
	}
	return t.pace(), nil
}

func (t *tracker) pace() pace {
	t.mu.Lock()
	defer t.mu.Unlock()
	var first, last time.Time
	took := make([]time.Duration, 0, t.count)
	for key, ready := range t.ready {
		applied := t.applied[key]
		if first.IsZero() || applied.Before(first) {
			first = applied
		}
		if ready.After(last) {
			last = ready
		}
		took = append(took, ready.Sub(applied))
	}
	return newPace(took, last.Sub(first))
}

// apply makes the AccessKeys of a batch and waits until all are Ready.
func (w *world) apply(ctx context.Context, b batch) (pace, error) {
	t, err := track(ctx, w.kube, b)
	if err != nil {
		return pace{}, err
	}
	err = each(ctx, w.clients, b.count, func(i int) error {
		ak := b.accessKey(i)
		t.apply(ak)
		return w.kube.Create(ctx, ak)
	})
	if err != nil {
		t.stop()
		return pace{}, fmt.Errorf("making AccessKeys: %w", err)
	}
	return t.wait(ctx, workLimit(b.count))
}

// workLimit is after how long some keys should have been worked on for long.
func workLimit(keys int) time.Duration { return time.Minute + time.Duration(keys)*200*time.Millisecond }
