// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
)

// documented is an answer that is not a success, to one request of an operation, and what it must be taken for.
type documented struct {
	op      string
	request request
	name    string
	status  int
	body    string
	want    expected
	// full: the user has as many keys as the service allows.
	full bool
	// otherwise: the operation succeeds by another request.
	otherwise bool
}

// shape is a form of an error's body.
type shape struct {
	name string
	body string
	// silent: it lacks what identifies the service's own answers, such as a code.
	silent bool
}

// shapes that the error of any service can have. The last is that of a proxy.
var (
	emptyBody   = shape{name: "an empty body", silent: true}
	emptyObject = shape{name: "no members", body: "{}", silent: true}
	proxyPage   = shape{name: "a proxy's page", body: html, silent: true}
)

// cross combines each status of an operation's request with each shape of the body. kinds are by status, and adjust, if
// not nil, knows better of some.
func cross(op string, r request, kinds map[int]keyservice.Kind, shapes []shape, adjust func(d *documented, s shape)) []documented {
	var all []documented
	for _, status := range slices.Sorted(maps.Keys(kinds)) {
		for _, s := range shapes {
			d := documented{op: op, request: r, name: fmt.Sprint(status, " with ", s.name), status: status, body: s.body}
			d.want = expected{kind: kinds[status]}
			if adjust != nil {
				adjust(&d, s)
			}
			if s == proxyPage && (d.want.kind == keyservice.Invalid || d.want.kind == keyservice.NotFound) {
				d.want = unavailable
			}
			all = append(all, d)
		}
	}
	return all
}

// coded is an answer whose code means the same for every request.
type coded struct {
	status      int
	code, words string
	want        expected
}

// answersOf returns the documented answers to one request of an operation.
func answersOf(op string, r request, body func(code, words string) string, rows []coded) []documented {
	var all []documented
	for _, row := range rows {
		name := fmt.Sprint(row.status, " ", row.code, " ", row.words)
		all = append(all, documented{op: op, request: r, name: name, status: row.status, body: body(row.code, row.words), want: row.want})
	}
	return all
}

// kinds of an operation that makes a pair, and of one that does not, where nothing but the status tells.
func kinds(unsafe bool) map[int]keyservice.Kind {
	unanswered := keyservice.Unavailable
	if unsafe {
		unanswered = keyservice.Ambiguous
	}
	return map[int]keyservice.Kind{
		400: keyservice.Invalid, 401: keyservice.Unauthorized, 403: keyservice.Unauthorized, 404: keyservice.Unavailable,
		409: keyservice.Invalid, 415: keyservice.Invalid, 422: keyservice.Invalid, 429: keyservice.Throttled,
		500: unanswered, 502: unanswered, 503: unanswered,
	}
}

var answerCases = []contractCase{
	{"every documented answer has its kind", simulated, answersHaveKinds},
}

// answersHaveKinds lets each request of each operation meet every answer that is documented for it. Since nothing is done
// at the service, one serves them all.
func answersHaveKinds(t *testing.T, s subject) {
	answers := map[string][]documented{}
	for _, d := range slices.Concat(s.documented, throttledAnswers(s)) {
		key := fmt.Sprint(d.op, ": ", d.request.name, map[bool]string{true: " of a full user"}[d.full])
		answers[key] = append(answers[key], d)
	}
	each(t, s, func(op operation) {
		for name, rows := range answers {
			if rows[0].op != op.name {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b, call := s.answering(t, op, rows[0].full)
				_, client := b.dial(t)
				for _, d := range rows {
					if d.otherwise {
						b, call = s.answering(t, op, d.full)
						_, client = b.dial(t)
					}
					t.Run(d.name, func(t *testing.T) {
						checkAlone(t, s, func(t *testing.T) { answered(t, b, client, call, d) })
					})
				}
			})
		}
	})
}

// throttledAnswers are refusals for too many requests in words, with the statuses that services and gateways give them.
func throttledAnswers(s subject) []documented {
	var rows []documented
	for op, requests := range s.requests {
		for _, r := range requests {
			if r.rule.Times > 0 {
				continue // each answer is given twice
			}
			for _, status := range []int{400, 403, 409, 503} {
				rows = append(rows, documented{
					op: op, request: r, name: fmt.Sprint(status, " for too many requests"), status: status,
					body: s.refusal("The throttling threshold has been reached: rate limit exceeded"), want: throttled,
				})
			}
		}
	}
	return rows
}

// answering is a service where the operation is prepared.
func (s subject) answering(t *testing.T, op operation, full bool) (*bed, call) {
	t.Helper()
	b := s.start(t, 0)
	call := op.prepare(t, b)
	if full {
		for range b.capabilities(t).KeysPerUser {
			b.create(t, b.bob)
		}
		call = creating(t, b, b.bob)
	}
	return b, call
}

func answered(t *testing.T, b *bed, client *http.Client, call call, d documented) {
	service, err := b.backend(client, b.server.URL) // one that remembers nothing, on a connection that is there
	if err != nil {
		t.Fatal(err)
	}
	before := b.state()
	lift := b.core.Inject(d.request.rule, simulator.Answer(d.status, http.Header{"Date": {b.clock.Now().Format(http.TimeFormat)}}, d.body))
	err = call(t.Context(), service)
	if again := call(t.Context(), service); !d.otherwise && fmt.Sprint(again) != fmt.Sprint(err) { // it would be written to a status each time
		t.Errorf("the text changes:\n%v\n%v", err, again)
	}
	lift()
	expect(t, err, d.want)
	if err != nil && d.want.kind != keyservice.QuotaExceeded && !strings.Contains(err.Error(), fmt.Sprint(d.status)) {
		t.Errorf("the error does not tell the status: %v", err)
	}
	if after := b.state(); d.otherwise != (after != before) {
		t.Errorf("keys changed: %t, want %t:\n%s\n%s", after != before, d.otherwise, before, after)
	}
}
