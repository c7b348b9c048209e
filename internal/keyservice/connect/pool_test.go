// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

const url = "https://qumulo.example:8000"

func TestAConnectionLastsUntilWhatItIsMadeOfChanges(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*testing.T, client.Client, *v1alpha1.KeyService)
		same   bool
	}{
		"nothing changes":       {func(*testing.T, client.Client, *v1alpha1.KeyService) {}, true},
		"its status changes":    {func(_ *testing.T, _ client.Client, s *v1alpha1.KeyService) { s.ResourceVersion = "99" }, true},
		"its spec changes":      {func(_ *testing.T, _ client.Client, s *v1alpha1.KeyService) { s.Generation = 2 }, false},
		"the token changes":     {update("token", "other"), false},
		"the Secret gets a key": {update("more", "data"), false},
		"only the Secret's metadata changes": {func(t *testing.T, kube client.Client, _ *v1alpha1.KeyService) {
			s := secret("team-a", "token", "token", "t")
			s.Finalizers = []string{v1alpha1.InUseFinalizer}
			must(t, kube.Update(t.Context(), s))
		}, true},
		"the Secret is made again": {func(t *testing.T, kube client.Client, _ *v1alpha1.KeyService) {
			must(t, kube.Delete(t.Context(), secret("team-a", "token")))
			must(t, kube.Create(t.Context(), secret("team-a", "token", "token", "t")))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p, _, kube := pool(secret("team-a", "token", "token", "t"))
			service := keyService(url)
			before := mustGet(t, p, service)
			test.change(t, kube, service)
			if after := mustGet(t, p, service); (after == before) != test.same {
				t.Errorf("the same: %t", after == before)
			}
		})
	}
}

