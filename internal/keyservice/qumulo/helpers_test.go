// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"net/http"
	"slices"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
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
	anyFind    = simulator.Rule{Path: findPath}
	ttlIgnored = keyservice.CreateRequest{TTL: time.Hour}
)

// testBed is a simulated cluster with user alice, and a backend that logs in to it.
type testBed struct {
	*Service

	cluster *cluster.Simulator
	server  *simulator.Server
	clock   *clocktesting.FakePassiveClock
	alice   string // auth_id
}

func newBed(t *testing.T, options cluster.Options) *testBed {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(start)
	options.Clock = clock
	b := &testBed{cluster: cluster.New(options), clock: clock}
	b.server = bed.Serve(t, b.cluster)
	b.alice = b.cluster.AddUser("alice")
	b.Service = b.connect(t, Config{Username: cluster.DefaultUsername, Password: cluster.DefaultPassword})
	return b
}

// connect returns another backend for the same cluster, with these credentials.
func (b *testBed) connect(t *testing.T, config Config) *Service {
	t.Helper()
	client := bed.Client(t, b.server)
	config.URL, config.HTTP = b.server.URL, client
	service, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func (b *testBed) create(t *testing.T, user string) keyservice.Credential {
	t.Helper()
	credential, err := b.Create(t.Context(), user, ttlIgnored)
	if err != nil {
		t.Fatalf("Create(%q): %v", user, err)
	}
	return credential
}

// makeKeys makes as many foreign keys as fit, and returns their IDs in order.
func (b *testBed) makeKeys(t *testing.T, user string) []string {
	t.Helper()
	var made []string
	for range keysPerUser {
		pair, _, err := b.cluster.MakeKey(user)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, pair.ID)
	}
	slices.Sort(made)
	return made
}

// calls fails the test unless the route was called so often.
func (b *testBed) calls(t *testing.T, route string, want int) {
	t.Helper()
	bed.ExpectCalls(t, b.cluster.Core, route, want)
}

// ids of keys, in order.
func ids(keys []keyservice.Key) []string {
	var all []string
	for _, key := range keys {
		all = append(all, key.ID)
	}
	slices.Sort(all)
	return all
}

var expectKind = bed.ExpectKind
