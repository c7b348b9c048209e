// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"net/http"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

const (
	users       = "/api/protocols/s3/services/" + netapp.DefaultSVMUUID + "/users"
	postUsers   = "POST /api/protocols/s3/services/{svm}/users"
	getUsers    = "GET /api/protocols/s3/services/{svm}/users"
	getUser     = getUsers + "/{name}"
	patchUser   = "PATCH /api/protocols/s3/services/{svm}/users/{name}"
	getVersion  = "GET " + clusterPath
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
	anyRead     = simulator.Rule{Method: http.MethodGet, Path: users}
	anyGenerate = simulator.Rule{Method: http.MethodPatch, Path: users, Query: "regenerate_keys=true"}
)

// testBed is a simulated cluster and a backend for it.
type testBed struct {
	*Service

	cluster *netapp.Simulator
	server  *simulator.Server
	clock   *clocktesting.FakePassiveClock
}

func newBed(t *testing.T, options netapp.Options) *testBed {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(start)
	options.Clock = clock
	b := &testBed{cluster: netapp.New(options), clock: clock}
	b.server = bed.Serve(t, b.cluster)
	b.Service = b.connectTo(t, Config{})
	return b
}

// connectTo returns another backend for the same cluster, with what is not the default.
func (b *testBed) connectTo(t *testing.T, config Config) *Service {
	t.Helper()
	client := bed.Client(t, b.server)
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

// create makes a key as the controller does: list, choose, create.
func (b *testBed) create(t *testing.T, user string, request keyservice.CreateRequest) keyservice.Credential {
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

func (b *testBed) list(t *testing.T, user string) []keyservice.Key {
	t.Helper()
	keys, err := b.List(t.Context(), user)
	if err != nil {
		t.Fatalf("List(%q): %v", user, err)
	}
	return keys
}

// person makes a user by hand, with one key.
func (b *testBed) person(t *testing.T, name string) simulator.Pair {
	t.Helper()
	pair, _, err := b.cluster.AddUser(name, "a person's comment")
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// second gives a user a second key by hand.
func (b *testBed) second(t *testing.T, name string) simulator.Pair {
	t.Helper()
	pair, _, err := b.cluster.MakeKey(name, 2)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// works fails the test unless the pair is let in, or not.
func (b *testBed) works(t *testing.T, credential keyservice.Credential, want bool) {
	t.Helper()
	if got := b.cluster.Valid(credential.AccessKeyID, credential.SecretAccessKey.Reveal()); got != want {
		t.Errorf("key %s works: %t, want %t", credential.ID, got, want)
	}
}

// lives fails the test unless a person's pair is still what it was.
func (b *testBed) lives(t *testing.T, pair simulator.Pair) {
	t.Helper()
	for _, live := range b.cluster.Keys(pair.Owner) {
		if live.AccessKeyID == pair.AccessKeyID {
			return
		}
	}
	t.Errorf("a person's key %s is gone", pair.ID)
}

// calls fails the test unless the route was called so often.
func (b *testBed) calls(t *testing.T, route string, want int) {
	t.Helper()
	bed.ExpectCalls(t, b.cluster.Core, route, want)
}

// answer is a success with this body.
func answer(body string) simulator.Effect { return simulator.Answer(http.StatusOK, nil, body) }

var expectKind = bed.ExpectKind

var expectReason = bed.ExpectReason
