// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	testbed "accesskey.dev/operator/test/bed"
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
	b.server = testbed.Serve(t, b)
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
	testbed.ExpectKind(t, err, want, text)
	if !strings.HasPrefix(err.Error(), call.Op+": ") || strings.Contains(err.Error(), "geheim") {
		t.Errorf("the error lacks the operation, or reveals the request: %q", err)
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

func TestARequestHasTheContentOfItsFormat(t *testing.T) {
	form := rest.Request{Op: "create key", Method: http.MethodPost, Path: "/", Form: url.Values{"UserName": {"a+b=c,d@e"}, "Action": {"CreateAccessKey"}}}
	for name, test := range map[string]struct {
		request rest.Request
		want    [3]string // body, Content-Type, Accept
	}{
		"a form":  {form, [3]string{"Action=CreateAccessKey&UserName=a%2Bb%3Dc%2Cd%40e", "application/x-www-form-urlencoded", ""}},
		"JSON":    {unsafe, [3]string{`{"a":1}`, "application/json", "application/json"}},
		"no body": {rest.Request{Op: "list keys", Method: http.MethodGet}, [3]string{"", "", "application/json"}},
	} {
		b := newBed(t)
		var got [3]string
		b.Inject(simulator.Rule{}, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			body, _ := io.ReadAll(r.Body)
			got = [3]string{string(body), r.Header.Get("Content-Type"), r.Header.Get("Accept")}
			w.WriteHeader(http.StatusOK)
		})
		if _, err := b.send(t.Context(), t, test.request); err != nil || got != test.want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
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
	closed, err := simulator.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, rest.TransportConfig{})
	for url, text := range map[string]string{
		"https://" + closed:    "cannot dial " + closed + ": connect: connection refused",
		"https://host.invalid": `cannot resolve the host "host.invalid": `,
	} {
		_, err := send(t.Context(), client, unsafe, url)
		expectKind(t, err, unsafe, keyservice.Unavailable, text)
		_, again := send(t.Context(), client, unsafe, url)
		if again == nil || again.Error() != err.Error() {
			t.Errorf("the text changes:\n%v\n%v", err, again)
		}
	}
}

func TestTheClientsTimeoutEndsTheWait(t *testing.T) {
	b := newBed(t)
	b.Inject(simulator.Rule{}, simulator.Hang(nil))
	if b.client.Timeout != rest.Timeout {
		t.Errorf("timeout %s", b.client.Timeout)
	}
	b.client.Timeout = 500 * time.Millisecond
	for _, call := range []rest.Request{safe, unsafe} {
		want := keyservice.Ambiguous
		if call.Safe {
			want = keyservice.Unavailable
		}
		_, err := b.send(t.Context(), t, call)
		expectKind(t, err, call, want, "the service did not answer in time")
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
