// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
)

const loginPath = "/v1/session/login"

// TestRefusedCredentialsAreSentAgainOnlyWhenTheyMayHaveChanged counts the logins of every way to the service.
func TestRefusedCredentialsAreSentAgainOnlyWhenTheyMayHaveChanged(t *testing.T) {
	service, server := cluster(t)
	service.Inject(simulator.Rule{Path: loginPath}, simulator.Answer(http.StatusUnauthorized, nil, ""))
	p, _, kube := pool(secret("team-a", "login", "username", "u", "password", "p"))
	clock := testclock.NewFakePassiveClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	p.Transport, p.Clock = nil, clock
	ks := keyService(server.URL, trusting(string(server.CA)), loggingIn)
	expect := func(p *Pool, logins int, when string) {
		t.Helper()
		for range 3 {
			if _, err := p.Get(t.Context(), ks); keyservice.KindOf(err) != keyservice.Unauthorized {
				t.Errorf("%s: got %v", when, err)
			}
		}
		if got := service.Calls()["POST "+loginPath]; got != logins {
			t.Errorf("%s: %d logins, want %d", when, got, logins)
		}
	}
	expect(p, 1, "at first")
	clock.SetTime(clock.Now().Add(time.Minute))
	expect(p, 2, "a minute later")
	clock.SetTime(clock.Now().Add(119 * time.Second))
	expect(p, 2, "almost two minutes after that")

	login := secret("team-a", "login", "username", "u", "password", "p")
	login.Finalizers = []string{v1alpha1.InUseFinalizer}
	must(t, kube.Update(t.Context(), login))
	expect(p, 2, "the Secret has a finalizer now")
	refused := p.Refused(ks)
	if refused == nil || refused.Count != 2 || !strings.HasPrefix(refused.Version, "1/") || !strings.Contains(refused.Message, "does not accept the username and password") {
		t.Fatalf("the status would have %+v", refused)
	}

	ks.Status.RefusedCredentials = refused
	anew := &Pool{Live: kube, SecretVersions: kube, ResyncPeriod: time.Minute, Clock: clock}
	if got := anew.Refused(ks); got != refused {
		t.Errorf("before the Secrets are read, the status would have %+v", got)
	}
	expect(anew, 2, "after a restart")
	clock.SetTime(clock.Now().Add(time.Second))
	expect(anew, 3, "after a restart, two minutes after the second")
	if refused := anew.Refused(ks); refused.Count != 3 || !refused.NextAttempt.Equal(&metav1.Time{Time: clock.Now().Add(4 * time.Minute)}) {
		t.Errorf("the status would have %+v", refused)
	}

	ks.Generation = 2
	expect(anew, 4, "the spec has changed")
	login.Data["password"] = []byte("another")
	must(t, kube.Update(t.Context(), login))
	expect(anew, 5, "the Secret has changed")
	ks.Status.RefusedCredentials = anew.Refused(ks)
	login.Data["password"] = []byte("a third")
	must(t, kube.Update(t.Context(), login))
	expect(&Pool{Live: kube, SecretVersions: kube, ResyncPeriod: time.Minute, Clock: clock}, 6, "it changed before a restart")
}

// TestTheConnectionOfAServiceInUseOutlivesItsSecret: the Secret can then be deleted and created again, and keys revoked meanwhile.
func TestTheConnectionOfAServiceInUseOutlivesItsSecret(t *testing.T) {
	p, _, kube := pool(secret("team-a", "token", "token", "t"))
	service := keyService(url)
	service.Finalizers = []string{v1alpha1.InUseFinalizer}
	before := mustGet(t, p, service)
	must(t, kube.Delete(t.Context(), secret("team-a", "token")))
	if mustGet(t, p, service) != before || p.Lost(service) == nil || p.Lost(service).Error() != "Secret team-a/token does not exist; create it with the key token" {
		t.Errorf("lost: %v", p.Lost(service))
	}
	must(t, kube.Create(t.Context(), secret("team-a", "token", "token", "t")))
	if mustGet(t, p, service) != before || p.Lost(service) != nil {
		t.Errorf("created again as it was: lost %v", p.Lost(service))
	}
	must(t, kube.Update(t.Context(), secret("team-a", "token", "token", "new")))
	if mustGet(t, p, service) == before {
		t.Error("the new token is not used")
	}
	must(t, kube.Delete(t.Context(), secret("team-a", "token")))
	service.Generation = 2
	if _, err := p.Get(t.Context(), service); err == nil {
		t.Error("a changed spec is not connected with a former Secret")
	}
	service.Finalizers = nil
	must(t, kube.Create(t.Context(), secret("team-a", "token", "token", "t")))
	mustGet(t, p, service)
	must(t, kube.Delete(t.Context(), secret("team-a", "token")))
	if _, err := p.Get(t.Context(), service); err == nil {
		t.Error("a service that no AccessKey needs is connected without its Secret")
	}
}

