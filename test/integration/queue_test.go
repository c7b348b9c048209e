// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"sync"
	"sync/atomic"

	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// queues are the work queues of one operator, on the world's clock.
type queues struct {
	clock clock.WithTicker

	mu  sync.Mutex
	all []*queue
}

// queue tells whether anything of it is worked on.
type queue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	taken, done atomic.Int64
}

// add is the operator's NewQueue.
func (q *queues) add(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	made := &queue{TypedRateLimitingInterface: workqueue.NewTypedRateLimitingQueueWithConfig(limiter,
		workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{Name: name, Clock: q.clock})}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all = append(q.all, made)
	return made
}

// Get implements workqueue.TypedInterface.
func (q *queue) Get() (reconcile.Request, bool) {
	request, shutdown := q.TypedRateLimitingInterface.Get()
	if !shutdown {
		q.taken.Add(1)
	}
	return request, shutdown
}

// Done implements workqueue.TypedInterface.
func (q *queue) Done(request reconcile.Request) {
	q.TypedRateLimitingInterface.Done(request)
	q.done.Add(1)
}

// busy reports whether a pass runs or is about to.
func (q *queues) busy() bool { return q.underWay() > 0 }

// underWay counts the passes that run or are about to.
func (q *queues) underWay() (passes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, each := range q.all {
		done := each.done.Load() // first: a pass that ends meanwhile is still counted
		passes += int64(each.Len()) + each.taken.Load() - done
	}
	return passes
}

// passes counts the passes that ended.
func (q *queues) passes() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	var sum int64
	for _, each := range q.all {
		sum += each.done.Load()
	}
	return sum
}
