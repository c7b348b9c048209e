// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	testbed "accesskey.dev/operator/test/bed"
)

var (
	gateStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	read      = rest.Request{Op: "list keys", Safe: true}
)

// answered is the error of an answer with this status.
func answered(status int) error {
	reason := errors.New("the service answered " + http.StatusText(status))
	kind := keyservice.Unauthorized
	if status >= 500 {
		kind = keyservice.Unavailable
	}
	return &rest.Refusal{Err: &keyservice.Error{Kind: kind, Op: "list keys", Err: reason}, Reason: reason, Status: status, Credentials: status == http.StatusUnauthorized}
}

// gated counts what passes a gate. The answers are nil, or an error.
type gated struct {
	*rest.Gate

	clock  *clocktesting.FakePassiveClock
	sent   int
	answer error
}

func newGated(before rest.Refusals) *gated {
	g := &gated{clock: clocktesting.NewFakePassiveClock(gateStart)}
	g.Gate = rest.NewGate(g.clock.Now, before)
	return g
}

func (g *gated) try(t *testing.T) error {
	t.Helper()
	_, err := g.Do(t.Context(), read, func() (*rest.Response, error) {
		g.sent++
		return nil, g.answer
	})
	return err
}

func (g *gated) pass(d time.Duration) { g.clock.SetTime(g.clock.Now().Add(d)) }

func TestRefusedCredentialsAreSentAgainAfterAPauseThatDoubles(t *testing.T) {
	g := newGated(rest.Refusals{})
	g.answer = answered(http.StatusUnauthorized)
	var sent []int // minutes after the start
	for minute := range 24 * 60 {
		before := g.sent
		if err := g.try(t); keyservice.KindOf(err) != keyservice.Unauthorized {
			t.Fatalf("got %v", err)
		}
		if g.sent > before {
			sent = append(sent, minute)
		}
		g.pass(time.Minute)
	}
	want := []int{0, 1, 3, 7, 15, 31, 63, 123, 183}
	for i, minute := range want {
		if sent[i] != minute {
			t.Fatalf("sent at minutes %v, want %v and then once an hour", sent[:len(want)], want)
		}
	}
	g.answer = nil
	g.pass(time.Hour)
	if err := g.try(t); err != nil {
		t.Error(err)
	}
	if got := g.Refusals(); got != (rest.Refusals{}) {
		t.Errorf("still counts %+v", got)
	}
}

func TestTheErrorSaysWhenTheCredentialsAreSentAgain(t *testing.T) {
	g := newGated(rest.Refusals{})
	g.answer = answered(http.StatusUnauthorized)
	want := "list keys: the service answered Unauthorized; the operator tries the credentials again at 2026-03-01T12:01:00Z, or as soon as the KeyService or its Secrets change"
	for _, wait := range []time.Duration{time.Minute, 50 * time.Second} {
		err := g.try(t)
		if err.Error() != want || keyservice.RetryAfterOf(err) != wait {
			t.Errorf("got %v\nafter %s", err, keyservice.RetryAfterOf(err))
		}
		g.pass(10 * time.Second)
	}
}

func TestOnlyWhatIsAboutTheCredentialsClosesTheGate(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusServiceUnavailable} {
		g := newGated(rest.Refusals{})
		g.answer = answered(status)
		for range 3 {
			if err := g.try(t); err == nil {
				t.Fatal("no error")
			}
		}
		if g.sent != 3 {
			t.Errorf("%d: sent %d of 3 requests", status, g.sent)
		}
	}
}

func TestRefusalsSurviveARestart(t *testing.T) {
	g := newGated(rest.Refusals{Count: 4, Next: gateStart.Add(8 * time.Minute), Reason: "wrong password"})
	g.answer = answered(http.StatusUnauthorized)
	g.pass(8*time.Minute - time.Second)
	if err := g.try(t); g.sent != 0 || keyservice.KindOf(err) != keyservice.Unauthorized {
		t.Errorf("sent %d requests: %v", g.sent, err)
	}
	g.pass(time.Second)
	_ = g.try(t)
	if got := g.Refusals(); g.sent != 1 || got.Count != 5 || !got.Next.Equal(gateStart.Add(24*time.Minute)) {
		t.Errorf("sent %d requests: %+v", g.sent, got)
	}
}

func TestAClockThatIsSetBackDoesNotKeepTheGateClosed(t *testing.T) {
	g := newGated(rest.Refusals{})
	g.answer = answered(http.StatusUnauthorized)
	_ = g.try(t)
	g.pass(-time.Hour)
	if _ = g.try(t); g.sent != 2 {
		t.Errorf("sent %d requests", g.sent)
	}
}

// TestCredentialsThatWereChangedAtTheServiceAreSentOnce: many AccessKeys can be at work at that moment.
func TestCredentialsThatWereChangedAtTheServiceAreSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newGated(rest.Refusals{})
		answer, errs := make(chan error), make(chan error, 20)
		var sent atomic.Int64
		expect := func(calls int, underWay int64) {
			t.Helper()
			sent.Store(0)
			for range calls {
				go func() {
					_, err := gate.Do(t.Context(), read, func() (*rest.Response, error) {
						sent.Add(1)
						return nil, <-answer
					})
					errs <- err
				}()
			}
			synctest.Wait()
			if got := sent.Load(); got != underWay {
				t.Errorf("of %d requests, %d are under way, want %d", calls, got, underWay)
			}
		}
		end := func(calls, good int) {
			t.Helper()
			for range calls {
				if err := <-errs; err == nil {
					good--
				}
			}
			if good != 0 {
				t.Errorf("%d more requests should have succeeded", good)
			}
		}
		expect(20, 1)
		answer <- nil // it is the first, and the others follow at once
		for range 19 {
			answer <- nil
		}
		end(20, 20)
		expect(20, 20)
		answer <- answered(http.StatusUnauthorized)
		for range 19 {
			answer <- nil // to requests from before: the gate stays closed
		}
		end(20, 19)
		expect(20, 0)
		end(20, 0)
		gate.pass(time.Minute)
		expect(20, 1)
		answer <- nil
		for range 19 {
			answer <- nil
		}
		end(20, 20)
		gate.pass(time.Minute) // the password may have been changed since
		expect(20, 1)
		answer <- answered(http.StatusUnauthorized)
		end(20, 0)
	})
}

func TestARequestThatHangsDelaysTheOthersForTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, hangs, answered := rest.NewGate(time.Now, rest.Refusals{}), make(chan error), make(chan time.Duration, 3)
		go func() { _, _ = gate.Do(t.Context(), read, func() (*rest.Response, error) { return nil, <-hangs }) }()
		synctest.Wait()
		begin := time.Now()
		for range 3 {
			go func() {
				_, _ = gate.Do(t.Context(), read, func() (*rest.Response, error) { return nil, nil })
				answered <- time.Since(begin)
			}()
		}
		for range 3 {
			if after := <-answered; after != 10*time.Second {
				t.Errorf("was sent after %s", after)
			}
		}
		hangs <- nil
	})
}

func TestACallerStopsWaitingAtTheGateWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, answer := rest.NewGate(time.Now, rest.Refusals{}), make(chan error)
		go func() { _, _ = gate.Do(t.Context(), read, func() (*rest.Response, error) { return nil, <-answer }) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := gate.Do(ctx, read, func() (*rest.Response, error) { return nil, errors.New("was sent") })
		testbed.ExpectKind(t, err, keyservice.Unavailable, "list keys: the service did not answer in time")
		answer <- nil
	})
}
