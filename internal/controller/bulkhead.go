// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// errNoPlace: the key service has as many workers as it may have.
var errNoPlace = errors.New("the key service has its share of the workers")

const (
	// slowAnswer is an answer that keeps a worker long enough for others to notice.
	slowAnswer = time.Second
	// knownServices bounds how many services are remembered that nobody is at.
	knownServices = 1000
)

// bulkhead keeps the passes that talk to one key service from taking all workers: a pass takes a place there before it sends
// anything, and without one it ends. Who found none waits in line, with no worker, until a place is handed over to it. The
// zero value has room for everybody.
type bulkhead struct {
	workers int
	// wake brings a request to a worker, at a priority.
	wake func(request reconcile.Request, priority int)

	mu    sync.Mutex
	rooms map[types.UID]*room
	// waits are the requests in line, by the service. One that took a place meanwhile is in line no more, and skipped there.
	waits map[reconcile.Request]types.UID
	// called are the requests that hold a place already, and whose pass is still to begin.
	called map[reconcile.Request]types.UID
}

// room of one key service.
type room struct {
	inside int
	// quick counts the passes since its last slow answer.
	quick int
	line  []reconcile.Request
}

// proven: the service answered, and quickly.
func (r room) proven() bool { return r.quick > 0 }

// has reports whether the room has a place for one more. Unproven passes are those at all services that are not proven: one
// that answers quickly gets more and more places, but never those of all workers, since it can hang from one answer to the
// next. Those that are slow, or not known yet, share what one of them may have; but each has a place, so that none waits
// for another.
func (r room) has(workers, unproven int) bool {
	share := max(1, workers/4)
	switch {
	case workers == 0 || r.inside == 0:
		return true
	case r.proven():
		return r.inside < min(share+r.quick, max(1, workers-share))
	default:
		return unproven < share
	}
}

// after a pass whose slowest answer took so long; 0 without one. An empty room starts small again.
func (r room) after(slowest time.Duration) room {
	r.inside--
	switch {
	case slowest >= slowAnswer:
		r.quick = 0
	case slowest > 0:
		r.quick++
	}
	if r.inside == 0 && len(r.line) == 0 {
		r.quick = min(r.quick, 1)
	}
	return r
}

// visit is one pass as the bulkhead sees it. A nil visit finds room everywhere.
type visit struct {
	bulkhead *bulkhead
	request  reconcile.Request
	// service that it has a place at; empty for none.
	service types.UID

	mu      sync.Mutex
	slowest time.Duration
}

// begin a pass, which may have a place already.
func (b *bulkhead) begin(request reconcile.Request) *visit {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := &visit{bulkhead: b, request: request, service: b.called[request]}
	delete(b.called, request)
	return v
}

// enter takes a place at a service, or gets in line for one. A pass that has one keeps it to its end.
func (v *visit) enter(service types.UID) bool {
	if v == nil || v.service == service {
		return true
	}
	v.end() // its AccessKey refers to another service than when it got in line
	return v.bulkhead.enter(v, service)
}

// told is a keyservice.WithTimer's.
func (v *visit) told(took time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.slowest = max(v.slowest, took, 1)
}

// end hands the place over to who waits.
func (v *visit) end() {
	if v.service == "" {
		return
	}
	v.mu.Lock()
	slowest := v.slowest
	v.slowest = 0
	v.mu.Unlock()
	for _, next := range v.bulkhead.leave(v.service, slowest) {
		v.bulkhead.wake(next, priorityOfCalled)
	}
	v.service = ""
}

// again has a pass made that sees the outcome of what was under way in this one.
func (v *visit) again() { v.bulkhead.wake(v.request, priorityOfResync) }

func (b *bulkhead) enter(v *visit, service types.UID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rooms[service] == nil {
		b.add(service)
	}
	r := b.rooms[service]
	if r.has(b.workers, b.unproven()) {
		r.inside++
		v.service = service
		b.waitNoMore(v.request)
		return true
	}
	if b.waits[v.request] != service {
		b.waitNoMore(v.request)
		b.waits[v.request] = service
		r.line = append(r.line, v.request)
		waitingForService.Inc()
	}
	return false
}

func (b *bulkhead) waitNoMore(request reconcile.Request) {
	if _, waits := b.waits[request]; waits {
		delete(b.waits, request)
		waitingForService.Dec()
	}
}

// leave a service, and call those from its line for whom there is room now.
func (b *bulkhead) leave(service types.UID, slowest time.Duration) (called []reconcile.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.rooms[service]
	*r = r.after(slowest)
	for len(r.line) > 0 && r.has(b.workers, b.unproven()) {
		next := r.line[0]
		if r.line = r.line[1:]; b.waits[next] != service {
			continue
		}
		b.waitNoMore(next)
		b.called[next] = service
		r.inside++
		called = append(called, next)
	}
	return called
}

func (b *bulkhead) add(service types.UID) {
	if b.rooms == nil {
		b.rooms, b.waits, b.called = map[types.UID]*room{}, map[reconcile.Request]types.UID{}, map[reconcile.Request]types.UID{}
	}
	if len(b.rooms) >= knownServices {
		maps.DeleteFunc(b.rooms, func(_ types.UID, r *room) bool { return r.inside == 0 })
	}
	b.rooms[service] = &room{}
}

// unproven counts the passes at services that are not proven.
func (b *bulkhead) unproven() (passes int) {
	for _, r := range b.rooms {
		if !r.proven() {
			passes += r.inside
		}
	}
	return passes
}
