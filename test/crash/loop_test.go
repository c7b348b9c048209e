// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"cmp"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// hotLoop is how many turns at one moment are too many, and busyMinute how many in a minute: the rateLimit of a KeyService slows
// a loop down.
const (
	hotLoop    = 500
	busyMinute = 2000
)

// run lets the world run for a while.
func (w *world) run(d time.Duration) { w.runUntil(d, func() bool { return false }) }

// runUntil lets the world run until the condition holds, at most for d.
func (w *world) runUntil(d time.Duration, condition func() bool) {
	end := time.Now().Add(d)
	for {
		synctest.Wait() // everybody waits for a turn or for time to pass
		w.check()
		if w.violation != "" || condition() {
			return
		}
		if w.keepAppointment() || w.deliver() || w.giveTurn() {
			continue
		}
		now := time.Now()
		if !now.Before(end) && !w.busy() {
			return
		}
		w.sleep(w.nextMoment(end).Sub(now))
	}
}

// sleep until something happens, at most d.
func (w *world) sleep(d time.Duration) {
	if d <= 0 { // a reconcile waits for time to pass
		d = time.Minute
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.stirred:
	case <-timer.C:
	}
}

// stir wakes the world from sleep.
func (w *world) stir() {
	select {
	case w.stirred <- struct{}{}:
	default:
	}
}

func (w *world) keepAppointment() bool {
	w.mu.Lock()
	at := -1
	for i := range w.appointments {
		if !time.Now().Before(w.appointments[i].at) && (at < 0 || w.appointments[i].at.Before(w.appointments[at].at)) {
			at = i
		}
	}
	if at < 0 {
		w.mu.Unlock()
		return false
	}
	due := w.appointments[at]
	w.appointments = slices.Delete(w.appointments, at, at+1)
	w.mu.Unlock()
	due.do()
	return true
}

// deliver updates the caches as far as their lag allows, and runs the garbage collector.
func (w *world) deliver() bool {
	w.kube.CollectGarbage()
	moved := false
	for _, each := range w.process.caches {
		moved = each.Deliver() || moved
	}
	return moved && !w.process.dead
}

// giveTurn lets one call proceed or one reconcile start.
func (w *world) giveTurn() bool {
	if time.Now() != w.moment {
		w.moment, w.passesNow = time.Now(), 0
	}
	if minute := time.Now().Truncate(time.Minute); minute != w.minute {
		w.minute, w.passesInMinute = minute, 0
	}
	w.passesNow++
	w.passesInMinute++
	if w.passesNow > hotLoop || w.passesInMinute > busyMinute {
		w.violate("promise 5: the operator does not come to rest")
		return false
	}
	turns, starts := w.turns(), w.starts()
	if len(turns)+len(starts) == 0 {
		return false
	}
	chosen := 0
	if w.chance != nil {
		chosen = w.chance.IntN(len(turns) + len(starts))
	}
	if chosen < len(turns) {
		w.grant(turns[chosen])
		return true
	}
	starts[chosen-len(turns)]()
	return true
}

// turns returns the waiting calls in an order that does not depend on the scheduler. Calls of the same moment are ordered by what
// they request, without the random IDs in it.
func (w *world) turns() []*turn {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortStableFunc(w.waiting, func(a, b *turn) int {
		if order := a.came.Compare(b.came); order != 0 {
			return order
		}
		return strings.Compare(randomParts.ReplaceAllString(a.wants, "…"), randomParts.ReplaceAllString(b.wants, "…"))
	})
	return slices.Clone(w.waiting)
}

func (w *world) grant(t *turn) {
	w.mu.Lock()
	w.waiting = slices.DeleteFunc(w.waiting, func(other *turn) bool { return other == t })
	w.mu.Unlock()
	close(t.granted)
}

func (w *world) queueUp(t *turn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.process.dead {
		return false
	}
	w.waiting = append(w.waiting, t)
	w.stir()
	return true
}

// dismiss ends the waiting calls of a dead process.
func (w *world) dismiss(p *process) {
	for _, t := range w.turns() {
		if t.process == p {
			w.grant(t)
		}
	}
}

// starts returns the reconciles that could start. With one worker there is one at a time.
func (w *world) starts() []func() {
	if w.process.dead || w.workers == 1 && w.busy() {
		return nil
	}
	type start struct {
		q       *queue
		request reconcile.Request
	}
	var found []start
	for _, q := range w.process.queues {
		if q.passes() >= w.workers {
			continue
		}
		for _, request := range q.candidates() {
			found = append(found, start{q, request})
		}
	}
	slices.SortFunc(found, func(a, b start) int {
		return cmp.Or(strings.Compare(a.q.controller, b.q.controller), strings.Compare(a.request.String(), b.request.String()))
	})
	starts := make([]func(), 0, len(found))
	for _, s := range found {
		starts = append(starts, func() { s.q.give(s.request) })
	}
	return starts
}

// busy reports whether a reconcile is running.
func (w *world) busy() bool {
	return slices.ContainsFunc(w.process.queues, func(q *queue) bool { return !w.process.dead && q.passes() > 0 })
}

// nextMoment returns when something is due next, at most end.
func (w *world) nextMoment(end time.Time) time.Time {
	next := end
	sooner := func(at time.Time) {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	w.mu.Lock()
	for i := range w.appointments {
		sooner(w.appointments[i].at)
	}
	w.mu.Unlock()
	if w.process.dead {
		return next
	}
	for _, q := range w.process.queues {
		sooner(q.next())
	}
	for _, each := range w.process.caches {
		sooner(each.NextDelivery())
	}
	return next
}
