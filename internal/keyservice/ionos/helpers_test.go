// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"net/http"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/simulator"
	cloud "accesskey.dev/operator/test/simulator/ionos"
)

const (
	putKey    = "PUT /accesskeys/{id}"
	putRenew  = "PUT /accesskeys/{id}/renew"
	getKeys   = "GET /accesskeys"
	deleteKey = "DELETE /accesskeys/{id}"
)

var (
	start     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	owner     = keyservice.Owner{UID: "8a9d3c5e-0000-4000-8000-000000000001", Namespace: "team-a", Name: "backup"}
	anyCreate = simulator.Rule{Method: http.MethodPut, Path: keysPath}
	anyList   = simulator.Rule{Method: http.MethodGet, Path: keysPath}
	anyDelete = simulator.Rule{Method: http.MethodDelete, Path: keysPath}
)

// anyRenew matches the regenerations of this key; inject it before anyCreate, which matches them too.
func anyRenew(id string) simulator.Rule {
	return simulator.Rule{Method: http.MethodPut, Path: keysPath + "/" + id + "/renew"}
}

// testBed is a simulated service with users alice and bob, and a backend with a token of alice.
type testBed struct {
	*Service

	cloud  *cloud.Simulator
	server *simulator.Server
	clock  *clocktesting.FakePassiveClock
	alice  string // token
	bob    string // token
}

func newBed(t *testing.T, options cloud.Options) *testBed {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(start)
	options.Clock = clock
	b := &testBed{cloud: cloud.New(options), clock: clock}
	b.server = bed.Serve(t, b.cloud)
	b.alice, b.bob = b.cloud.AddUser("alice"), b.cloud.AddUser("bob")
	b.Service = b.connect(t, b.alice)
	return b
}

// connect returns another backend for the same service: another process, or another user.
func (b *testBed) connect(t *testing.T, token string) *Service {
	t.Helper()
	client := bed.Client(t, b.server)
	service, err := New(Config{URL: b.server.URL, Token: keyservice.Secret(token), HTTP: client})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// after moves the clock to this time after the start.
func (b *testBed) after(d time.Duration) { b.clock.SetTime(start.Add(d)) }

// keyOf is the request for the owner's key of a revision.
func keyOf(s *Service, revision int64, keys ...keyservice.Key) keyservice.CreateRequest {
	return keyservice.CreateRequest{ID: s.ChooseID("", owner, revision, keys), Owner: owner, TTL: time.Hour}
}

// create makes the owner's key of a revision.
func (b *testBed) create(t *testing.T, revision int64) keyservice.Credential {
	t.Helper()
	credential, err := b.Create(t.Context(), "", keyOf(b.Service, revision))
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return credential
}

// makeKeys makes foreign keys by hand.
func (b *testBed) makeKeys(t *testing.T, n int) []simulator.Pair {
	t.Helper()
	var pairs []simulator.Pair
	for range n {
		pair, _, err := b.cloud.MakeKey("alice", "by hand")
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, pair)
	}
	return pairs
}

func (b *testBed) list(t *testing.T) map[string]keyservice.Key {
	t.Helper()
	keys, err := b.List(t.Context(), "")
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	byID := map[string]keyservice.Key{}
	for _, key := range keys {
		byID[key.ID] = key
	}
	if len(byID) != len(keys) {
		t.Errorf("keys are listed twice: %v", keys)
	}
	return byID
}

// valid reports whether the pair works.
func (b *testBed) valid(credential keyservice.Credential) bool {
	return b.cloud.Valid(credential.AccessKeyID, credential.SecretAccessKey.Reveal())
}

// calls fails the test unless the route was called so often.
func (b *testBed) calls(t *testing.T, route string, want int) {
	t.Helper()
	bed.ExpectCalls(t, b.cloud.Core, route, want)
}

var expectKind = bed.ExpectKind
