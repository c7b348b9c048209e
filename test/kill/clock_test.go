// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"context"
	"sync"
	"time"

	testclock "k8s.io/utils/clock/testing"
)

// clock is the time of the simulators and of the last manager: the real time, and what the test moved it on by. The
// managers that are processes know only the real time, so nothing is added before the last of them has ended.
type clock struct {
	*testclock.FakeClock

	mu    sync.Mutex
	added time.Duration
}

// newClock runs until ctx ends.
func newClock(ctx context.Context) *clock {
	c := &clock{FakeClock: testclock.NewFakeClock(time.Now())}
	go func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				c.add(0)
			case <-ctx.Done():
				return
			}
		}
	}()
	return c
}

// add moves the clock on.
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added += d
	c.SetTime(time.Now().Add(c.added))
}