func TestSecretsAreExpendableIfNothingIsLostWithThem(t *testing.T) {
	clock := testclock.NewFakePassiveClock(time.Now())
	for name, test := range map[string]struct {
		token     string
		transport http.RoundTripper
		want      bool
	}{
		"a connected service":                      {"t", standIn{}, true},
		"a service that refuses the credentials":   {"t", status(http.StatusUnauthorized), true},
		"a value that cannot be used":              {" t", standIn{}, true},
		"a service that does not answer":           {"t", status(http.StatusBadGateway), false},
		"an account without the right to be asked": {"t", status(http.StatusForbidden), false},
	} {
		t.Run(name, func(t *testing.T) {
			p, _, kube := pool(secret("team-a", "token", "token", test.token))
			p.Transport, p.Clock = test.transport, clock
			expect := func(want bool, when string) {
				t.Helper()
				if got, err := p.SecretsExpendable(t.Context(), keyService(url)); got != want || err != nil {
					t.Errorf("%s: %t, %v", when, got, err)
				}
			}
			expect(false, "before it is asked for")
			_, _ = p.Get(t.Context(), keyService(url))
			expect(test.want, "after that")
			must(t, kube.Update(t.Context(), secret("team-a", "token", "token", "newer")))
			expect(false, "after a change of the Secret")
		})
	}
}

// status answers every request with this status.
type status int

func (s status) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(s), Header: http.Header{}, Body: http.NoBody, Request: request}, nil
}

func TestAConfigMapIsReadAgainAfterAMinute(t *testing.T) {
	_, server := cluster(t)
	_, another := cluster(t)
	bundle := func(certificates string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "ca"}, Data: map[string]string{"trust.pem": certificates}}
	}
	p, live, kube := pool(secret("team-a", "token", "token", "t"), bundle(string(server.CA)))
	clock := testclock.NewFakePassiveClock(time.Now())
	p.Clock = clock
	service := keyService(url, func(spec *v1alpha1.KeyServiceSpec) {
		spec.TLS = &v1alpha1.TLS{CARef: &v1alpha1.CASource{Kind: v1alpha1.CAConfigMap, Name: "ca", Key: "trust.pem"}}
	})
	before := mustGet(t, p, service)
	must(t, kube.Update(t.Context(), bundle(string(another.CA))))
	reads := live.reads
	if mustGet(t, p, service) != before || live.reads != reads {
		t.Errorf("read again at once: %d reads", live.reads-reads)
	}
	clock.SetTime(clock.Now().Add(rereadPeriod))
	if mustGet(t, p, service) == before {
		t.Error("the change was not noticed")
	}
	clock.SetTime(clock.Now().Add(rereadPeriod))
	same := mustGet(t, p, service)
	clock.SetTime(clock.Now().Add(rereadPeriod))
	if mustGet(t, p, service) != same {
		t.Error("connected again although nothing changed")
	}
}

