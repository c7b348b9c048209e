// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kill kills the manager again and again, as a process on a real API server, while AccessKeys of all services
// rotate. Then it kills etcd and kube-apiserver under the manager, and pauses a leader until another one has taken over. At
// every sample each Secret must hold a pair that works, and each key of the operator must be recorded or belong to an open
// operation. In the end no key may be left over. test/replicas measures a leader that dies or is asked to stop.
package kill

import (
	"context"
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	long        = flag.Bool("long", false, "100 kills, and restarts and pauses in proportion (about 15 minutes)")
	seed        = flag.Uint64("seed", 0, "seed of the moments of the kills; 0: another one each time")
	managerPath = flag.String("manager", "", "the manager to kill; empty: built from this tree")
)

// form of the test.
type form struct {
	kills, restarts     int
	killEvery, askEvery time.Duration
	// slowness bounds how long a change at a service is under way before it is carried out, and again after.
	slowness time.Duration
	// pauses are how long a leader stays paused after another one has taken over.
	pauses []time.Duration
}

var (
	// shortForm rotates as fast as it can, so that a few kills interrupt many operations.
	shortForm = form{
		kills: 20, killEvery: 1500 * time.Millisecond, askEvery: 100 * time.Millisecond, slowness: 300 * time.Millisecond, restarts: 1,
		pauses: []time.Duration{time.Second},
	}
	longForm = form{
		kills: 100, killEvery: 4 * time.Second, askEvery: time.Second, slowness: 150 * time.Millisecond, restarts: 3,
		// 150 seconds is longer than the two minutes after which an open operation is settled.
		pauses: []time.Duration{5 * time.Second, 150 * time.Second, 20 * time.Second},
	}
)

func TestKill(t *testing.T) {
	f := shortForm
	if *long {
		f = longForm
	}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("Seed %d", *seed)
	random := rand.New(rand.NewPCG(*seed, *seed))
	start := time.Now()
	w := newWorld(t.Context(), t, f)
	s := newSampler(w)
	defer func() { t.Log(s.summary(time.Since(start))) }()
	endSampling := background(t.Context(), s.run)
	defer endSampling()
	endAsking := background(t.Context(), w.ask)
	defer endAsking()

	phase := func(name string, run func()) {
		began := time.Now()
		run()
		t.Logf("%s: %s", name, time.Since(began).Round(time.Second))
	}
	phase("Kills of the manager", func() { w.killManagers(t.Context(), random) })
	phase("Restarts of etcd and kube-apiserver", func() { w.restartPlane(t.Context(), random) })
	phase("Pauses of the leader", func() { w.pauseLeaders(t.Context()) })
	endAsking()
	phase("Settling", func() {
		w.endRotations(t.Context())
		end := w.last(t.Context())
		defer end()
		w.until(t.Context(), "Settling", w.unsettled)
		endSampling()
		w.deleteAll(t.Context())
		w.until(t.Context(), "Deleting", w.remains)
	})
	w.expectForeignKeys()
	for _, log := range w.panicked() {
		t.Errorf("a manager panicked: %s", log)
	}
}

// background runs a loop until end is called, which may happen more than once.
func background(ctx context.Context, loop func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		loop(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}
