// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/fake"
	"accesskey.dev/operator/test/simulator"
)

// promptly is how soon a call returns whose context was canceled.
const promptly = 100 * time.Millisecond

// hanging are requests that nobody answers.
var hanging = []fault{
	{name: "hangs", effect: simulator.Hang(nil), fake: &fake.Fault{}, hangs: true, safe: unavailable, unsafe: ambiguous},
	{
		name: "is carried out and hangs", effect: simulator.HangAnswer(), fake: &fake.Fault{CarriedOut: true}, carriedOut: true, hangs: true,
		safe: unavailable, unsafe: ambiguous,
	},
	{name: "is answered, but for the body", effect: headersOnly, hangs: true, safe: unavailable, unsafe: ambiguous},
}

// headersOnly sends the status, and no body until the client leaves.
func headersOnly(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Length", "10")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// under lets a request meet the fault in the midst of a call. If it hangs, the call is canceled then; took is how long the
// call went on.
func (b *bed) under(
	t *testing.T, op string, r request, f fault, service keyservice.Service, call call, //nolint:revive // what a fault is made of
) (err error, took time.Duration) { //nolint:revive,staticcheck // the error is what it is about
	t.Helper()
	if !f.hangs {
		b.meet(op, r, f)
		return call(t.Context(), service), 0
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reached := make(chan struct{}, 1000)
	b.meet(op, r, f.announced(func() { reached <- struct{}{} }))
	result := make(chan error, 1)
	go func() { result <- call(ctx, service) }()
	select {
	case <-reached:
	case err := <-result:
		t.Errorf("the call ended before it could hang: %v", err)
		return err, 0
	}
	canceled := time.Now()
	cancel()
	err = <-result
	return err, time.Since(canceled)
}

// announced calls reached when the fault begins to hang.
func (f fault) announced(reached func()) fault {
	effect := f.effect
	f.effect = func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !f.carriedOut {
			reached()
		}
		effect(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			reached()
		}))
	}
	if f.fake != nil {
		fake := *f.fake
		fake.Hangs = reached
		f.fake = &fake
	}
	return f
}

// TestACanceledCallReturnsPromptly is apart from the other cases, and not beside them, since it is about time.
func TestACanceledCallReturnsPromptly(t *testing.T) {
	for _, s := range subjects() {
		each(t, s, func(op operation) {
			for _, r := range s.requests[op.name] {
				for _, f := range hanging {
					if !s.happens(r, f) {
						continue
					}
					t.Run(fmt.Sprintf("%s/%s: %s %s", s.name, op.name, r.name, f.name), func(t *testing.T) {
						checkAlone(t, s, func(t *testing.T) { canceling(t, s, op, r, f) })
					})
				}
			}
		})
	}
}

// canceling takes the fastest of a few tries: a machine that is busy is not the service's fault.
func canceling(t *testing.T, s subject, op operation, r request, f fault) {
	var took time.Duration
	for range 5 {
		b := s.start(t, 0)
		call := op.prepare(t, b)
		service, _ := b.dial(t)
		before := b.state()
		var err error
		err, took = b.under(t, op.name, r, f, service, call)
		want := f.safe
		if r.unsafe {
			want = f.unsafe
		}
		expect(t, err, want)
		if after := b.state(); (after != before) != (f.carriedOut && r.changes) {
			t.Errorf("keys changed: %t:\n%s\n%s", after != before, before, after)
		}
		if took <= promptly {
			return
		}
	}
	t.Errorf("it took %s from the cancel", took)
}
