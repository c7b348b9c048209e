// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
)

var (
	unsafe = rest.Request{
		Op: "create key", Method: http.MethodPost, Path: "/path", Query: url.Values{"secret": {"geheim"}}, Body: map[string]int{"a": 1},
	}
	safe = func() rest.Request {
		r := unsafe
		r.Op, r.Safe = "list keys", true
		return r
	}()
)

// bed is a server behind faults, and a client that trusts it.
type bed struct {
	*simulator.Core

	server *simulator.Server
	client *http.Client
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{Core: simulator.NewCore(nil)}
	b.Handle("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("answer")) })
	server, err := simulator.Serve(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	b.server = server
	b.client = newClient(t, rest.TransportConfig{CABundle: b.server.CA})
	return b
}

// newClient returns a client without a limit of its own.
func newClient(t *testing.T, config rest.TransportConfig) *http.Client {
	t.Helper()
	config.Backend, config.QPS, config.Burst = "test", 1e6, 1e6
	client, err := rest.NewHTTPClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func (b *bed) send(ctx context.Context, t *testing.T, r rest.Request) (*rest.Response, error) {
	t.Helper()
	return send(ctx, b.client, r, b.server.URL)
}

func send(ctx context.Context, client *http.Client, r rest.Request, base string) (*rest.Response, error) {
	return clientOf(client, base).Do(ctx, r)
}

// clientOf returns a client of a service whose refusals are plain text.
func clientOf(client *http.Client, base string) *rest.Client {
	return &rest.Client{
		Base: base, HTTP: client,
		Authorize: func(request *http.Request) { request.Header.Set("Authorization", "Bearer geheim") },
		Explain: func(body []byte) rest.Problem {
			var problem rest.Problem
			_ = json.Unmarshal(body, &problem)
			return problem
		},
		Classify: func(*rest.Refusal) {},
	}
}

// expectKind fails the test unless err is of the kind, begins with the operation and has the text.
func expectKind(t *testing.T, err error, call rest.Request, want keyservice.Kind, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want kind %s", want)
	}
	if got := keyservice.KindOf(err); got != want {
		t.Errorf("kind %s, want %s: %v", got, want, err)
	}
	if !strings.HasPrefix(err.Error(), call.Op+": ") || !strings.Contains(err.Error(), text) {
		t.Errorf("got %q, want %q in it", err, text)
	}
	if strings.Contains(err.Error(), "geheim") {
		t.Errorf("the error reveals the request: %q", err)
	}
}

func TestAnyAnswerButASuccessIsARefusal(t *testing.T) {
	b := newBed(t)
	for _, status := range []int{200, 201, 202, 204, 302, 401, 500} {
		lift := b.Inject(simulator.Rule{}, simulator.Answer(status, http.Header{"X-A": {"b"}}, ""))
		response, err := b.send(t.Context(), t, unsafe)
		lift()
		refused, ok := rest.Refused(err)
		switch {
		case status < 300 && (err != nil || response.Status != status || response.Header.Get("X-A") != "b"):
			t.Errorf("%d: got %+v, %v", status, response, err)
		case status >= 300 && (!ok || response != nil || refused.Status != status):
			t.Errorf("%d: got %+v, %v", status, response, err)
		}
	}
	response, err := b.send(t.Context(), t, unsafe)
	if err != nil || string(response.Body) != "answer" {
		t.Errorf("got %+v, %v", response, err)
	}
}

func TestAByteOrderMarkIsNotPartOfTheBody(t *testing.T) {
	b := newBed(t)
	b.Inject(simulator.Rule{}, simulator.Answer(200, nil, "\ufeff{}"))
	response, err := b.send(t.Context(), t, safe)
	if err != nil || string(response.Body) != "{}" {
		t.Errorf("got %+v, %v", response, err)
	}
}

func TestALostAnswerIsAmbiguousUnlessTheRequestIsSafe(t *testing.T) {
	const closed = "closed the connection before its answer was complete"
	for name, test := range map[string]struct {
		effect simulator.Effect
		text   string
	}{
		"refused without being read":       {simulator.Refuse(), closed},
		"dropped before it is carried out": {simulator.Drop(), closed},
		"carried out, no answer":           {simulator.DropAnswer(), closed},
		"carried out, half an answer":      {simulator.CutAnswer(), closed},
		"an endless answer":                {simulator.Endless(200), "the answer is larger than 16 MiB"},
		"an answer that is not HTTP":       {talk("SSH-2.0-OpenSSH\r\n\r\n"), "malformed HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.Inject(simulator.Rule{}, test.effect)
			for _, call := range []rest.Request{safe, unsafe} {
				want := keyservice.Ambiguous
				if call.Safe {
					want = keyservice.Unavailable
				}
				_, err := b.send(t.Context(), t, call)
				expectKind(t, err, call, want, test.text)
				_, again := b.send(t.Context(), t, call)
				if again == nil || again.Error() != err.Error() {
					t.Errorf("the text changes:\n%v\n%v", err, again)
				}
			}
			if calls := b.Calls(); calls[simulator.Unmatched] != 4 {
				t.Errorf("a request was repeated: %v", calls)
			}
		})
	}
}

func TestARequestThatNeverReachedTheServiceIsNotAmbiguous(t *testing.T) {
	b := newBed(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := free.Addr().String()
	_ = free.Close()
	stranger := newBed(t)
	for name, test := range map[string]struct {
		client *http.Client
		url    string
		text   string
	}{
		"nothing listens": {b.client, "https://" + closed, "cannot dial " + closed + ": connect: connection refused"},
		"no such host":    {b.client, "https://host.invalid", `cannot resolve the host "host.invalid": `},
		"another CA": {
			stranger.client, b.server.URL, "signed by an unknown authority; give its CA in the KeyService's spec.tls",
		},
		"the system's CAs": {newClient(t, rest.TransportConfig{}), b.server.URL, "signed by an unknown authority"},
		"a name not in the certificate": {
			b.client, strings.Replace(b.server.URL, "127.0.0.1", "localhost", 1), "certificate is valid for service.example, not localhost",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := send(t.Context(), test.client, unsafe, test.url)
			expectKind(t, err, unsafe, keyservice.Unavailable, test.text)
			_, again := send(t.Context(), test.client, unsafe, test.url)
			if again == nil || again.Error() != err.Error() {
				t.Errorf("the text changes:\n%v\n%v", err, again)
			}
		})
	}
	t.Run("the service is down", func(t *testing.T) {
		b.server.Down(true)
		b.client.CloseIdleConnections()
		_, err := b.send(t.Context(), t, unsafe)
		expectKind(t, err, unsafe, keyservice.Unavailable, "")
	})
}

func TestWithoutVerificationAnyCertificateIsAccepted(t *testing.T) {
	b := newBed(t)
	client := newClient(t, rest.TransportConfig{InsecureSkipVerify: true})
	if _, err := send(t.Context(), client, safe, b.server.URL); err != nil {
		t.Error(err)
	}
}

func TestADeadlineEndsTheWait(t *testing.T) {
	for name, effect := range map[string]simulator.Effect{
		"for the answer": simulator.Hang(nil),
		"for the body": func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			simulator.Hang(nil)(w, r, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			if _, err := b.send(t.Context(), t, safe); err != nil { // opens the connection that is used below
				t.Fatal(err)
			}
			b.Inject(simulator.Rule{}, effect)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := b.send(ctx, t, unsafe)
			expectKind(t, err, unsafe, keyservice.Ambiguous, "the service did not answer in time")
		})
	}
	t.Run("by the client's own timeout", func(t *testing.T) {
		b := newBed(t)
		b.Inject(simulator.Rule{}, simulator.Hang(nil))
		if b.client.Timeout != rest.Timeout {
			t.Errorf("timeout %s", b.client.Timeout)
		}
		b.client.Timeout = 500 * time.Millisecond
		_, err := b.send(t.Context(), t, safe)
		expectKind(t, err, safe, keyservice.Unavailable, "the service did not answer in time")
	})
}

func TestACancelEndsTheWaitAtOnce(t *testing.T) {
	b := newBed(t)
	arrived := make(chan struct{})
	b.Inject(simulator.Rule{}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		arrived <- struct{}{}
		simulator.Hang(nil)(w, r, next)
	})
	fastest := time.Hour
	for range 3 { // of which one meets a machine that is not busy
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			_, err := b.send(ctx, t, unsafe)
			result <- err
		}()
		<-arrived
		start := time.Now()
		cancel()
		err := <-result
		fastest = min(fastest, time.Since(start))
		expectKind(t, err, unsafe, keyservice.Ambiguous, "canceled before the service answered")
	}
	if fastest > 100*time.Millisecond {
		t.Errorf("it took %s", fastest)
	}
}

// talk answers with bytes that are not HTTP.
func talk(text string) simulator.Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = conn.Write([]byte(text))
		_ = conn.Close()
	}
}
