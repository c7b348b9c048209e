// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"errors"
	"sync/atomic"
	"time"
)

// Clock is the one clock of several simulators: the real time, moved ahead by what it was told. It implements
// clock.PassiveClock. Safe for concurrent use.
type Clock struct{ ahead atomic.Int64 }

// Now is the simulators' time.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Since is how long ago t was, by the simulators' time.
func (c *Clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Advance moves the clock. It only goes forward.
func (c *Clock) Advance(by time.Duration) error {
	if by < 0 {
		return errors.New("the clock only goes forward")
	}
	c.ahead.Add(int64(by))
	return nil
}
