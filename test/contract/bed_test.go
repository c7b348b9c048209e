// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
)

// bed is a service that was started for one case.
type bed struct {
	world
	// Service is the backend that a case prepares and checks with.
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
	config := rest.TransportConfig{Backend: b.subject.name, QPS: 1e6, Burst: 1e6}
	url := ""
	if b.server != nil {
		config.CABundle, url = b.server.CA, b.server.URL
	}
	return b.dialAs(t, config, url)
}

func (b *bed) dialAs(t *testing.T, config rest.TransportConfig, url string) (keyservice.Service, *http.Client) {
	t.Helper()
	client, err := rest.NewHTTPClient(config)
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

// wanted is the request for the user's next key, as the operator makes it: list, choose, create.
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
