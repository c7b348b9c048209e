// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"net/http"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

const (
	routeKeys  = "/v5/users/{user_id}/access-keys"
	postKeys   = "POST " + routeKeys
	getKeys    = "GET " + routeKeys
	putKeys    = "PUT " + routeKeys + "/{access_key_id}"
	deleteKeys = "DELETE " + routeKeys + "/{access_key_id}"
	getUsers   = "GET " + usersPath
)

var (
	start      = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	anyCreate  = simulator.Rule{Method: http.MethodPost}
	anyList    = simulator.Rule{Method: http.MethodGet, Path: usersPath + "/"}
	anyDelete  = simulator.Rule{Method: http.MethodDelete}
	ttlIgnored = keyservice.CreateRequest{TTL: time.Hour}
)

// testBed is a simulated account with user alice, and a backend that signs with the operator's key.
type testBed struct {
	*Service

	account *account.Simulator
	server  *simulator.Server
	// clock is the account's, own the operator's.
	clock, own *clocktesting.FakePassiveClock
	alice      string // ID
}

func newBed(t *testing.T, options account.Options) *testBed {
	t.Helper()
	b := &testBed{clock: clocktesting.NewFakePassiveClock(start), own: clocktesting.NewFakePassiveClock(start)}
	options.Clock = b.clock
	b.account = account.New(options)
	b.server = bed.Serve(t, b.account)
	b.alice = b.account.AddUser("alice")
	b.Service = b.connect(t, account.DefaultAccessKeyID, account.DefaultSecretAccessKey)
	return b
}

// connect returns another backend for the same account, with this key.
func (b *testBed) connect(t *testing.T, accessKeyID, secret string) *Service {
	t.Helper()
	service, err := New(Config{
		URL: b.server.URL, DomainID: account.DefaultDomainID, AccessKeyID: accessKeyID,
		SecretAccessKey: keyservice.Secret(secret), HTTP: bed.Client(t, b.server), Now: b.own.Now,
		Gate: rest.NewGate(b.own.Now, rest.Refusals{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// pass lets so much time pass, for the account and the operator.
func (b *testBed) pass(d time.Duration) {
	b.clock.SetTime(b.clock.Now().Add(d))
	b.own.SetTime(b.own.Now().Add(d))
}

func (b *testBed) create(t *testing.T, user string) keyservice.Credential {
	t.Helper()
	credential, err := b.Create(t.Context(), user, ttlIgnored)
	if err != nil {
		t.Fatalf("Create(%q): %v", user, err)
	}
	return credential
}

func (b *testBed) makeKey(t *testing.T, user string) simulator.Pair {
	t.Helper()
	pair, _, err := b.account.MakeKey(user)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// calls fails the test unless the route was called so often.
func (b *testBed) calls(t *testing.T, route string, want int) {
	t.Helper()
	bed.ExpectCalls(t, b.account.Core, route, want)
}

// noCalls fails the test if anything was sent.
func (b *testBed) noCalls(t *testing.T) {
	t.Helper()
	if calls := b.account.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

// answer answers with the account's time, as it does itself.
func (b *testBed) answer(status int, body string) simulator.Effect {
	return simulator.Answer(status, http.Header{"Date": {b.clock.Now().UTC().Format(http.TimeFormat)}}, body)
}

var expectKind = bed.ExpectKind
