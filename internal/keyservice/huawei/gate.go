// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// inFlight requests at most: so many bad signatures do not lock a key yet ("more than five consecutive times").
	inFlight = 5
	// pause is how long nothing is sent after a 401: as long as the gateway locks a key.
	pause = 5 * time.Minute
	// maxSkew of the clocks that a 401 is not blamed on. The gateway allows 15 minutes.
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
	// skew that was last reported: how far the operator's clock is ahead.
	skew time.Duration
}

func newGate(now func() time.Time) *gate {
	return &gate{now: now, slots: semaphore.NewWeighted(inFlight)}
}

// enter waits until a request may be sent, and returns what to call when it was. The error lacks what was tried.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	weight := int64(1)
	if !g.isProven() {
		weight = inFlight
	}
	if err := g.slots.Acquire(ctx, weight); err != nil {
		return nil, left(ctx)
	}
	if err := g.check(); err != nil {
		g.slots.Release(weight)
		return nil, err
	}
	return func() { g.slots.Release(weight) }, nil
}

func (g *gate) isProven() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.proven
}

// check opens the gate when its time has come, or says why it is closed.
func (g *gate) check() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason == nil {
		return nil
	}
	// A clock that was set back must not keep it closed for longer.
	if passed := g.now().Sub(g.closed); passed >= 0 && passed < pause {
		return &keyservice.Error{Kind: keyservice.Unauthorized, RetryAfter: pause - passed, Err: g.reason}
	}
	g.reason = nil
	return nil
}

// open: the service accepted a signature. An answer to a request from before the 401 does not open it again.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.proven = g.proven || g.reason == nil
}

// close: the service refused a signature.
func (g *gate) close(reason error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.proven, g.reason, g.closed = false, reason, g.now()
}

// measure returns how far the operator's clock is ahead of the service's, in whole minutes; 0 for an answer without Date
// and for a difference that matters to nobody. What was reported before is kept while it is about right, so that a
// message does not change from try to try.
func (g *gate) measure(response *keyservice.Response) time.Duration {
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
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

// describeSkew in words, "" for none.
func describeSkew(ahead time.Duration) string {
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	if ahead == 0 {
		return ""
	}
	return fmt.Sprintf("the operator's clock is %d minutes %s the service's, which allows 15: set the operator's clock right",
		int(ahead.Abs().Minutes()), direction)
}
