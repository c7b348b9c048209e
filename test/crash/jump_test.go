// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator/huawei"
)

// setClockTo lets the operator's wall clock be wrong from now on.
func (w *world) setClockTo(d time.Duration) {
	w.log("clock", "is wrong by %s", d)
	w.clock.shift = d
	w.clockError = max(w.clockError, d.Abs())
}

// shiftClock at one of the next calls, so that the clock jumps in the midst of a pass.
func (w *wild) shiftClock(d time.Duration) {
	if !*steady {
		w.jumpIn, w.jumpTo = pick(w.rng, 1, 1, 5, 10, 20, 40), d
	}
}

// setClock if this is the call at which it jumps.
func (w *wild) setClock() {
	if w.jumpIn--; w.jumpIn == 0 {
		w.setClockTo(w.jumpTo)
	}
}

// jump is a failure and a jump of the clock, at the calls of these numbers.
type jump struct {
	failure         failure
	failsAt, atCall int
	by              time.Duration
}

func (j jump) String() string {
	return fmt.Sprintf("call %d: %s, call %d: the clock jumps by %s", j.failsAt, j.failure, j.atCall, j.by)
}

// TestEveryJump tells the main stories with a jump of the clock at each write, or at the call after it, together with what
// the write can meet. The clock is right again in the end.
func TestEveryJump(t *testing.T) {
	for _, s := range jumpSettings() {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			for k, c := range s.tell(t, nil, false).calls {
				for _, j := range s.jumpsAt(k+1, c) {
					if w := s.tellWithJump(t, j, false); w.violation != "" {
						t.Fatalf("%s: %s\n%s", j, w.violation, s.tellWithJump(t, j, true).story())
					}
				}
			}
		})
	}
}

// jumpSettings: Huawei's gateway refuses an operator whose clock is an hour wrong, so that it is told once more with a clock
// that it accepts, and with keys that it lists late.
func jumpSettings() (all []setting) {
	for _, s := range settings() {
		if !s.story.main || s.lag > 0 || s.strategy != v1alpha1.StrategyAuto {
			continue
		}
		all = append(all, s)
		if s.service == "huawei" {
			s.service = lateHuawei
			s.open = func(c clock.PassiveClock) *site { return huaweiSite(huawei.Options{Clock: c, Lag: 2 * time.Second}) }
			all = append(all, s)
		}
	}
	return all
}

const lateHuawei = "huawei, late"

// jumpsAt leaves out a clock that is set forward while no operator runs and a request is on its way: docs/testing.md.
func (s setting) jumpsAt(k int, c call) (all []jump) {
	if !c.write {
		return nil
	}
	far := time.Hour
	if s.service == lateHuawei {
		far = 10 * time.Minute
	}
	for _, met := range append(failuresOf(c), none) {
		for _, by := range []time.Duration{-far, far} {
			if by > 0 && (met == dieLate || s.service == lateHuawei && (met == dieBefore || met == dieAfter)) {
				continue
			}
			all = append(all, jump{met, k, k, by}, jump{met, k, k + 1, by})
		}
	}
	return all
}

func (s setting) tellWithJump(t *testing.T, j jump, tracing bool) *world {
	var told *world
	worlds.Add(1)
	synctest.Test(t, func(*testing.T) {
		w := newWorld(s.open(clock.RealClock{}))
		w.failures, w.tracing = map[int]failure{j.failsAt: j.failure}, tracing
		w.beforeCall = func() {
			if len(w.calls) == j.atCall {
				w.setClockTo(j.by)
			}
		}
		w.furnish()
		w.start()
		w.run(time.Minute)
		s.story.tell(w, s.strategy)
		w.clock.shift, w.beforeCall = 0, nil
		w.settle()
		w.end()
		told = w
	})
	return told
}

// TestAJumpMakesNoKeyOld: a key that the service does not list yet is not taken for gone because the clock jumped.
func TestAJumpMakesNoKeyOld(t *testing.T) {
	for _, s := range jumpSettings() {
		if s.service != lateHuawei || s.story.name != "issue" {
			continue
		}
		for _, by := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(s.open(clock.RealClock{}))
				w.tracing = true
				w.furnish()
				w.start()
				w.run(time.Minute)
				w.apply("a", s.strategy)
				w.runUntil(time.Minute, func() bool {
					ak := w.accessKey("a")
					return ak.Status.KeyID != "" && ak.Status.Intent == nil
				})
				w.setClockTo(by)
				w.renewNow("a", "now")
				w.run(time.Minute)
				w.settle()
				if w.end(); w.violation != "" {
					t.Errorf("by %s: %s\n%s", by, w.violation, w.story())
				}
			})
		}
	}
}
