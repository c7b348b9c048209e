// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bed is what the tests of the backends share: a simulator that is served until the test ends, a client that trusts
// it, and checks.
package bed

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
)

// Serve serves the handler until the test ends.
func Serve(t *testing.T, handler http.Handler) *simulator.Server {
	t.Helper()
	server, err := simulator.Serve(handler)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// Client returns a client that trusts the servers and has no rate limit.
func Client(t *testing.T, servers ...*simulator.Server) *http.Client {
	t.Helper()
	var trusted []byte
	for _, server := range servers {
		trusted = append(trusted, server.CA...)
	}
	client, err := rest.NewHTTPClient(rest.TransportConfig{Backend: "test", CABundle: trusted, QPS: 1e6, Burst: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// ExpectCalls fails the test unless the route was called so often.
func ExpectCalls(t *testing.T, core *simulator.Core, route string, want int) {
	t.Helper()
	if got := core.Calls()[route]; got != want {
		t.Errorf("%s was called %d times, want %d", route, got, want)
	}
}

// ExpectKind fails the test unless err is of the kind and has every one of the texts.
func ExpectKind(t *testing.T, err error, want keyservice.Kind, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want kind %s", want)
	}
	if got := keyservice.KindOf(err); got != want {
		t.Errorf("kind %s, want %s: %v", got, want, err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error lacks %q: %v", text, err)
		}
	}
}

// ExpectReason fails the test unless err is an error of this reason.
func ExpectReason(t *testing.T, err error, want string) {
	t.Helper()
	failed, ok := errors.AsType[*keyservice.Error](err)
	if !ok || failed.Reason != want {
		t.Errorf("got %v, want reason %q", err, want)
	}
}

// RoundTripper is a function as an http.RoundTripper.
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f RoundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// ExpectConfigurations checks that open refuses exactly the bad configurations, and that no error has the word "geheim", which
// stands for a secret. A change makes a configuration bad and returns what the error says about it; empty if it is still good.
func ExpectConfigurations[Config, Service any](t *testing.T, good Config, open func(Config) (Service, error), changes map[string]func(*Config) string) {
	t.Helper()
	for name, change := range changes {
		config := good
		want := change(&config)
		_, err := open(config)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: refused: %v", name, err)
		case want != "":
			ExpectKind(t, err, keyservice.Invalid, "set up the ", want)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the error reveals a secret: %v", name, err)
		}
	}
}