func update(key, value string) func(*testing.T, client.Client, *v1alpha1.KeyService) {
	return func(t *testing.T, kube client.Client, _ *v1alpha1.KeyService) {
		s := secret("team-a", "token", "token", "t")
		s.Data[key] = []byte(value)
		must(t, kube.Update(t.Context(), s))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAKnownConnectionCostsNoLiveRead(t *testing.T) {
	p, live, kube := pool(secret("team-a", "token", "token", "t"))
	service := keyService(url)
	mustGet(t, p, service)
	for range 3 {
		mustGet(t, p, service)
	}
	if live.reads != 1 {
		t.Errorf("%d live reads", live.reads)
	}
	s := secret("team-a", "token", "token", "t")
	s.Labels = map[string]string{"touched": "yes"}
	must(t, kube.Update(t.Context(), s))
	for range 3 {
		mustGet(t, p, service)
	}
	if live.reads != 2 {
		t.Errorf("%d live reads after a write", live.reads)
	}
}

func TestANewTokenIsUsed(t *testing.T) {
	service, server := cluster(t)
	p, _, kube := pool(secret("team-a", "token", "token", service.AddToken(time.Time{})))
	p.Transport = nil
	ks := keyService(server.URL, trusting(string(server.CA)))
	list := func() keyservice.Kind {
		if _, err := mustGet(t, p, ks).List(t.Context(), user); err != nil {
			return keyservice.KindOf(err)
		}
		return ""
	}
	if got := list(); got != "" {
		t.Errorf("at first: %s", got)
	}
	service.RevokeTokens()
	if got := list(); got != keyservice.Unauthorized {
		t.Errorf("with a token that has ended: %q", got)
	}
	must(t, kube.Update(t.Context(), secret("team-a", "token", "token", service.AddToken(time.Time{}))))
	if got := list(); got != "" {
		t.Errorf("with a new token: %s", got)
	}
}

func TestAConnectionKnowsWhatTheServiceCanDo(t *testing.T) {
	p, _, _ := pool(secret("team-a", "token", "token", "t"))
	connection := mustGet(t, p, keyService(url+"/"))
	if connection.Identity != "qumulo/c1" || connection.KeysPerUser != 2 || !connection.Overlap {
		t.Errorf("got %+v of %s", connection.Capabilities, connection.Identity)
	}
	if connection.Inventory("").Period != time.Minute {
		t.Error("the inventory is kept for another time")
	}
}

func TestServicesDoNotShareConnections(t *testing.T) {
	p, _, _ := pool(secret("team-a", "token", "token", "t"))
	one, other := keyService(url), keyService(url)
	other.Name, other.UID = "another", "uid-of-another"
	if mustGet(t, p, one) == mustGet(t, p, other) {
		t.Error("two KeyServices, with credentials of their own, have one connection")
	}
	before := mustGet(t, p, one)
	p.Forget(client.ObjectKeyFromObject(other))
	if mustGet(t, p, one) != before {
		t.Error("the wrong connection was forgotten")
	}
	p.Forget(client.ObjectKeyFromObject(one))
	if mustGet(t, p, one) == before {
		t.Error("not forgotten")
	}
}

func TestTheSecretsOfAClusterKeyServiceAreTheOperators(t *testing.T) {
	p, _, kube := pool(secret("team-a", "token", "token", "t"))
	service := &v1alpha1.ClusterKeyService{
		ObjectMeta: metav1.ObjectMeta{Name: "qumulo", UID: "uid-of-the-clusters"},
		Spec:       v1alpha1.ClusterKeyServiceSpec{KeyServiceSpec: keyService(url).Spec},
	}
	_, err := p.Get(t.Context(), service)
	if want := "Secret accesskey-system/token does not exist; create it with the key token"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	must(t, kube.Create(t.Context(), secret("accesskey-system", "token", "token", "t")))
	mustGet(t, p, service)
}

func TestAnAPIServerThatIsAwayIsNoFaultOfTheKeyService(t *testing.T) {
	away := errors.New("the API server is away")
	check := func(t *testing.T, p *Pool) {
		t.Helper()
		_, err := p.Get(t.Context(), keyService(url))
		if _, blamed := errors.AsType[*Error](err); !errors.Is(err, away) || blamed {
			t.Errorf("got %v", err)
		}
	}
	t.Run("live", func(t *testing.T) {
		p, live, _ := pool(secret("team-a", "token", "token", "t"))
		live.err = away
		check(t, p)
	})
	t.Run("in the cache", func(t *testing.T) {
		p, live, _ := pool(secret("team-a", "token", "token", "t"))
		p.SecretVersions = &reader{Reader: live, err: away}
		check(t, p)
	})
}

func TestConcurrentCallersShareOneConnection(t *testing.T) {
	p, live, _ := pool(secret("team-a", "token", "token", "t"))
	service := keyService(url)
	connections := make([]*Connection, 20)
	var group sync.WaitGroup
	for i := range connections {
		group.Go(func() {
			var err error
			if connections[i], err = p.Get(context.Background(), service); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, connection := range connections {
		if connection != connections[0] {
			t.Fatal("there are several")
		}
	}
	if live.reads != 1 {
		t.Errorf("%d live reads", live.reads)
	}
}

func TestConnectedDoesNotConnect(t *testing.T) {
	p, reader, kube := pool(secret("team-a", "token", "token", "t"))
	service := keyService(url)
	expect := func(want *Connection) {
		t.Helper()
		before := reader.reads
		got, connected, err := p.Connected(t.Context(), service)
		if got != want || connected != (want != nil) || err != nil || reader.reads != before {
			t.Errorf("got %p, %t, %v after %d reads, want %p", got, connected, err, reader.reads-before, want)
		}
	}
	expect(nil)
	expect(mustGet(t, p, service))
	must(t, kube.Update(t.Context(), secret("team-a", "token", "token", "other")))
	expect(nil)
}

func TestConnectedKnowsAFailureForAMinute(t *testing.T) {
	p, _, _ := pool(secret("team-a", "token", "token", "t"))
	clock := testclock.NewFakePassiveClock(time.Now())
	p.Clock, p.Transport = clock, http.NewFileTransport(http.Dir(t.TempDir())) // a server that is no cluster
	service := keyService(url)
	_, failed := p.Get(t.Context(), service)
	if _, connected, err := p.Connected(t.Context(), service); !connected || err == nil || !errors.Is(err, failed) {
		t.Errorf("got %t, %v, want %v", connected, err, failed)
	}
	clock.SetTime(clock.Now().Add(time.Minute))
	if _, connected, err := p.Connected(t.Context(), service); connected || err != nil {
		t.Errorf("after a minute: %t, %v", connected, err)
	}
}

func TestTheResyncIsTheListingOfTheAccessKeys(t *testing.T) {
	simulated, server := cluster(t)
	p, _, _ := pool(secret("team-a", "token", "token", simulated.AddToken(time.Time{})))
	p.Transport = nil
	connection := mustGet(t, p, keyService(server.URL, trusting(string(server.CA))))
	simulated.ResetCalls()
	now := time.Now()
	if listed, err := connection.Resync(t.Context(), now); err != nil || !listed.At.IsZero() || len(simulated.Calls()) > 0 {
		t.Errorf("before anybody asked: %v, %v", err, simulated.Calls())
	}
	if _, err := connection.Inventory("local:backup").Snapshot(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if listed, err := connection.Resync(t.Context(), now.Add(time.Second)); err != nil || !listed.At.Equal(now) || len(simulated.Calls()) != 1 {
		t.Errorf("then: %s, %v, %v", listed.At, err, simulated.Calls())
	}
}

func TestKeysAreCountedInTheLastListing(t *testing.T) {
	simulated, server := cluster(t)
	p, _, _ := pool(secret("team-a", "token", "token", simulated.AddToken(time.Time{})))
	p.Transport = nil
	service := keyService(server.URL, trusting(string(server.CA)))
	users := map[string]int{}
	if p.CountKeys(service, users) {
		t.Error("before it was connected")
	}
	connection := mustGet(t, p, service)
	if p.CountKeys(service, users) {
		t.Error("before anything was listed")
	}
	id, err := connection.Service.(keyservice.UserResolver).ResolveUser(t.Context(), user)
	must(t, err)
	for range 2 {
		if _, err := connection.Create(t.Context(), id, keyservice.CreateRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := connection.Inventory(id).Snapshot(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	simulated.ResetCalls()
	users[id] = 0
	if !p.CountKeys(service, users) || users[id] != 2 || len(simulated.Calls()) > 0 {
		t.Errorf("counted %v, and asked for %v", users, simulated.Calls())
	}
}

func TestAServiceThatDoesNotSayWhichOneItIsIsNotConnected(t *testing.T) {
	service, server := cluster(t)
	p, _, _ := pool(secret("team-a", "token", "token", "not-issued"))
	p.Transport = nil
	ks := keyService(server.URL, trusting(string(server.CA)))
	for range 3 {
		if _, err := p.Get(t.Context(), ks); keyservice.KindOf(err) != keyservice.Unauthorized {
			t.Errorf("got %v", err)
		}
	}
	if calls := service.Calls()["GET /v1/node/state"]; calls != 1 {
		t.Errorf("asked %d times within a minute", calls)
	}
}
