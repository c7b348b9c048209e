// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
)

// subject is one service as the contract sees it: how it is started, and what is its own. What it can do is not written
// here: the suite asks the backend.
type subject struct {
	name string
	// title is the service's name in docs/services.
	title string
	start func(t *testing.T, page int) *bed

	// pageSize is how many items the backend asks for at a time.
	pageSize int
	// pages are small sizes of the service's pages, and one that holds everything.
	pages []int
	// unknownUser is the kind of a List and a Create for a user whom nobody knows; empty: Create makes the user.
	unknownUser keyservice.Kind
	// foreignFull answers a Create whose user has nothing but other people's keys, as many as fit.
	foreignFull expected
	// requests of each operation, in the order in which they are sent the first time.
	requests map[string][]request
	// documented are the answers that the service documents beside its successes.
	documented []documented
	// refusal is a body with the service's own words.
	refusal func(words string) string
	// secrets are the operator's own at the service.
	secrets []string
}

// expected is what an error must be. The zero value: no error.
type expected struct {
	kind   keyservice.Kind
	reason string
	retry  time.Duration
}

// request is one that an operation sends.
type request struct {
	name string
	rule simulator.Rule
	// unsafe: it makes a pair, so that a lost answer leaves open whether it did.
	unsafe bool
	// changes: when it is carried out, keys are others than before.
	changes bool
	// unread: of a success nothing but the status matters.
	unread bool
	// bodyless: its success has no body that could be cut.
	bodyless bool
}

// world is what is behind a backend: the truth that the contract is checked against, and what people do there.
type world interface {
	// user is how the operator names a user, and makes it if the service has users without keys.
	user(name string) string
	// makeKey makes a key of the named user by hand.
	makeKey(name string) (simulator.Pair, error)
	// visible are the keys that ListAll has to show, and their owners.
	visible() map[string]string
	// items is how many items a listing of everything pages over.
	items() int

	RemoveKey(id string) bool
	Valid(accessKeyID, secret string) bool
	// Active: the key is not disabled.
	Active(id string) bool
	History() []simulator.Pair
	LivePairs() []simulator.Pair
}

// bed is a service that was started for one case.
type bed struct {
	world
	// Service is the backend that a case looks and prepares with.
	keyservice.Service

	subject subject
	clock   *clocktesting.FakePassiveClock
	// server and core are of a simulator; nil for the fake.
	server *simulator.Server
	core   *simulator.Core
	// backend makes one from an HTTP client; the fake is always the same.
	backend func(client *http.Client, url string) (keyservice.Service, error)
	// meet makes the next requests of this kind meet the fault.
	meet func(op string, r request, f fault)
	// sent is how many requests were sent so far.
	sent func() int

	// alice has a key when a case wants one; bob has none. Where the keys are the token's user's, both are that user.
	alice, bob string
	revision   int64
}

// Names of users.
const (
	alice = "alice"
	bob   = "bob"
	carol = "carol" // whom the service does not know
)

var (
	begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	owner = keyservice.Owner{UID: "8a9d3c5e-0000-4000-8000-000000000001", Namespace: "team-a", Name: "backup"}
)

// password is one that looks different in JSON, in a URL and in a header.
const password = `Pass"word\1 <&>ü`

const ttl = 30 * 24 * time.Hour

// serve starts a simulator and connects a backend to it.
func serve(t *testing.T, b *bed, handler http.Handler) *bed {
	t.Helper()
	server, err := simulator.Serve(handler)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	b.server = server
	b.sent = func() int {
		sum := 0
		for _, calls := range b.core.Calls() {
			sum += calls
		}
		return sum
	}
	b.meet = func(_ string, r request, f fault) { b.core.Inject(r.rule, f.effect) }
	b.alice, b.bob = b.user(alice), b.user(bob)
	b.Service, _ = b.dial(t)
	return b
}

// dial connects another backend, as a new process of the operator does.
func (b *bed) dial(t *testing.T) (keyservice.Service, *http.Client) {
	t.Helper()
	config := keyservice.TransportConfig{Backend: b.subject.name, QPS: 1e6, Burst: 1e6}
	url := ""
	if b.server != nil {
		config.CABundle, url = b.server.CA, b.server.URL
	}
	return b.dialAs(t, config, url)
}

func (b *bed) dialAs(t *testing.T, config keyservice.TransportConfig, url string) (keyservice.Service, *http.Client) {
	t.Helper()
	client, err := keyservice.NewHTTPClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	service, err := b.backend(client, url)
	if err != nil {
		t.Fatal(err)
	}
	return service, client
}

