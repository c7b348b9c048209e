// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestEffects(t *testing.T) {
	released := make(chan struct{})
	close(released)
	for name, test := range map[string]struct {
		effect  Effect
		handled bool
		status  int // 0: no answer, or not to its end
		body    string
	}{
		"Refuse":        {Refuse(), false, 0, ""},
		"Drop":          {Drop(), false, 0, ""},
		"DropAnswer":    {DropAnswer(), true, 0, ""},
		"CutAnswer":     {CutAnswer(), true, 0, ""},
		"ReplaceAnswer": {ReplaceAnswer("<html>"), true, 200, "<html>"},
		"Delay":         {Delay(time.Microsecond), true, 200, "handled"},
		"Hang released": {Hang(released), true, 200, "handled"},
		"Answer":        {Answer(403, nil, "no"), false, 403, "no"},
		"Throttle":      {Throttle("5"), false, 429, ""},
		"Bloat":         {Bloat(3), true, 200, "   "},
		"Bomb":          {Bomb(3), true, 200, "   "},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.Inject(Rule{}.Once(), test.effect)
			status, body, err := b.do(t.Context(), http.MethodPost, "/keys/")
			if (err != nil) != (test.status == 0) || (err == nil && status != test.status) || body != test.body {
				t.Errorf("got %d %q, %v", status, body, err)
			}
			if got := len(b.handled) == 1; got != test.handled {
				t.Errorf("carried out: %t", got)
			}
			if status, body, err := b.do(t.Context(), http.MethodPost, "/keys/"); status != 200 || body != "handled" {
				t.Errorf("after the fault: %d %q, %v", status, body, err)
			}
		})
	}
}

func TestEffectsThatLastUntilTheClientLeaves(t *testing.T) {
	for name, test := range map[string]struct {
		effect  Effect
		handled int
	}{
		"Hang":       {Hang(nil), 0},
		"HangAnswer": {HangAnswer(), 1},
		"Delay":      {Delay(time.Hour), 0},
		"Endless":    {Endless(200), 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			left := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			b.Inject(Rule{}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				defer close(left)
				cancel()
				test.effect(w, r, next)
			})
			if _, _, err := b.do(ctx, http.MethodPost, "/keys/"); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			<-left
			if len(b.handled) != test.handled {
				t.Errorf("carried out %d times", len(b.handled))
			}
		})
	}
}

func TestARuleChoosesRequests(t *testing.T) {
	for name, test := range map[string]struct {
		rule Rule
		want int
	}{
		"every request":               {Rule{}, 418},
		"by method":                   {Rule{Method: http.MethodGet}, 418},
		"by another method":           {Rule{Method: http.MethodPost}, 200},
		"by the path's beginning":     {Rule{Path: "/keys/"}, 418},
		"by another path":             {Rule{Path: "/key/"}, 200},
		"by a part of the query":      {Rule{Query: "after="}, 418},
		"by another query":            {Rule{Query: "user="}, 200},
		"by all of them":              {Rule{Method: http.MethodGet, Path: "/keys/a", Query: "after=b"}, 418},
		"by all of them but the path": {Rule{Method: http.MethodGet, Path: "/keys/b", Query: "after=b"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.Inject(test.rule, Answer(418, nil, ""))
			if got, _, err := b.do(t.Context(), http.MethodGet, "/keys/a?after=b"); err != nil || got != test.want {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
}

func TestAFaultLastsAsLongAsItSays(t *testing.T) {
	statuses := func(b *bed, n int) (all []int) {
		for range n {
			status, _, _ := b.do(t.Context(), http.MethodGet, "/keys/a")
			all = append(all, status)
		}
		return all
	}
	expect := func(t *testing.T, got []int, want ...int) {
		t.Helper()
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	}
	t.Run("once", func(t *testing.T) {
		b := newBed(t)
		b.Inject(Rule{}.Once(), Answer(500, nil, ""))
		expect(t, statuses(b, 3), 500, 200, 200)
	})
	t.Run("for two matching requests, in the order of injection", func(t *testing.T) {
		b := newBed(t)
		b.Inject(Rule{Method: http.MethodPost}.Once(), Answer(501, nil, ""))
		b.Inject(Rule{Times: 2}, Answer(502, nil, ""))
		b.Inject(Rule{}.Once(), Answer(503, nil, ""))
		expect(t, statuses(b, 4), 502, 502, 503, 200)
	})
	t.Run("until lifted", func(t *testing.T) {
		b := newBed(t)
		lift := b.Inject(Rule{}, Answer(500, nil, ""))
		expect(t, statuses(b, 3), 500, 500, 500)
		lift()
		lift()
		expect(t, statuses(b, 1), 200)
	})
	t.Run("until all are lifted", func(t *testing.T) {
		b := newBed(t)
		lift := b.Inject(Rule{}, Answer(500, nil, ""))
		b.Inject(Rule{}, Answer(501, nil, ""))
		b.LiftAll()
		lift()
		expect(t, statuses(b, 1), 200)
	})
}