func TestWhatIsWrongWithACAIsSaid(t *testing.T) {
	from := func(key string) func(*v1alpha1.KeyServiceSpec) {
		return func(spec *v1alpha1.KeyServiceSpec) {
			spec.TLS = &v1alpha1.TLS{CARef: &v1alpha1.CASource{Kind: v1alpha1.CAConfigMap, Name: "ca", Key: key}}
		}
	}
	ca := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "ca"}, Data: map[string]string{"ca.crt": "no certificate"}}
	for key, test := range map[string]struct {
		objects []client.Object
		want    string
	}{
		"ca.crt":    {[]client.Object{ca}, "KeyServiceInvalid the CA bundle holds no PEM certificate"},
		"trust.pem": {[]client.Object{ca}, "CredentialsNotFound ConfigMap team-a/ca has no key trust.pem, or it is empty; add it"},
		"any":       {nil, "CredentialsNotFound ConfigMap team-a/ca does not exist; create it with the key any"},
	} {
		p, _, _ := pool(append(test.objects, secret("team-a", "token", "token", "t"))...)
		_, err := p.Get(t.Context(), keyService(url, from(key)))
		e, _ := errors.AsType[*Error](err)
		if e == nil || e.Reason+" "+e.Error() != test.want {
			t.Errorf("%s: got %v, want %s", key, err, test.want)
		}
	}
}

func TestConnectionsThatAreNotNeededAreClosed(t *testing.T) {
	service, server := cluster(t)
	token := service.AddToken(time.Time{})
	p, _, _ := pool(secret("team-a", "token", "token", token))
	p.Transport = nil
	ks := keyService(server.URL, trusting(string(server.CA)))
	expect := func(want int, when string) {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second)
		for server.Connections() != want && time.Now().Before(deadline) {
			runtime.Gosched()
		}
		if got := server.Connections(); got != want {
			t.Errorf("%s: %d open connections, want %d", when, got, want)
		}
	}
	mustGet(t, p, ks)
	expect(1, "connected")
	ks.Generation = 2
	mustGet(t, p, ks)
	expect(1, "the spec has changed")
	p.Forget(client.ObjectKeyFromObject(ks))
	expect(0, "it is gone")
}

func TestWhichServicesAreTheSame(t *testing.T) {
	for _, test := range []struct {
		one, other string
		want       bool
	}{
		{"qumulo/a", "qumulo/a", true},
		{"qumulo/a", "qumulo/b", false},
		{"qumulo/a", "", true},
		{"", "", true},
		{"huawei/a", "huawei/b", false},
		{"ionos/user-1", "ionos/user-2", false},
		{"ionos/token-1", "ionos/token-2", true},
		{"ionos/user-1", "ionos/token-1", true},
		{"ontap/c1/s1", "ontap/c1/s1", true},
		{"ontap/c1/s1", "ontap/c1/s2", false},
		{"ontap/c1/s1", "ontap/c2/s1", false},
		{"ontap/c1/s1", "ontap/s1", true},
		{"ontap/s2", "ontap/c1/s1", false},
		{"qumulo/a", "ontap/a", false},
	} {
		if SameService(test.one, test.other) != test.want || SameService(test.other, test.one) != test.want {
			t.Errorf("%q and %q: want %t", test.one, test.other, test.want)
		}
	}
}

// TestAConnectionNoticesAnotherServiceAtItsAddress: a name was moved, or a cluster was created again.
func TestAConnectionNoticesAnotherServiceAtItsAddress(t *testing.T) {
	p, _, _ := pool(secret("team-a", "token", "token", "t"))
	connection := mustGet(t, p, keyService(url))
	must(t, connection.Verify(t.Context()))
	connection.Identity = "qumulo/c0"
	err := connection.Verify(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != v1alpha1.ReasonIdentityChanged || err.Error() != "qumulo/c1 answers at the address of the KeyService, where qumulo/c0 was before" {
		t.Errorf("got %v", err)
	}
}

func TestTheTimeoutIsOfTheSpec(t *testing.T) {
	p, _, _ := pool(secret("team-a", "token", "token", "t"))
	service := keyService(url)
	if got := mustGet(t, p, service); got.Timeout != 30*time.Second || got.http.Timeout != 30*time.Second {
		t.Errorf("by default %s, %s", got.Timeout, got.http.Timeout)
	}
	service.Generation, service.Spec.Timeout = 2, &metav1.Duration{Duration: 5 * time.Minute}
	if got := mustGet(t, p, service); got.Timeout != 5*time.Minute || got.http.Timeout != 5*time.Minute {
		t.Errorf("got %s, %s", got.Timeout, got.http.Timeout)
	}
}