// connect lets a backend learn its version, where that decides what it can do.
func connect(t *testing.T, service keyservice.Service) {
	t.Helper()
	if connector, ok := service.(keyservice.Connector); ok {
		if err := connector.Connect(t.Context()); err != nil {
			t.Fatalf("Connect: %v", err)
		}
	}
}

func (b *bed) capabilities(t *testing.T) keyservice.Capabilities {
	t.Helper()
	connect(t, b.Service)
	return keyservice.CapabilitiesOf(b.Service)
}

// wanted is the request for the user's next key, as the operator makes it: look, choose, create.
func (b *bed) wanted(t *testing.T, user string) keyservice.CreateRequest {
	t.Helper()
	b.revision++
	req := keyservice.CreateRequest{Owner: owner, TTL: ttl}
	if chooser, ok := b.Service.(keyservice.HandleChooser); ok {
		connect(t, b.Service)
		req.ID = chooser.ChooseID(user, owner, b.revision, b.list(t, user))
	}
	return req
}

// create makes a key and waits until it works.
func (b *bed) create(t *testing.T, user string) keyservice.Credential {
	t.Helper()
	made, err := b.Create(t.Context(), user, b.wanted(t, user))
	if err != nil {
		t.Fatalf("Create for user %q: %v", user, err)
	}
	b.settle(t, user)
	return made
}

// settle lets time pass until no key of the user is on its way in or out.
func (b *bed) settle(t *testing.T, user string) []keyservice.Key {
	t.Helper()
	for range 10 {
		keys := b.list(t, user)
		if !slices.ContainsFunc(keys, func(key keyservice.Key) bool {
			return key.State == keyservice.Pending || key.State == keyservice.Deleting
		}) {
			return keys
		}
		b.pass(time.Minute)
	}
	t.Fatalf("the keys of user %q do not come to rest: %+v", user, b.list(t, user))
	return nil
}

// pass lets so much time pass, for the service and for the operator.
func (b *bed) pass(d time.Duration) { b.clock.SetTime(b.clock.Now().Add(d)) }

func (b *bed) list(t *testing.T, user string) []keyservice.Key {
	t.Helper()
	keys, err := b.List(t.Context(), user)
	if err != nil {
		t.Fatalf("List of user %q: %v", user, err)
	}
	return keys
}

// foreign makes a key by hand.
func (b *bed) foreign(t *testing.T, name string) simulator.Pair {
	t.Helper()
	pair, err := b.makeKey(name)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// state of all keys, to compare.
func (b *bed) state() string {
	var all []string
	for _, pair := range b.LivePairs() {
		all = append(all, fmt.Sprintf("%s %s %t", pair.ID, pair.AccessKeyID, b.Active(pair.ID)))
	}
	slices.Sort(all)
	return fmt.Sprint(len(b.History()), all)
}

// works fails the test unless the pair is let in, or not.
func (b *bed) works(t *testing.T, credential keyservice.Credential, want bool) {
	t.Helper()
	if got := b.Valid(credential.AccessKeyID, credential.SecretAccessKey.Reveal()); got != want {
		t.Errorf("the pair of key %q works: %t, want %t", credential.ID, got, want)
	}
}

// find returns the key of this ID, nil if it is not there.
func find(keys []keyservice.Key, id string) *keyservice.Key {
	at := slices.IndexFunc(keys, func(key keyservice.Key) bool { return key.ID == id })
	if at < 0 {
		return nil
	}
	return &keys[at]
}

// expect fails the test unless err is what it should be.
func expect(t *testing.T, err error, want expected) {
	t.Helper()
	if want.kind == "" {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	failed, ok := errors.AsType[*keyservice.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *keyservice.Error of kind %s", err, want.kind)
	}
	if failed.Kind != want.kind || failed.Reason != want.reason {
		t.Errorf("kind %s, reason %q, want %s, %q: %v", failed.Kind, failed.Reason, want.kind, want.reason, err)
	}
	if want.retry != 0 && failed.RetryAfter != want.retry {
		t.Errorf("retry after %s, want %s: %v", failed.RetryAfter, want.retry, err)
	}
	if failed.Op == "" || len(err.Error()) > 1200 {
		t.Errorf("not fit for a condition's message: %q", err)
	}
}

// operation is a method of the service, as the suite calls it.
type operation struct {
	name string
	// has reports whether a backend has it.
	has func(service keyservice.Service) bool
	// prepare makes what the call is about, and returns the call for a backend.
	prepare func(t *testing.T, b *bed) func(ctx context.Context, service keyservice.Service) error
}
