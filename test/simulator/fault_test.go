// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestEffects(t *testing.T) {
	released := make(chan struct{})
	close(released)
	for name, test := range map[string]struct {
		effect  Effect
		handled bool
		status  int // 0: no complete response
		body    string
	}{
		"Refuse":        {Refuse(), false, 0, ""},
		"Drop":          {Drop(), false, 0, ""},
		"DropAnswer":    {DropAnswer(), true, 0, ""},
		"CutAnswer":     {CutAnswer(), true, 0, "han"},
		"ReplaceAnswer": {ReplaceAnswer("<html>"), true, 200, "<html>"},
		"Delay":         {Delay(time.Microsecond), true, 200, "handled"},
		"Hang released": {Hang(released), true, 200, "handled"},
		"Answer":        {Answer(403, nil, "no"), false, 403, "no"},
		"Throttle":      {Throttle("5"), false, 429, ""},
		"Bloat":         {Bloat(3), true, 200, "   "},
		"Bomb":          {Bomb(3), true, 200, "   "},
	} {
		b := newBed(t)
		b.Inject(Rule{}.Once(), test.effect)
		status, body, err := b.do(t.Context(), http.MethodPost, "/keys/")
		if (err != nil) != (test.status == 0) || (err == nil && status != test.status) || body != test.body {
			t.Errorf("%s: got %d %q, %v", name, status, body, err)
		}
		if got := len(b.handled) == 1; got != test.handled {
			t.Errorf("%s: carried out: %t", name, got)
		}
		if status, body, err := b.do(t.Context(), http.MethodPost, "/keys/"); status != 200 || body != "handled" {
			t.Errorf("after %s: got %d %q, %v", name, status, body, err)
		}
	}
}

func TestEffectsThatLastUntilTheClientDisconnects(t *testing.T) {
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
			ended := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			b.Inject(Rule{}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				defer close(ended)
				cancel()
				test.effect(w, r, next)
			})
			if _, _, err := b.do(ctx, http.MethodPost, "/keys/"); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			<-ended
			if len(b.handled) != test.handled {
				t.Errorf("carried out %d times", len(b.handled))
			}
		})
	}
}

// statuses returns the statuses of the responses to GET requests.
func (b *bed) statuses(t *testing.T, n int) (all []int) {
	t.Helper()
	for range n {
		status, _, err := b.do(t.Context(), http.MethodGet, "/keys/a?after=b")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, status)
	}
	return all
}

func TestRuleSelectsRequests(t *testing.T) {
	for rule, want := range map[Rule]int{
		{}:                        418,
		{Method: http.MethodGet}:  418,
		{Method: http.MethodPost}: 200,
		{Path: "/keys/"}:          418,
		{Path: "/key/"}:           200,
		{Query: "after="}:         418,
		{Query: "user="}:          200,
		{Method: http.MethodGet, Path: "/keys/a", Query: "after=b"}: 418,
		{Method: http.MethodGet, Path: "/keys/b", Query: "after=b"}: 200,
	} {
		b := newBed(t)
		b.Inject(rule, Answer(418, nil, ""))
		if got := b.statuses(t, 1); got[0] != want {
			t.Errorf("%+v: got %d", rule, got)
		}
	}
}

func TestDurationOfFaults(t *testing.T) {
	b := newBed(t)
	expect := func(want ...int) {
		t.Helper()
		if got := b.statuses(t, len(want)); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	b.Inject(Rule{}.Once(), Answer(500, nil, ""))
	expect(500, 200, 200)

	lift := b.Inject(Rule{Method: http.MethodPost}.Once(), Answer(501, nil, ""))
	b.Inject(Rule{Times: 2}, Answer(502, nil, ""))
	b.Inject(Rule{}.Once(), Answer(503, nil, ""))
	expect(502, 502, 503, 200)
	lift()

	lift = b.Inject(Rule{}, Answer(500, nil, ""))
	expect(500, 500, 500)
	lift()
	lift()
	expect(200)

	lift = b.Inject(Rule{}, Answer(500, nil, ""))
	b.Inject(Rule{}, Answer(501, nil, ""))
	b.LiftAll()
	lift()
	expect(200)
}
