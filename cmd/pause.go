// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/utils/clock"
)

// Leader election: another manager takes over when the leader has not renewed its lease for leaseDuration, and a leader
// that can't renew it gives up after renewDeadline.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	// retryPeriod bounds a hand-over. A standby looks at the lease again after up to 2.2 times that (client-go's jitter), so
	// it may have seen the last renewal 2.2 s late, and sees the end of the lease another 2.2 s late: 19.4 s at most.
	retryPeriod = time.Second
	// longestPause is what a leader can be paused for and still be the only one: when it was, its lease had been renewed no
	// longer than renewDeadline ago.
	longestPause = leaseDuration - renewDeadline
)

// watchPauses returns an error once the process was paused (SIGSTOP, a node or a VM that hung) for so long that another
// manager may lead by now. The elector alone would try to renew for renewDeadline more, and two managers would work
// side by side. It returns nil when ctx ends.
func watchPauses(ctx context.Context, c clock.WithTicker) error {
	ticker := c.NewTicker(time.Second)
	defer ticker.Stop()
	last := wallClock(c)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
		}
		now := wallClock(c)
		if pause := now.Sub(last); pause > longestPause {
			return fmt.Errorf("was paused for %s, so another manager may lead by now", pause.Truncate(time.Second))
		}
		last = now
	}
}

// wallClock goes on while a VM is suspended; the monotonic clock does not.
func wallClock(c clock.PassiveClock) time.Time { return c.Now().Round(0) }
