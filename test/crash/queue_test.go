// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// queue is the work queue of one controller. It works like the real one, but the world chooses what it hands out, and when.
// Methods that controllers do not use are missing.
type queue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]

	world      *world
	controller string
	limiter    workqueue.TypedRateLimiter[reconcile.Request]
	// hand gives a request to a worker.
	hand chan reconcile.Request

	mu sync.Mutex
	// ready requests can be handed out, later ones become ready at a time, taken ones are being reconciled.
	ready map[reconcile.Request]bool
	later map[reconcile.Request]time.Time
	taken map[reconcile.Request]bool
	down  bool
}

// candidates returns the requests that could be handed out now.
func (q *queue) candidates() []reconcile.Request {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for request, at := range q.later {
		if !now.Before(at) {
			delete(q.later, request)
			q.ready[request] = true
		}
	}
	var found []reconcile.Request
	for request := range q.ready {
		if !q.taken[request] {
			found = append(found, request)
		}
	}
	return found
}

// give hands a request to a worker.
func (q *queue) give(request reconcile.Request) {
	q.mu.Lock()
	delete(q.ready, request)
	q.taken[request] = true
	q.mu.Unlock()
	q.hand <- request
}

// next returns when the next request becomes ready, or zero.
func (q *queue) next() time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	var next time.Time
	for _, at := range q.later {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

func (q *queue) passes() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.taken)
}

// Add implements workqueue.TypedInterface.
func (q *queue) Add(request reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.down {
		q.ready[request] = true
		q.world.stir()
	}
}

// AddAfter implements workqueue.TypedDelayingInterface.
func (q *queue) AddAfter(request reconcile.Request, d time.Duration) {
	if d <= 0 {
		q.Add(request)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	at := time.Now().Add(d)
	if before, waits := q.later[request]; !q.down && (!waits || at.Before(before)) {
		q.later[request] = at
		q.world.stir()
	}
}

// AddRateLimited implements workqueue.TypedRateLimitingInterface.
func (q *queue) AddRateLimited(request reconcile.Request) {
	q.AddAfter(request, q.limiter.When(request))
}

// Forget implements workqueue.TypedRateLimitingInterface.
func (q *queue) Forget(request reconcile.Request) { q.limiter.Forget(request) }

// Get implements workqueue.TypedInterface.
func (q *queue) Get() (reconcile.Request, bool) {
	request, ok := <-q.hand
	return request, !ok
}

// Done implements workqueue.TypedInterface.
func (q *queue) Done(request reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.taken, request)
	q.world.stir()
}

// ShutDown implements workqueue.TypedInterface.
func (q *queue) ShutDown() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.down {
		q.down = true
		close(q.hand)
	}
}
