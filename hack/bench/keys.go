// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// batchLabel identifies the AccessKeys of one batch.
const batchLabel = "batch"

// batch is a number of AccessKeys that are created and measured together.
type batch struct {
	name       string
	namespaces []string
	// service is a ClusterKeyService, user the name of the i-th user.
	service string
	user    func(i int) string
	count   int
	// floor: they are in the API group that the operator does not handle.
	floor bool
}

// newBatch returns AccessKeys of Qumulo, each with its own user.
func (w *world) newBatch(ctx context.Context, name string, count int) (batch, error) {
	namespaces, err := w.namespaces(ctx, name)
	first := w.users
	w.users += count
	user := func(i int) string { return fmt.Sprintf("auth_id:%d", qumulo.FirstAuthID+1+first+i) } // the first is backup
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

// each calls do for 0 … count-1 with several workers, until one fails.
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

// tracker notes when each AccessKey of a batch was applied, and when a watch saw it as wanted.
type tracker struct {
	wanted func(*v1alpha1.AccessKey) bool
	count  int
	all    chan struct{}

	mu             sync.Mutex
	applied, ready map[client.ObjectKey]time.Time
}

func isReady(ak *v1alpha1.AccessKey) bool {
	return meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionReady)
}

// track watches a batch while do changes it, until all AccessKeys are as wanted.
func (w *world) track(ctx context.Context, b batch, wanted func(*v1alpha1.AccessKey) bool, do func(*tracker) error) (pace, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t, err := w.watch(ctx, b, wanted)
	if err != nil {
		return pace{}, err
	}
	if err := do(t); err != nil {
		return pace{}, err
	}
	return t.wait(ctx)
}

// clientFor returns the client of the API group of a batch.
func (w *world) clientFor(b batch) client.WithWatch {
	if b.floor {
		return w.floor
	}
	return w.kube
}

// watch starts a tracker, which ends with ctx.
func (w *world) watch(ctx context.Context, b batch, wanted func(*v1alpha1.AccessKey) bool) (*tracker, error) {
	kube := w.clientFor(b)
	matching := client.MatchingLabels{batchLabel: b.name}
	var now v1alpha1.AccessKeyList
	if err := kube.List(ctx, &now, matching, client.Limit(1)); err != nil {
		return nil, err
	}
	// The API server ends a watch that falls behind. This one continues where it was.
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, now.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return kube.Watch(ctx, &v1alpha1.AccessKeyList{}, matching, &client.ListOptions{Raw: &o})
		},
	})
	if err != nil {
		return nil, err
	}
	t := &tracker{wanted: wanted, all: make(chan struct{}), count: b.count, applied: map[client.ObjectKey]time.Time{}, ready: map[client.ObjectKey]time.Time{}}
	go func() {
		for event := range watcher.ResultChan() {
			if ak, ok := event.Object.(*v1alpha1.AccessKey); ok && t.wanted(ak) {
				t.note(t.ready, client.ObjectKeyFromObject(ak))
			}
		}
	}()
	return t, nil
}

// note the first time that something happened to a key.
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

// start notes that a client is about to apply an AccessKey.
func (t *tracker) start(ak *v1alpha1.AccessKey) { t.note(t.applied, client.ObjectKeyFromObject(ak)) }

// wait until all are as wanted.
func (t *tracker) wait(ctx context.Context) (pace, error) {
	limit := time.Minute + time.Duration(t.count)*200*time.Millisecond
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
	t.mu.Lock()
	defer t.mu.Unlock()
	var first, last time.Time
	took := make([]time.Duration, 0, t.count)
	for key, ready := range t.ready {
		if applied := t.applied[key]; first.IsZero() || applied.Before(first) {
			first = applied
		}
		if ready.After(last) {
			last = ready
		}
		took = append(took, ready.Sub(t.applied[key]))
	}
	return newPace(took, last.Sub(first)), nil
}

// apply creates the AccessKeys of a batch and waits until all are Ready.
func (w *world) apply(ctx context.Context, b batch) (pace, error) {
	return w.track(ctx, b, isReady, func(t *tracker) error { return w.create(ctx, b, t) })
}

func (w *world) create(ctx context.Context, b batch, t *tracker) error {
	return each(ctx, w.clients, b.count, func(i int) error {
		ak := b.accessKey(i)
		t.start(ak)
		return w.clientFor(b).Create(ctx, ak)
	})
}

// pace is how fast a batch became Ready.
type pace struct {
	perSecond, seconds float64
	// p99 of the time from apply to Ready of one key, seconds.
	p99 float64
}

// newPace takes the time that each key took, and the time from the first apply to the last Ready.
func newPace(took []time.Duration, whole time.Duration) pace {
	slices.Sort(took)
	return pace{
		perSecond: float64(len(took)) / whole.Seconds(), seconds: whole.Seconds(),
		p99: took[max((len(took)*99+99)/100-1, 0)].Seconds(),
	}
}

// eventOf returns the event of an AccessKey's rotation.
func (w *world) eventOf(ctx context.Context, ak *v1alpha1.AccessKey) (eventsv1.Event, error) {
	events, err := w.server.EventsV1().Events(ak.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return eventsv1.Event{}, err
	}
	for _, event := range events.Items {
		if event.Regarding.UID == ak.UID && event.Reason == v1alpha1.EventRotated {
			return event, nil
		}
	}
	return eventsv1.Event{}, errors.New("the operator sent no event of the rotation")
}
