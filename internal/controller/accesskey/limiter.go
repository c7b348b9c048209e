// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/prometheus/client_golang/prometheus"
)

// errNoSlot says that all slots of the KeyService are taken.
var errNoSlot = errors.New("all slots of the key service are taken")

var waitingForService = prometheus.NewGauge(prometheus.GaugeOpts{
	Name: "accesskey_waiting_for_service",
	Help: "AccessKeys that wait for a slot at their key service.",
})

// Collectors are the metrics of the controller, for the manager's registry.
func Collectors() []prometheus.Collector {
	return []prometheus.Collector{waitingForService, rotations}
}

const (
	// shareOfWorkers is how many KeyServices it takes to occupy all workers: each has a quarter of them as slots.
	shareOfWorkers = 4
	// minWait and waitPerAccessKey bound the pause of an AccessKey that found no slot, unless its turn comes before. The more of them
	// wait, the longer each pauses, so that they ask for slots at a steady rate.
	minWait          = time.Second
	waitPerAccessKey = 100 * time.Millisecond
)

func slotsPerService(workers int) int { return max(workers/shareOfWorkers, 1) }

// limiter keeps the scopes that wait for the answers of one KeyService from occupying all workers.
type limiter struct {
	// slots of each KeyService.
	slots int
	// wake reconciles the AccessKey whose turn it is; nil for none.
	wake func(types.NamespacedName)

	mu       sync.Mutex
	services map[types.UID]*service
	waiting  map[types.NamespacedName]turn
	random   *rand.Rand
}

// service is how many slots of a KeyService are taken. Its queue are the AccessKeys that found no slot, the first one first. Some of
// them may have gone.
type service struct {
	taken int
	queue []types.NamespacedName
}

// turn is that of an AccessKey that waits for a slot. It is in the queue of the KeyService, or its turn has come.
type turn struct {
	service types.UID
	queued  bool
}

// acquire takes a slot for an AccessKey. It does not wait.
func (l *limiter) acquire(uid types.UID, name types.NamespacedName) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.services == nil {
		l.services, l.waiting = map[types.UID]*service{}, map[types.NamespacedName]turn{}
		l.random = rand.New(rand.NewPCG(1, 2)) //nolint:gosec // spreads retries; a fixed seed keeps simulations repeatable
	}
	s := l.services[uid]
	if s == nil {
		s = &service{}
		l.services[uid] = s
	}
	if !l.isFree(s) {
		return false
	}
	s.taken++
	l.stopWaiting(name)
	return true
}

func (l *limiter) isFree(s *service) bool { return s.taken < max(l.slots, 1) }

// release gives a slot back, to the AccessKey that has waited longest.
func (l *limiter) release(uid types.UID) {
	l.mu.Lock()
	l.services[uid].taken--
	next, ok := l.next(uid)
	l.mu.Unlock()
	l.wakeUp(next, ok)
}

// forget removes an AccessKey that no longer waits. If its turn had come, it is the turn of the next one.
func (l *limiter) forget(name types.NamespacedName) {
	l.mu.Lock()
	last, waits := l.waiting[name]
	l.stopWaiting(name)
	var next types.NamespacedName
	if waits = waits && !last.queued; waits {
		next, waits = l.next(last.service)
	}
	l.mu.Unlock()
	l.wakeUp(next, waits)
}

// next returns the AccessKey whose turn it is, if a slot is free.
func (l *limiter) next(uid types.UID) (name types.NamespacedName, ok bool) {
	s := l.services[uid]
	if s == nil {
		return name, false
	}
	for len(s.queue) > 0 && l.isFree(s) && !ok {
		name, s.queue = s.queue[0], s.queue[1:]
		ok = l.waiting[name] == turn{uid, true}
	}
	if ok {
		l.waiting[name] = turn{service: uid}
	}
	if s.taken == 0 && len(s.queue) == 0 {
		delete(l.services, uid)
	}
	return name, ok
}

func (l *limiter) wakeUp(name types.NamespacedName, ok bool) {
	if ok && l.wake != nil {
		l.wake(name)
	}
}

// wait returns how long an AccessKey pauses before it asks for a slot again, unless its turn comes before.
func (l *limiter) wait(uid types.UID, name types.NamespacedName) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, known := l.waiting[name]
	if !known {
		waitingForService.Inc()
	}
	if s := l.services[uid]; s != nil && last != (turn{uid, true}) {
		s.queue = append(s.queue, name)
		last = turn{uid, true}
	}
	l.waiting[name] = last
	return minWait + time.Duration(l.random.Int64N(int64(waitPerAccessKey)*int64(len(l.waiting))))
}

func (l *limiter) stopWaiting(name types.NamespacedName) {
	if _, waits := l.waiting[name]; waits {
		delete(l.waiting, name)
		waitingForService.Dec()
	}
}
