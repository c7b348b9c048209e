// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

const (
	users       = "/api/protocols/s3/services/" + netapp.DefaultSVMUUID + "/users"
	postUsers   = "POST /api/protocols/s3/services/{svm}/users"
	getUsers    = "GET /api/protocols/s3/services/{svm}/users"
	getUser     = getUsers + "/{name}"
	patchUser   = "PATCH /api/protocols/s3/services/{svm}/users/{name}"
	deleteUser  = "DELETE /api/protocols/s3/services/{svm}/users/{name}"
	getVersion  = "GET " + clusterPath
	getSVMs     = "GET " + svmsPath
	aliceUID    = "11111111-aaaa-4aaa-8aaa-111111111111"
	otherUID    = "22222222-bbbb-4bbb-8bbb-222222222222"
	aliceMarked = made + " 1=team-a/backup/" + aliceUID
)

var (
	start       = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	alice       = keyservice.Owner{UID: aliceUID, Namespace: "team-a", Name: "backup"}
	other       = keyservice.Owner{UID: otherUID, Namespace: "team-b", Name: "other"}
	month       = keyservice.CreateRequest{Owner: alice, TTL: 30 * 24 * time.Hour}
	anyRequest  = simulator.Rule{Path: "/api/"}
	anyPost     = simulator.Rule{Method: http.MethodPost, Path: users}
	anyPatch    = simulator.Rule{Method: http.MethodPatch, Path: users}
	anyDelete   = simulator.Rule{Method: http.MethodDelete, Path: users}
	anyRead     = simulator.Rule{Method: http.MethodGet, Path: users}
	anyGenerate = simulator.Rule{Method: http.MethodPatch, Path: users, Query: "regenerate_keys=true"}
)

// bed is a simulated cluster and a backend for it.
type bed struct {
	*Service

	cluster *netapp.Simulator
	server  *simulator.Server
	clock   *clocktesting.FakePassiveClock
}

func newBed(t *testing.T, options netapp.Options) *bed {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(start)
	options.Clock = clock
	b := &bed{cluster: netapp.New(options), clock: clock}
	server, err := simulator.Serve(b.cluster)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	b.server = server
	b.Service = b.connectTo(t, Config{})
	return b
}

// connectTo returns another backend for the same cluster, with what is not the default.
func (b *bed) connectTo(t *testing.T, config Config) *Service {
	t.Helper()
	client, err := keyservice.NewHTTPClient(keyservice.TransportConfig{
		Backend: "ontap", CABundle: b.server.CA, QPS: 1e6, Burst: 1e6,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	config.URL, config.HTTP = b.server.URL, client
	if config.SVM == "" {
		config.SVM = netapp.DefaultSVM
	}
	if config.Username == "" {
		config.Username, config.Password = netapp.DefaultUsername, netapp.DefaultPassword
	}
	service, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// create makes a key as the controller does: look, choose, create.
func (b *bed) create(t *testing.T, user string, request keyservice.CreateRequest) keyservice.Credential {
	t.Helper()
	keys, err := b.List(t.Context(), user)
	if err != nil {
		t.Fatalf("List(%q): %v", user, err)
	}
	request.ID = b.ChooseID(user, request.Owner, 1, keys)
	credential, err := b.Create(t.Context(), user, request)
	if err != nil {
		t.Fatalf("Create(%q): %v", user, err)
	}
	if credential.ID != request.ID {
		t.Errorf("the key is %q, and %q was chosen", credential.ID, request.ID)
	}
	return credential
}

func (b *bed) list(t *testing.T, user string) []keyservice.Key {
	t.Helper()
	keys, err := b.List(t.Context(), user)
	if err != nil {
		t.Fatalf("List(%q): %v", user, err)
	}
	return keys
}

// person makes a user by hand, with one key.
func (b *bed) person(t *testing.T, name string) simulator.Pair {
	t.Helper()
	pair, _, err := b.cluster.AddUser(name, "a person's comment")
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// second gives a user a second key by hand.
func (b *bed) second(t *testing.T, name string) simulator.Pair {
	t.Helper()
	pair, _, err := b.cluster.MakeKey(name, 2)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// works fails the test unless the pair is let in, or not.
func (b *bed) works(t *testing.T, credential keyservice.Credential, want bool) {
	t.Helper()
	if got := b.cluster.Valid(credential.AccessKeyID, credential.SecretAccessKey.Reveal()); got != want {
		t.Errorf("key %s works: %t, want %t", credential.ID, got, want)
	}
}

// lives fails the test unless a person's pair is still what it was.
func (b *bed) lives(t *testing.T, pair simulator.Pair) {
	t.Helper()
	for _, live := range b.cluster.Keys(pair.Owner) {
		if live.AccessKeyID == pair.AccessKeyID {
			return
		}
	}
	t.Errorf("a person's key %s is gone", pair.ID)
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

func expectReason(t *testing.T, err error, want string) {
	t.Helper()
	failed, ok := errors.AsType[*keyservice.Error](err)
	if !ok || failed.Reason != want {
		t.Errorf("got %v with reason %q, want %q", err, failed.Reason, want)
	}
}

func ids(keys []keyservice.Key) string {
	var all []string
	for _, key := range keys {
		all = append(all, key.ID)
	}
	return strings.Join(all, " ")
}
