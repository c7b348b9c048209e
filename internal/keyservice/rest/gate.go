// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// firstPause is how long nothing is sent after the first refusal. It doubles with each refusal in a row, up to lastPause, so
	// that there are four attempts in the first ten minutes.
	firstPause = time.Minute
	lastPause  = time.Hour
	// trust is how long after an accepted request others are sent side by side. After that the credentials may have been
	// changed at the service, and one request finds out.
	trust = time.Minute
	// patience is how long the others wait for that request. A service that hangs refuses nothing.
	patience = 10 * time.Second
)

// Refusals are the refusals of the operator's credentials in a row.
type Refusals struct {
	// Count is 0 if the credentials are not refused.
	Count int32
	// Next is when they are sent again.
	Next time.Time
	// Reason is what the service said, without the operation.
	Reason string
}

// Gate keeps refused credentials from being sent again and again, which could lock the operator's account. It is shared by
// everything that signs in with the same credentials. Safe for concurrent use. A nil Gate lets every request pass.
type Gate struct {
	now func() time.Time
	// alone is held by a request while it is not known whether the credentials are accepted.
	alone *semaphore.Weighted

	mu       sync.Mutex
	refusals Refusals
	// accepted is when the service last accepted the credentials; zero since a refusal.
	accepted time.Time
	// epoch counts refusals, so that the answer to an earlier request does not open the gate.
	epoch int
}

// NewGate returns a Gate that continues after these refusals, if there were any.
func NewGate(now func() time.Time, before Refusals) *Gate {
	return &Gate{now: now, alone: semaphore.NewWeighted(1), refusals: before}
}

// Refusals returns the refusals in a row, and the zero value if the credentials were accepted or not tried yet.
func (g *Gate) Refusals() Refusals {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refusals
}

// Do calls send, which sends the credentials once, unless the service has just refused them. The error of a refusal says when
// they are sent again.
func (g *Gate) Do(ctx context.Context, r Request, send func() (*Response, error)) (*Response, error) {
	if g == nil {
		return send()
	}
	leave, err := g.enter(ctx, r)
	if err != nil {
		return nil, err
	}
	defer leave()
	epoch, closed := g.check()
	if closed.Count > 0 {
		return nil, g.fail(r.Fail(keyservice.Unauthorized, errors.New(closed.Reason)), closed)
	}
	answer, err := send()
	switch {
	case err == nil:
		g.accept(epoch)
	case refusesCredentials(err):
		refusal, _ := errors.AsType[*keyservice.Error](err)
		_ = g.fail(refusal, g.refuse(err))
	}
	return answer, err
}

// enter waits until the request is the only one, unless the credentials were accepted recently.
func (g *Gate) enter(ctx context.Context, r Request) (leave func(), err error) {
	if g.trusted() {
		return func() {}, nil
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch alone := g.alone.Acquire(waiting, 1) == nil; {
	case !alone && ctx.Err() != nil:
		return nil, r.Done(ctx)
	case !alone:
		return func() {}, nil
	case g.trusted(): // another request has found out
		g.alone.Release(1)
		return func() {}, nil
	default:
		return func() { g.alone.Release(1) }, nil
	}
}

func (g *Gate) trusted() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.accepted.IsZero() && g.now().Sub(g.accepted).Abs() < trust
}

// check returns the refusals whose pause is not over.
func (g *Gate) check() (epoch int, closed Refusals) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// A clock that was set back must not keep the gate closed for longer.
	if wait := g.refusals.Next.Sub(g.now()); wait > 0 && wait <= pauseAfter(g.refusals.Count) {
		closed = g.refusals
	}
	return g.epoch, closed
}

func (g *Gate) accept(epoch int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if epoch == g.epoch {
		g.accepted, g.refusals = g.now(), Refusals{}
	}
}

// refuse notes a refusal. Requests that were under way together count one by one.
func (g *Gate) refuse(err error) Refusals {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.epoch++
	g.accepted = time.Time{}
	count := min(g.refusals.Count, 1<<20) + 1
	g.refusals = Refusals{Count: count, Next: g.now().Add(pauseAfter(count)).Truncate(time.Second), Reason: reasonOf(err)}
	return g.refusals
}

// fail adds to an error when the credentials are sent again.
func (g *Gate) fail(err *keyservice.Error, refusals Refusals) *keyservice.Error {
	err.RetryAfter = max(refusals.Next.Sub(g.now()), time.Second)
	err.Err = fmt.Errorf("%w; the operator tries the credentials again at %s, or as soon as the KeyService or its Secrets change", err.Err, date(refusals.Next))
	return err
}

func pauseAfter(count int32) time.Duration {
	return min(firstPause<<min(max(count-1, 0), 16), lastPause)
}

// refusesCredentials reports an error that is about the credentials, and not about the rights of their account.
func refusesCredentials(err error) bool {
	refused, ok := Refused(err)
	return keyservice.KindOf(err) == keyservice.Unauthorized && (!ok || refused.Credentials)
}

func reasonOf(err error) string {
	if refused, ok := Refused(err); ok {
		return refused.Reason.Error()
	}
	e, _ := errors.AsType[*keyservice.Error](err)
	return e.Err.Error()
}
