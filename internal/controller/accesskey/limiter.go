// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
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

func slotsPerService(workers int) int64 { return int64(max(workers/shareOfWorkers, 1)) }

// limiter keeps the scopes that wait for the answers of one KeyService from occupying all workers.
type limiter struct {
	// slots of each KeyService.
	slots int64
	// wake reconciles the AccessKey whose turn it is; nil for none.
	wake func(types.NamespacedName)

	mu       sync.Mutex
	services map[types.UID]*service
	// waiting has true for an AccessKey in a queue, and false for one whose turn has come.
	waiting map[types.NamespacedName]bool
	random  *rand.Rand
}

// service is the slots of one KeyService, and how many of them are taken. Its queue are the AccessKeys that found no slot, the first
// one first. Some of them may have gone.
type service struct {
	slots *semaphore.Weighted
	taken int
	queue []types.NamespacedName
}

// acquire takes a slot for an AccessKey. It does not wait.
func (l *limiter) acquire(uid types.UID, name types.NamespacedName) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.services == nil {
		l.services, l.waiting = map[types.UID]*service{}, map[types.NamespacedName]bool{}
		l.random = rand.New(rand.NewPCG(1, 2)) //nolint:gosec // spreads retries; a fixed seed keeps simulations repeatable
	}
	if l.services[uid] == nil {
		l.services[uid] = &service{slots: semaphore.NewWeighted(max(l.slots, 1))}
	}
	if !l.services[uid].slots.TryAcquire(1) {
		return false
	}
	l.services[uid].taken++
	l.stopWaiting(name)
	return true
}

// release gives a slot back, to the AccessKey that has waited longest.
func (l *limiter) release(uid types.UID) {
	if name, ok := l.giveBack(uid); ok && l.wake != nil {
		l.wake(name)
	}
}

func (l *limiter) giveBack(uid types.UID) (next types.NamespacedName, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.services[uid]
	s.slots.Release(1)
	s.taken--
	for len(s.queue) > 0 && !ok {
		next, s.queue = s.queue[0], s.queue[1:]
		ok = l.waiting[next]
	}
	if ok {
		l.waiting[next] = false
	}
	if s.taken == 0 && len(s.queue) == 0 {
		delete(l.services, uid)
	}
	return next, ok
}

// wait returns how long an AccessKey pauses before it asks for a slot again, unless its turn comes before.
func (l *limiter) wait(uid types.UID, name types.NamespacedName) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	queued, known := l.waiting[name]
	if !known {
		l.waiting[name] = false
		waitingForService.Inc()
	}
	if s := l.services[uid]; s != nil && !queued {
		s.queue = append(s.queue, name)
		l.waiting[name] = true
	}
	return minWait + time.Duration(l.random.Int64N(int64(waitPerAccessKey)*int64(len(l.waiting))))
}

// forget removes an AccessKey that no longer waits.
func (l *limiter) forget(name types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopWaiting(name)
}

func (l *limiter) stopWaiting(name types.NamespacedName) {
	if _, waits := l.waiting[name]; waits {
		delete(l.waiting, name)
		waitingForService.Dec()
	}
}
