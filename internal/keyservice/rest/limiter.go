// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// slowest is the pace below which a service is never asked, in requests per second.
	slowest = 0.5
	// cutPause is the least time between two cuts. The requests that are under way when a service begins to throttle are all
	// refused, and count as one refusal.
	cutPause = time.Second
	// doubling is how long it takes until a pace that was cut in half is back where it was.
	doubling = time.Minute
)

// pace is how fast a service is asked.
type pace struct {
	// rate in requests per second.
	rate float64
	// cut is when the rate was last cut in half, and changed when it last changed; zero if never.
	cut, changed time.Time
}

// after returns the pace after an answer. A throttled request cuts the rate in half. Every other answer lets it grow with the
// time that has passed, up to most, so that a service that throttles at a constant rate is asked too fast about once a minute.
func (p pace) after(throttled bool, now time.Time, most float64) pace {
	passed := min(max(now.Sub(p.changed), 0), doubling)
	switch {
	case throttled && now.Sub(p.cut) < cutPause, !throttled && p.rate >= most:
		return p
	case throttled:
		return pace{rate: max(p.rate/2, min(slowest, most)), cut: now, changed: now}
	default:
		return pace{rate: min(p.rate*(1+passed.Seconds()/doubling.Seconds()), most), cut: p.cut, changed: now}
	}
}

// limiter limits the requests to one service to the rate of the KeyService, and to less while the service throttles.
type limiter struct {
	tokens *rate.Limiter
	// most and burst are the KeyService's.
	most  float64
	burst int

	mu   sync.Mutex
	pace pace
}

func newLimiter(qps float64, burst int) *limiter {
	return &limiter{tokens: rate.NewLimiter(rate.Limit(qps), burst), most: qps, burst: burst, pace: pace{rate: qps}}
}

// Wait waits until the next request may be sent, or fails at once if that is later than the deadline of ctx.
func (l *limiter) Wait(ctx context.Context) error { return l.tokens.Wait(ctx) }

// answered notes an answer of the service. There are no bursts at a pace that was cut.
func (l *limiter) answered(throttled bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.pace.rate
	l.pace = l.pace.after(throttled, now, l.most)
	if l.pace.rate == before {
		return
	}
	burst := 1
	if l.pace.rate >= l.most {
		burst = l.burst
	}
	l.tokens.SetLimitAt(now, rate.Limit(l.pace.rate))
	l.tokens.SetBurstAt(now, burst)
}
