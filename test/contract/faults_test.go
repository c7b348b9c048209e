// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/fake"
	"accesskey.dev/operator/test/simulator"
)

// fault is what can happen to a request, and what the caller must learn.
type fault struct {
	name   string
	effect simulator.Effect
	// fake is the same for the fake; nil where it makes no sense without a network.
	fake *fake.Fault
	// carriedOut: the service does what it is asked before things go wrong.
	carriedOut bool
	// safe and unsafe are what a request means that makes no pair, and one that does.
	safe, unsafe expected
	// body: the fault is in the body of the answer, which the request may not read.
	body bool
	// cut: the body ends early, which requires a body.
	cut bool
	// typical faults are met by a request even where it only leads up to what another operation is about.
	typical bool
	// lacking: it looks as if the service lacked the request.
	lacking bool
	// hangs: it ends only when the caller cancels.
	hangs bool
	// late: the service does what it is asked after the caller has canceled.
	late bool
}

var (
	fine        = expected{}
	unavailable = expected{kind: keyservice.Unavailable}
	ambiguous   = expected{kind: keyservice.Ambiguous}
	throttled   = expected{kind: keyservice.Throttled}
)

func retry(d time.Duration) expected { return expected{kind: keyservice.Throttled, retry: d} }

const (
	html    = "<html><body><h1>Bad Gateway</h1></body></html>"
	hundred = 100 << 20
)

// faults are everything that happens between two machines.
var faults = []fault{
	{name: "closed without being read", effect: simulator.Refuse(), fake: &fake.Fault{}, safe: unavailable, unsafe: ambiguous},
	{
		name: "dropped before it is carried out", effect: simulator.Drop(), fake: &fake.Fault{}, typical: true,
		safe: unavailable, unsafe: ambiguous,
	},
	{
		name: "carried out and its answer dropped", effect: simulator.DropAnswer(), fake: &fake.Fault{CarriedOut: true}, carriedOut: true,
		safe: unavailable, unsafe: ambiguous,
	},
	{name: "carried out and its answer cut", effect: simulator.CutAnswer(), carriedOut: true, cut: true, safe: unavailable, unsafe: ambiguous},
	{name: "delayed", effect: simulator.Delay(20 * time.Millisecond), carriedOut: true},
	{name: "carried out and answered with garbage", effect: simulator.ReplaceAnswer("\x00\xff{"), carriedOut: true, body: true, safe: unavailable, unsafe: ambiguous},
	{
		name: "carried out and answered with HTML", effect: simulator.ReplaceAnswer(html), carriedOut: true, body: true, typical: true,
		safe: unavailable, unsafe: ambiguous,
	},
	{name: "carried out and answered with an empty body", effect: simulator.ReplaceAnswer(""), carriedOut: true, body: true, safe: unavailable, unsafe: ambiguous},
	{name: "carried out and answered with an empty object", effect: simulator.ReplaceAnswer("{}"), carriedOut: true, body: true, safe: unavailable, unsafe: ambiguous},
	{name: "carried out and answered with null", effect: simulator.ReplaceAnswer("null"), carriedOut: true, body: true, safe: unavailable, unsafe: ambiguous},
	{name: "carried out and answered with a list", effect: simulator.ReplaceAnswer("[]"), carriedOut: true, body: true, safe: unavailable, unsafe: ambiguous},
	{
		name: "throttled", effect: simulator.Throttle("7"), fake: &fake.Fault{Kind: keyservice.Throttled, RetryAfter: 7 * time.Second}, typical: true,
		safe: retry(7 * time.Second), unsafe: retry(7 * time.Second),
	},
	{name: "throttled until a date", effect: simulator.Answer(http.StatusTooManyRequests, http.Header{
		"Date": {begin.Format(http.TimeFormat)}, "Retry-After": {begin.Add(time.Minute).Format(http.TimeFormat)},
	}, html), safe: retry(time.Minute), unsafe: retry(time.Minute)},
	{name: "throttled for a year", effect: simulator.Throttle("31536000"), safe: retry(time.Hour), unsafe: retry(time.Hour)},
	{name: "throttled with an unreadable Retry-After", effect: simulator.Throttle("soon"), safe: throttled, unsafe: throttled},
	{name: "answered with 500", effect: simulator.Answer(500, nil, ""), safe: unavailable, unsafe: ambiguous},
	{name: "answered with 502 and HTML", effect: simulator.Answer(502, nil, html), safe: unavailable, unsafe: ambiguous},
	{name: "answered with 503", effect: simulator.Answer(503, http.Header{"Retry-After": {"9"}}, ""), safe: unavailable, unsafe: ambiguous, lacking: true},
	{name: "answered with 504", effect: simulator.Answer(504, nil, ""), safe: unavailable, unsafe: ambiguous},
	{name: "answered with 408", effect: simulator.Answer(408, nil, ""), safe: unavailable, unsafe: ambiguous},
	{name: "redirected", effect: simulator.Answer(307, http.Header{"Location": {"https://elsewhere.invalid/"}}, ""), safe: unavailable, unsafe: unavailable},
	{name: "answered as not modified", effect: simulator.Answer(304, nil, ""), safe: unavailable, unsafe: unavailable},
}

// bodies are answers that must not be read to their end.
var bodies = []fault{
	{name: "answered without end", effect: simulator.Endless(200), safe: unavailable, unsafe: ambiguous},
	{name: "answered with 100 MB", effect: simulator.Bloat(hundred), carriedOut: true, safe: unavailable, unsafe: ambiguous},
	{name: "answered with 100 MB, compressed", effect: simulator.Bomb(hundred), carriedOut: true, safe: unavailable, unsafe: ambiguous},
}

