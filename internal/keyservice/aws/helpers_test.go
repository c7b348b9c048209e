// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"net/http"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/aws"
)

var (
	start      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ttlIgnored = keyservice.CreateRequest{TTL: time.Hour}
	expectKind = bed.ExpectKind
)

// at is the rule of requests for an action.
func at(action string) simulator.Rule { return simulator.Rule{Path: "/" + action} }

// pair is a provider of credentials that do not change, and counts how often it was asked and told to forget.
type pair struct {
	awssdk.Credentials

	err              error
	asked, forgotten int
}

func (p *pair) Retrieve(context.Context) (awssdk.Credentials, error) {
	p.asked++
	return p.Credentials, p.err
}

func (p *pair) Invalidate() { p.forgotten++ }

func pairOf(accessKeyID, secret string) *pair {
	return &pair{Credentials: awssdk.Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secret}}
}

// testBed is a simulated account with user Alice, and a backend that signs with the operator's key.
type testBed struct {
	*Service

	account *account.Simulator
	server  *simulator.Server
	// clock is the account's, own the operator's.
	clock, own *clocktesting.FakePassiveClock
	pair       *pair
}

func newBed(t *testing.T, options account.Options, changes ...func(*Config)) *testBed {
	t.Helper()
	b := &testBed{clock: clocktesting.NewFakePassiveClock(start), own: clocktesting.NewFakePassiveClock(start)}
	options.Clock = b.clock
	b.account = account.New(options)
	b.server = bed.Serve(t, b.account)
	b.account.AddUser("Alice")
	b.pair = pairOf(account.DefaultAccessKeyID, account.DefaultSecretAccessKey)
	b.Service = b.connect(t, changes...)
	return b
}

// connect returns another backend for the same account.
func (b *testBed) connect(t *testing.T, changes ...func(*Config)) *Service {
	t.Helper()
	config := Config{
		URL: b.server.URL, Credentials: b.pair, HTTP: bed.Client(t, b.server), Now: b.own.Now, Gate: rest.NewGate(b.own.Now, rest.Refusals{}),
	}
	for _, change := range changes {
		change(&config)
	}
	service, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func delayed(delay time.Duration) func(*Config) {
	return func(c *Config) { c.ActivationDelay = delay }
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
	made, _, err := b.account.MakeKey(user)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// states are the states of the keys of Alice by ID.
func (b *testBed) states(t *testing.T) map[string]keyservice.State {
	t.Helper()
	keys, err := b.List(t.Context(), "Alice")
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]keyservice.State{}
	for _, key := range keys {
		states[key.ID] = key.State
	}
	return states
}

// calls fails the test unless the action was called so often.
func (b *testBed) calls(t *testing.T, action string, want int) {
	t.Helper()
	bed.ExpectCalls(t, b.account.Core, "POST /"+action, want)
}

// noCalls fails the test if anything was sent.
func (b *testBed) noCalls(t *testing.T) {
	t.Helper()
	if calls := b.account.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

// refuse answers an action with an error in AWS' shape, and with the account's time.
func (b *testBed) refuse(action string, status int, code, words string) (lift func()) {
	return b.answer(action, status, wrapped(code, words))
}

func (b *testBed) answer(action string, status int, body string) (lift func()) {
	header := http.Header{"Date": {b.clock.Now().UTC().Format(http.TimeFormat)}}
	return b.account.Inject(at(action), simulator.Answer(status, header, body))
}

func wrapped(code, words string) string {
	return `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + words +
		`</Message></Error><RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId></ErrorResponse>`
}

// result is the answer to an action.
func result(action, inner string) string {
	return "<" + action + `Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><` + action + "Result>" + inner + "</" + action +
		"Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></" + action + "Response>"
}
