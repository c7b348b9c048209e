// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestHowManyPlacesAServiceHas(t *testing.T) {
	for name, test := range map[string]struct {
		workers, quick int
		// others are passes at other services that are not proven.
		others, want int
	}{
		"a quarter of the workers before it has answered": {16, 0, 0, 4},
		"one more for each quick answer":                  {16, 1, 0, 5},
		"never the last quarter":                          {16, 100, 0, 12},
		"what another unproven one left of the quarter":   {16, 0, 3, 1},
		"one at least": {16, 0, 12, 1},
		"as many as alone beside unproven ones once it has answered": {16, 8, 12, 12},
		"one of four workers":                        {4, 0, 0, 1},
		"three of four workers once it has answered": {4, 9, 0, 3},
		"the only worker":                            {1, 0, 0, 1},
		"the only worker, whatever it has answered":  {1, 9, 0, 1},
		"as many as there are, and as come, without a number of workers to go by": {0, 0, 0, 99},
		"one of two workers": {2, 9, 0, 1},
		"one of three workers, and not a second one that others would have to miss": {3, 0, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, unproven := room{quick: test.quick}, test.others
			for r.inside < test.want && r.has(test.workers, unproven) {
				r.inside++
				if !r.proven() {
					unproven++
				}
			}
			if r.inside != test.want || test.workers > 0 && r.has(test.workers, unproven) {
				t.Errorf("%d, and one more: %t; want %d", r.inside, r.has(test.workers, unproven), test.want)
			}
		})
	}
}

func TestWhatAPassTellsOfItsService(t *testing.T) {
	for name, test := range map[string]struct {
		before  room
		slowest time.Duration
		want    int
	}{
		"a quick answer proves it":                         {room{inside: 2}, time.Second - 1, 1},
		"each counts":                                      {room{inside: 2, quick: 7}, time.Millisecond, 8},
		"a slow answer takes the proof away":               {room{inside: 2, quick: 7}, time.Second, 0},
		"without an answer nothing is known":               {room{inside: 2, quick: 7}, 0, 7},
		"an empty room stays proven, but starts small":     {room{inside: 1, quick: 7}, time.Millisecond, 1},
		"a room that others wait for is not empty":         {room{inside: 1, quick: 7, line: make([]reconcile.Request, 1)}, time.Millisecond, 8},
		"a slow service stays slow when it is left":        {room{inside: 1, quick: 7}, time.Minute, 0},
		"the only pass without an answer tells nothing":    {room{inside: 1}, 0, 0},
		"the only pass with a quick answer proves as well": {room{inside: 1}, time.Nanosecond, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.before.after(test.slowest); got.quick != test.want || got.inside != test.before.inside-1 {
				t.Errorf("got %d, %d inside", got.quick, got.inside)
			}
		})
	}
}

func requestOf(i int) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "team-a", Name: fmt.Sprint("key-", i)}}
}

// crowd plays the passes of the AccessKeys of one service, as many at a time as there are workers.
type crowd struct {
	b       bulkhead
	service types.UID
	queue   []reconcile.Request
	// passes, and those of them that got a place, in order.
	passes int
	served []reconcile.Request
	inside []*visit
	most   int
}

func newCrowd(workers, keys int) *crowd {
	c := &crowd{b: bulkhead{workers: workers}, service: "service"}
	c.b.wake = func(request reconcile.Request, _ int) { c.queue = append(c.queue, request) }
	for i := range keys {
		c.queue = append(c.queue, requestOf(i))
	}
	return c
}

// begin passes until the queue is empty, or all workers are inside.
func (c *crowd) begin() {
	for len(c.queue) > 0 && len(c.inside) < c.b.workers {
		next := c.queue[0]
		c.queue = c.queue[1:]
		c.passes++
		if v := c.b.begin(next); v.enter(c.service) {
			c.inside, c.served = append(c.inside, v), append(c.served, next)
		}
	}
	c.most = max(c.most, len(c.inside))
}

// end the pass that came first.
func (c *crowd) end(took time.Duration) {
	first := c.inside[0]
	c.inside = c.inside[1:]
	first.told(took)
	first.end()
}

