// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	// inFlight bounds the requests under way: so many bad signatures do not lock a key yet ("more than five consecutive times").
	inFlight = 5
	// pause is how long nothing is sent after a 401. It is as long as the gateway locks a key.
	pause = 5 * time.Minute
	// maxSkew is how far the clocks may be apart before a 401 is blamed on them. The gateway allows 15 minutes.
	maxSkew = 5 * time.Minute
)

// gate keeps bad signatures from locking the operator's key.
type gate struct {
	now   func() time.Time
	slots *semaphore.Weighted

	mu sync.Mutex
	// proven: the service accepted a signature. Until it did, one request is under way at a time.
	proven bool
	// reason of the 401 that closed the gate at closed; nil while it is open.
	reason error
	closed time.Time
	// skew is what measure last returned.
	skew time.Duration
}

// enter waits until the request may be sent. The caller calls leave when it was answered.
func (g *gate) enter(ctx context.Context, r rest.Request) (leave func(), err error) {
	weight := int64(1)
	g.mu.Lock()
	if !g.proven {
		weight = inFlight
	}
	g.mu.Unlock()
	if err := g.slots.Acquire(ctx, weight); err != nil {
		return nil, r.Done(ctx)
	}
	if wait, reason := g.closedFor(); wait > 0 {
		g.slots.Release(weight)
		failed := r.Fail(keyservice.Unauthorized, reason)
		failed.RetryAfter = wait
		return nil, failed
	}
	return func() { g.slots.Release(weight) }, nil
}

// closedFor opens the gate when its time has come, or returns for how long and why it is still closed.
func (g *gate) closedFor() (wait time.Duration, reason error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason == nil {
		return 0, nil
	}
	// A clock that was set back must not keep the gate closed for longer.
	if passed := g.now().Sub(g.closed); passed >= 0 && passed < pause {
		return pause - passed, g.reason
	}
	g.reason = nil
	return 0, nil
}

// open notes that the service accepted a signature. An answer to a request from before the 401 does not open the gate.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.proven = g.proven || g.reason == nil
}

// close notes that the service refused a signature.
func (g *gate) close(reason error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.proven, g.reason, g.closed = false, reason, g.now()
}

// measure returns how far the operator's clock is ahead of the service's, in whole minutes; 0 if the service did not say, and
// for a difference that does not matter. It keeps what it last returned while that is about right, so that a message does
// not change from one try to the next.
func (g *gate) measure(date time.Time) time.Duration {
	if date.IsZero() {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	ahead := g.now().Sub(date)
	switch {
	case ahead.Abs() <= maxSkew:
		g.skew = 0
	case (ahead - g.skew).Abs() > time.Minute:
		g.skew = ahead.Round(time.Minute)
	}
	return g.skew
}

// describeSkew puts a skew into words.
func describeSkew(ahead time.Duration) string {
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("the operator's clock is %d minutes %s the service's, which allows 15: set the operator's clock right",
		int(ahead.Abs().Minutes()), direction)
}
