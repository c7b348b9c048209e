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

// hanging are requests without an answer.
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

// trial is a call, one of whose requests meets a fault.
type trial struct {
	op      string
	request request
	fault   fault
	service keyservice.Service
	call    call
}

// try makes the call. If the request hangs, the call is canceled then; took is how long it went on.
func (b *bed) try(t *testing.T, trial trial) (took time.Duration, err error) {
	t.Helper()
	if !trial.fault.hangs {
		b.meet(trial.op, trial.request, trial.fault)
		return 0, trial.call(t.Context(), trial.service)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reached := make(chan struct{}, 1000)
	b.meet(trial.op, trial.request, trial.fault.announced(func() { reached <- struct{}{} }))
	result := make(chan error, 1)
	go func() { result <- trial.call(ctx, trial.service) }()
	select {
	case <-reached:
	case err := <-result:
		t.Errorf("the call ended before it could hang: %v", err)
		return 0, err
	}
	canceled := time.Now()
	cancel()
	err = <-result
	return time.Since(canceled), err
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
		took, err = b.try(t, trial{op.name, r, f, service, call})
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
