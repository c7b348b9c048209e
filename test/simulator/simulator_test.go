// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator/simtest"
)

// bed is a Core with two routes, on a fake clock and behind a Server.
type bed struct {
	*Core

	clock   simtest.Clock
	server  *Server
	client  *http.Client
	handled chan string // the bodies of the requests that were carried out
}

func newBed(t *testing.T) *bed {
	t.Helper()
	clock := simtest.NewClock()
	b := &bed{Core: NewCore(clock), clock: clock, handled: make(chan string, 100)}
	handle := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.handled <- string(body)
		_, _ = io.WriteString(w, "handled")
	}
	b.Handle("POST /keys/{$}", handle)
	b.Handle("GET /keys/{id}", handle)
	server, err := Serve(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(server.CA) {
		t.Fatal("CA is not a certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	b.server, b.client = server, &http.Client{Transport: transport}
	return b
}

// do sends a request and returns the status and the body of the response.
func (b *bed) do(ctx context.Context, method, path string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, b.server.URL+path, strings.NewReader("body"))
	if err != nil {
		return 0, "", err
	}
	response, err := b.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close() //nolint:errcheck // the body was read
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func TestCallsAreCountedByRoute(t *testing.T) {
	b := newBed(t)
	b.Inject(Rule{Method: http.MethodPost}.Once(), Drop())
	for _, call := range [][2]string{{"POST", "/keys/"}, {"GET", "/keys/a"}, {"GET", "/keys/b"}, {"GET", "/other"}, {"PUT", "/keys/a"}} {
		_, _, _ = b.do(t.Context(), call[0], call[1])
	}
	want := map[string]int{"POST /keys/": 1, "GET /keys/{id}": 2, Unmatched: 2}
	if got := b.Calls(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	b.ResetCalls()
	if got := b.Calls(); len(got) != 0 {
		t.Errorf("got %v after the reset", got)
	}
}

func TestLedgerRecordsEveryPair(t *testing.T) {
	b := newBed(t)
	first := b.Record(Pair{ID: "1", AccessKeyID: "A", Owner: "o", CreatedBy: "admin"}, "s1")
	other := b.Record(Pair{ID: "2", AccessKeyID: "B", Owner: "o", CreatedBy: Person}, "s2")
	expectValid := func(want ...string) {
		t.Helper()
		var got []string
		for _, pair := range [][2]string{{"A", "s1"}, {"A", "s2"}, {"A", "s3"}, {"A", ""}, {"", ""}, {"B", "s1"}, {"B", "s2"}} {
			if b.Valid(pair[0], pair[1]) {
				got = append(got, pair[0]+pair[1])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	expectValid("As1", "Bs2")
	b.clock.Pass(time.Hour)
	if !b.End("1", Person) || b.End("1", Person) || b.End("3", Person) {
		t.Error("End does not end a live pair once")
	}
	expectValid("Bs2")
	second := b.Record(Pair{ID: "1", AccessKeyID: "A", Owner: "o"}, "s3") // the key was regenerated
	expectValid("As3", "Bs2")
	first.DeletedAt, first.DeletedBy = simtest.Start.Add(time.Hour), Person
	if history := b.History(); !slices.Equal(history, []Pair{first, other, second}) {
		t.Errorf("got %+v", history)
	}
	for _, live := range [][]Pair{b.LivePairs(), b.LivePairsOf("o")} {
		if !slices.Equal(live, []Pair{other, second}) {
			t.Errorf("got %+v", live)
		}
	}
	b.RecordToken("t1")
	if got := b.Secrets(); !slices.Equal(got, []string{"t1", "s1", "s2", "s3"}) {
		t.Errorf("got the secrets %q", got)
	}
}

func TestServerGoesDownAndComesBack(t *testing.T) {
	b := newBed(t)
	for _, down := range []bool{false, true, true, false} {
		b.server.Down(down)
		if _, _, err := b.do(t.Context(), http.MethodGet, "/keys/a"); (err != nil) != down {
			t.Errorf("down: %t, got %v", down, err)
		}
	}
	if got := b.Calls()["GET /keys/{id}"]; got != 2 {
		t.Errorf("%d calls reached the service", got)
	}
}

// TestConcurrentUse finds missing locks if the race detector is on.
func TestConcurrentUse(t *testing.T) {
	b := newBed(t)
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			lift := b.Inject(Rule{Path: "/nowhere"}, Drop())
			b.Record(Pair{ID: "1"}, "s")
			_, _, _ = b.do(t.Context(), http.MethodGet, "/keys/a")
			b.End("1", Person)
			_, _, _ = b.Calls(), b.History(), b.Now()
			lift()
		})
	}
	calls.Wait()
}