func TestWhoFindsNoPlaceIsWokenWhenItIsTheirTurn(t *testing.T) {
	for name, test := range map[string]struct {
		took time.Duration
		most int
	}{
		"at a slow service": {10 * time.Second, 4},
		"at a quick one":    {10 * time.Millisecond, 12},
	} {
		t.Run(name, func(t *testing.T) {
			const keys = 1000
			c := newCrowd(16, keys)
			for c.begin(); len(c.inside) > 0; c.begin() {
				c.end(test.took)
			}
			if c.most != test.most {
				t.Errorf("%d were inside at once, want %d", c.most, test.most)
			}
			if c.passes > 2*keys {
				t.Errorf("it took %d passes over %d AccessKeys", c.passes, keys)
			}
			if len(c.served) != keys || c.served[0] != requestOf(0) || c.served[keys-1] != requestOf(keys-1) {
				t.Errorf("%d were served, from %v to %v", len(c.served), c.served[0], c.served[len(c.served)-1])
			}
			if len(c.b.waits)+len(c.b.called) > 0 || c.b.rooms["service"].inside != 0 {
				t.Errorf("left behind %v, %v, %+v", c.b.waits, c.b.called, c.b.rooms["service"])
			}
		})
	}
}

func TestAPlaceThatIsNotNeededIsHandedOn(t *testing.T) {
	for name, meanwhile := range map[string]func(*bulkhead, *visit){
		"the AccessKey is gone":               func(*bulkhead, *visit) {},
		"it refers to another service by now": func(_ *bulkhead, v *visit) { v.enter("another") },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(4, 3)
			c.begin()
			c.end(time.Minute)
			called := c.b.begin(c.queue[0])
			c.queue = nil
			meanwhile(&c.b, called)
			called.end()
			if len(c.queue) != 1 || c.queue[0] != requestOf(2) {
				t.Fatalf("called %v", c.queue)
			}
			c.b.begin(c.queue[0]).end()
			for service, r := range c.b.rooms {
				if r.inside != 0 {
					t.Errorf("%d are left at %s", r.inside, service)
				}
			}
		})
	}
}

func TestAPlaceThatIsHandedOverDuringAPassIsKeptForTheNext(t *testing.T) {
	c := newCrowd(4, 2)
	c.begin()
	again := c.b.begin(requestOf(1)) // an event came
	c.end(time.Minute)
	again.end()
	if v := c.b.begin(requestOf(1)); v.service != c.service || !v.enter(c.service) || c.b.rooms[c.service].inside != 1 {
		t.Errorf("has a place at %q, %d inside", v.service, c.b.rooms[c.service].inside)
	}
}

func TestSlowServicesDoNotWaitForEachOther(t *testing.T) {
	c := newCrowd(16, 9)
	c.begin()
	for i := range 3 {
		request := requestOf(100 + i)
		if !c.b.begin(request).enter(types.UID(fmt.Sprint("other-", i))) {
			t.Errorf("another service has no place beside %d passes", len(c.inside)+i)
		}
	}
	if c.b.begin(requestOf(200)).enter("other-0") {
		t.Error("one that is not proven has two places beside a quarter of the workers at others")
	}
}

// TestWhoWaitsIsCounted, whichever way it gets out of line. Others may wait in other tests.
func TestWhoWaitsIsCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(waitingForService)
	wait := func() float64 {
		families, err := registry.Gather()
		if err != nil || len(families) != 1 {
			t.Fatalf("%v, %v", families, err)
		}
		return families[0].GetMetric()[0].GetGauge().GetValue()
	}
	before := wait()
	expect := func(want float64, when string) {
		t.Helper()
		if got := wait() - before; got != want {
			t.Errorf("%s %v wait, want %v", when, got, want)
		}
	}
	b := bulkhead{workers: 4, wake: func(reconcile.Request, int) {}}
	inside, called, moved := b.begin(requestOf(0)), b.begin(requestOf(1)), b.begin(requestOf(2))
	inside.enter("slow")
	for range 2 {
		called.enter("slow")
		moved.enter("slow")
	}
	expect(2, "beside one that is inside")
	inside.end()
	expect(1, "with one that was called")
	moved.enter("other")
	expect(0, "with one that went elsewhere")
}

func TestServicesThatNobodyIsAtAreForgotten(t *testing.T) {
	b := bulkhead{workers: 16}
	busy := b.begin(requestOf(0))
	busy.enter("busy")
	for i := range 3 * knownServices {
		v := b.begin(requestOf(i))
		v.enter(types.UID(fmt.Sprint("service-", i)))
		v.end()
	}
	if len(b.rooms) > knownServices || b.rooms["busy"] == nil {
		t.Errorf("%d are remembered", len(b.rooms))
	}
}