var faultCases = []contractCase{
	{"a fault of any request means what the contract says", everyone, func(t *testing.T, s subject) { matrix(t, s, faults) }},
	{"the requests of each operation are the ones that faults are injected into", simulated, requestsAreComplete},
	{"a service that is not there was not asked", simulated, notThere},
}

var bodyCases = []contractCase{
	{"a body that is too large is cut off", simulated, tooLarge},
}

// each calls visit for every operation that the service has.
func each(t *testing.T, s subject, visit func(op operation)) {
	t.Helper()
	service := s.connected(t)
	for _, op := range operations {
		if op.has(service) {
			visit(op)
		}
	}
}

// matrix is every operation, each of its requests, every fault. A request that several operations begin with meets all
// faults in the first of them.
func matrix(t *testing.T, s subject, faults []fault) {
	met := map[string]bool{}
	each(t, s, func(op operation) {
		if _, known := s.requests[op.name]; !known {
			t.Errorf("nothing is known of the requests of %s", op.name)
		}
		for _, r := range s.requests[op.name] {
			known := met[r.name] && !r.changes
			met[r.name] = true
			for _, f := range faults {
				if s.happens(r, f) && (f.typical || !known) {
					check(t, s, fmt.Sprintf("%s: %s %s", op.name, r.name, f.name), func(t *testing.T) { meet(t, s, op, r, f) })
				}
			}
		}
	})
}

// happens reports whether the fault can befall the request.
func (s subject) happens(r request, f fault) bool {
	if s.documented == nil {
		return f.fake != nil
	}
	if r.bodyless && f.cut {
		return false // there is nothing to cut
	}
	return f.effect != nil
}

// tooLarge is the matrix of the large bodies, in which each request comes once, since much has to be read.
func tooLarge(t *testing.T, s subject) {
	done := map[string]bool{}
	each(t, s, func(op operation) {
		for _, r := range s.requests[op.name] {
			for _, f := range bodies {
				if !done[r.name+f.name] {
					check(t, s, fmt.Sprintf("%s: %s %s", op.name, r.name, f.name), func(t *testing.T) { meet(t, s, op, r, f) })
				}
				done[r.name+f.name] = true
			}
		}
	})
}

// meet lets one request of an operation of a new backend meet the fault.
func meet(t *testing.T, s subject, op operation, r request, f fault) {
	b := s.start(t, 0)
	call := op.prepare(t, b)
	service, _ := b.dial(t)
	before := b.state()
	_, err := b.try(t, trial{op.name, r, f, service, call})
	want := f.safe
	switch {
	case r.unsafe:
		want = f.unsafe
	case f.body && r.unread, f.lacking && r.optional:
		want = fine
	}
	expect(t, err, want)
	last := s.requests[op.name][len(s.requests[op.name])-1]
	changes := f.carriedOut && (r.changes || (want == fine && last.changes))
	if after := b.state(); changes != (after != before) {
		t.Errorf("keys changed: %t, want %t:\n%s\n%s", after != before, changes, before, after)
	}
}

// requestsAreComplete keeps the matrix from missing a request.
func requestsAreComplete(t *testing.T, s subject) {
	each(t, s, func(op operation) {
		check(t, s, op.name, func(t *testing.T) {
			b := s.start(t, 0)
			call := op.prepare(t, b)
			service, _ := b.dial(t)
			met := make([]int, len(s.requests[op.name]))
			order := slices.Clone(s.requests[op.name])
			slices.SortStableFunc(order, func(a, b request) int { // the closest rule first
				return len(b.rule.Path+b.rule.Query) - len(a.rule.Path+a.rule.Query)
			})
			for i, r := range order {
				b.core.Inject(r.rule, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					met[i]++
					next.ServeHTTP(w, r)
				})
			}
			before := b.sent()
			if err := call(t.Context(), service); err != nil {
				t.Fatal(err)
			}
			sum := 0
			for i, r := range order {
				sum += met[i]
				if met[i] == 0 {
					t.Errorf("no request %q was sent", r.name)
				}
			}
			if sent := b.sent() - before; sent != sum {
				t.Errorf("%d requests were sent, of which %d are known", sent, sum)
			}
		})
	})
}

// notThere checks that a request is not ambiguous if no connection was made.
func notThere(t *testing.T, s subject) {
	for name, leave := range map[string]func(b *bed){
		"refuses connections":             func(b *bed) { _ = b.server.Close() },
		"closes them before they are TLS": func(b *bed) { b.server.Down(true) },
	} {
		each(t, s, func(op operation) {
			if len(s.requests[op.name]) == 0 {
				return
			}
			check(t, s, fmt.Sprintf("%s: the service %s", op.name, name), func(t *testing.T) {
				b := s.start(t, 0)
				call := op.prepare(t, b)
				service, client := b.dial(t)
				for _, user := range []string{b.alice, b.bob} {
					if op.remembers {
						break
					}
					if _, err := service.List(t.Context(), user); err != nil { // so that the next request can be the unsafe one
						t.Fatal(err)
					}
				}
				before := b.state()
				leave(b)
				client.CloseIdleConnections()
				expect(t, call(t.Context(), service), unavailable)
				if after := b.state(); after != before {
					t.Errorf("keys changed:\n%s\n%s", before, after)
				}
			})
		})
	}
}
