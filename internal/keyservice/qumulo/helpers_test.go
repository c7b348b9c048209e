// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"net/http"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cluster "accesskey.dev/operator/test/simulator/qumulo"
)

const (
	postKeys   = "POST " + keysPath
	getKeys    = "GET " + keysPath
	deleteKeys = "DELETE " + keysPath + "{id}"
	postLogin  = "POST " + loginPath
	postFind   = "POST " + findPath
)

var (
	start      = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	anyCreate  = simulator.Rule{Method: http.MethodPost, Path: keysPath}
	anyList    = simulator.Rule{Method: http.MethodGet, Path: keysPath}
	anyDelete  = simulator.Rule{Method: http.MethodDelete, Path: keysPath}
	anyLogin   = simulator.Rule{Path: loginPath}
	anyFind    = simulator.Rule{Path: findPath}
	ttlIgnored = keyservice.CreateRequest{TTL: time.Hour}
)

// bed is a simulated cluster with user alice, and a backend that logs in to it.
type bed struct {
	*Service

	cluster *cluster.Simulator
	server  *simulator.Server
	clock   *clocktesting.FakePassiveClock
	alice   string // auth_id
}

func newBed(t *testing.T, options cluster.Options) *bed {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(start)
	options.Clock = clock
	b := &bed{cluster: cluster.New(options), clock: clock}
	server, err := simulator.Serve(b.cluster)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	b.server = server
	b.alice = b.cluster.AddUser("alice")
	b.Service = b.connect(t, Config{Username: cluster.DefaultUsername, Password: cluster.DefaultPassword})
	return b
}

// connect returns another backend for the same cluster, with these credentials.
func (b *bed) connect(t *testing.T, config Config) *Service {
	t.Helper()
	client, err := keyservice.NewHTTPClient(keyservice.TransportConfig{
		Backend: "qumulo", CABundle: b.server.CA, QPS: 1e6, Burst: 1e6,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	config.URL, config.HTTP = b.server.URL, client
	service, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func (b *bed) create(t *testing.T, user string) keyservice.Credential {
	t.Helper()
	credential, err := b.Create(t.Context(), user, ttlIgnored)
	if err != nil {
		t.Fatalf("Create(%q): %v", user, err)
	}
	return credential
}

func (b *bed) makeKey(t *testing.T, user string) simulator.Pair {
	t.Helper()
	pair, _, err := b.cluster.MakeKey(user)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// calls fails the test unless the route was called so often.
func (b *bed) calls(t *testing.T, route string, want int) {
	t.Helper()
	if got := b.cluster.Calls()[route]; got != want {
		t.Errorf("%s was called %d times, want %d", route, got, want)
	}
}

// expectKind fails the test unless err is of the kind and has every one of the texts.
func expectKind(t *testing.T, err error, want keyservice.Kind, texts ...string) {
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

func ids(keys []keyservice.Key) []string {
	var all []string
	for _, key := range keys {
		all = append(all, key.ID)
	}
	return all
}
