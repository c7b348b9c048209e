// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"k8s.io/utils/clock"
)

// jumpingClock is the operator's. Its wall clock can be wrong and jump; its monotonic clock goes on as the world's time
// does. A time of it has both, as those of time.Now outside of a bubble: what is measured inside a process does not jump.
type jumpingClock struct {
	shift time.Duration
	since time.Time
}

var _ clock.PassiveClock = (*jumpingClock)(nil)

func newClock() *jumpingClock { return &jumpingClock{since: time.Now()} }

// Now implements clock.PassiveClock.
func (c *jumpingClock) Now() time.Time {
	now := time.Now()
	return withMonotonic(now.Add(c.shift), time.Second+now.Sub(c.since))
}

// Since implements clock.PassiveClock.
func (c *jumpingClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// withMonotonic puts a monotonic reading beside a wall clock's. Only time.Now can do that, and in a bubble it does not; so
// this writes what Go's time.Time consists of, which TestAClockThatJumps proves.
func withMonotonic(wall time.Time, reading time.Duration) time.Time {
	const from1885 = 2_682_288_000 // seconds from 1885, from which a time with two readings counts, to 1970
	read := wall
	layout := (*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&read))
	layout.wall = 1<<63 | uint64(wall.Unix()+from1885)<<30 | uint64(wall.Nanosecond())
	layout.ext = int64(reading)
	return read
}

// TestAClockThatJumps: the wall clock jumps, and differences of times do not.
func TestAClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		before, begun := c.Now(), time.Now()
		for _, shift := range []time.Duration{0, time.Hour, -time.Hour, 90 * time.Minute} {
			c.shift = shift
			time.Sleep(time.Minute + time.Nanosecond)
			now := c.Now()
			if want := time.Now().Add(shift); !now.Round(0).Equal(want) || now.UnixNano() != want.UnixNano() || now.Location() != time.Local {
				t.Errorf("shifted by %s: %s, want %s", shift, now, want)
			}
			if passed := now.Sub(before); passed != time.Since(begun) || c.Since(before) != passed || now.Before(before) {
				t.Errorf("shifted by %s: %s have passed, want %s", shift, passed, time.Since(begun))
			}
			if later := now.Add(time.Hour); later.Sub(before) != now.Sub(before)+time.Hour || !later.After(now) {
				t.Errorf("shifted by %s: an hour later is %s", shift, later)
			}
		}
	})
}
