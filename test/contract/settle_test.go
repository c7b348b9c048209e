// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/fake"
	"accesskey.dev/operator/test/simulator"
)

var settleCases = []contractCase{
	{"a create whose answer was lost is settled, and nothing is left over", everyone, settlesCreates},
	{"a regeneration whose answer was lost is settled by another", able[keyservice.Regenerator], settlesRegenerations},
	{"a delete whose answer was lost is settled by another", everyone, settlesDeletes},
}

// lost are the ways to lose an answer.
var lost = []fault{
	{name: "carried out and its answer dropped", effect: simulator.DropAnswer(), fake: &fake.Fault{CarriedOut: true}, carriedOut: true},
	{name: "carried out and its answer cut", effect: simulator.CutAnswer(), carriedOut: true, cut: true},
	{name: "carried out and never answered", effect: simulator.HangAnswer(), fake: &fake.Fault{CarriedOut: true}, carriedOut: true, hangs: true},
	{name: "carried out and answered with HTML", effect: simulator.ReplaceAnswer(html), carriedOut: true, body: true},
	{name: "dropped before it is carried out", effect: simulator.Drop(), fake: &fake.Fault{}},
	{name: "never carried out nor answered", effect: simulator.Hang(nil), fake: &fake.Fault{}, hangs: true},
	{name: "answered with 503", effect: simulator.Answer(503, nil, "")},
	{name: "carried out after the caller gave up", effect: simulator.Hang(nil), hangs: true, late: true},
}

// carriedOutLate returns an effect that carries out a request after the client has disconnected, and waits until it is done.
func carriedOutLate() (effect simulator.Effect, wait func()) {
	landed := make(chan struct{})
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		body, _ := io.ReadAll(r.Body) // net/http notices that a client has disconnected only then
		<-r.Context().Done()
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
		close(landed)
		panic(http.ErrAbortHandler)
	}, func() { <-landed }
}

// loses runs a check for each way to lose the answer of an operation's last request. The backend of the check is that of a
// new process, which the one that lost the answer is followed by.
func loses(t *testing.T, s subject, op string, settle func(t *testing.T, b *bed, lose func(call call) error)) {
	requests := s.requests[op]
	r := requests[len(requests)-1]
	for _, f := range lost {
		if !s.happens(r, f) || (r.unread && f.body) {
			continue
		}
		check(t, s, f.name, func(t *testing.T) {
			b := s.start(t, 0)
			settle(t, b, func(call call) error {
				t.Helper()
				victim, _ := b.dial(t)
				once, wait := r, func() {}
				once.rule = r.rule.Once()
				if f.late {
					f.effect, wait = carriedOutLate()
				}
				_, err := b.try(t, trial{op, once, f, victim, call})
				wait()
				return err
			})
		})
	}
}

func settlesCreates(t *testing.T, s subject) {
	loses(t, s, opCreate, func(t *testing.T, b *bed, lose func(call) error) {
		req := b.wanted(t, b.bob)
		known := b.list(t, b.bob)
		expect(t, lose(func(ctx context.Context, s keyservice.Service) error {
			_, err := s.Create(ctx, b.bob, req)
			return err
		}), ambiguous)
		b.settle(t, b.bob)
		made := settled(t, b, req, known)
		b.works(t, made, true)
		if keys := b.settle(t, b.bob); len(keys) != 1 || keys[0].ID != made.ID {
			t.Errorf("in the end there are %+v", keys)
		}
	})
}

// settled settles an open intent as the operator does, and returns a pair that nobody else has.
func settled(t *testing.T, b *bed, req keyservice.CreateRequest, known []keyservice.Key) keyservice.Credential {
	t.Helper()
	keys := b.list(t, b.bob)
	regenerator, regenerates := b.Service.(keyservice.Regenerator)
	if req.ID != "" && regenerates {
		if listed := find(keys, req.ID); listed != nil {
			if listed.OwnerUID != owner.UID {
				t.Errorf("the key that was lost is not known for ours: %+v", listed)
			}
			regenerated, err := regenerator.Regenerate(t.Context(), b.bob, req.ID, ttl)
			if err != nil {
				t.Fatal(err)
			}
			b.settle(t, b.bob)
			return regenerated
		}
		again, err := b.Create(t.Context(), b.bob, req)
		if err != nil {
			t.Fatal(err)
		}
		b.settle(t, b.bob)
		return again
	}
	for _, key := range keys {
		if find(known, key.ID) == nil { // its secret is lost
			if req.ID != "" && key.ID != req.ID {
				t.Errorf("the key that was lost has the ID %q instead of %q", key.ID, req.ID)
			}
			expect(t, b.Delete(t.Context(), b.bob, key.ID), fine)
		}
	}
	return b.create(t, b.bob)
}

func settlesRegenerations(t *testing.T, s subject) {
	loses(t, s, opRegenerate, func(t *testing.T, b *bed, lose func(call) error) {
		made := b.create(t, b.alice)
		expect(t, lose(func(ctx context.Context, s keyservice.Service) error {
			_, err := s.(keyservice.Regenerator).Regenerate(ctx, b.alice, made.ID, ttl)
			return err
		}), ambiguous)
		regenerated, err := b.Service.(keyservice.Regenerator).Regenerate(t.Context(), b.alice, made.ID, ttl)
		if err != nil {
			t.Fatal(err)
		}
		keys := b.settle(t, b.alice)
		b.works(t, regenerated, true)
		b.works(t, made, false)
		if len(keys) != 1 || keys[0].AccessKeyID != regenerated.AccessKeyID {
			t.Errorf("in the end there are %+v", keys)
		}
	})
}

func settlesDeletes(t *testing.T, s subject) {
	loses(t, s, opDelete, func(t *testing.T, b *bed, lose func(call) error) {
		made := b.create(t, b.alice)
		b.pass(10 * time.Minute) // so that a key that is not there is not taken for one that is not there yet
		expect(t, lose(func(ctx context.Context, s keyservice.Service) error { return s.Delete(ctx, b.alice, made.ID) }), unavailable)
		expect(t, b.Delete(t.Context(), b.alice, made.ID), fine)
		b.works(t, made, false)
		if keys := b.settle(t, b.alice); len(keys) != 0 {
			t.Errorf("left: %+v", keys)
		}
	})
}
