// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
)

func TestACABundleWithoutACertificateIsRefused(t *testing.T) {
	for name, bundle := range map[string][]byte{
		"empty":  {},
		"no PEM": []byte("MIIB"),
		"a key":  []byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := rest.NewHTTPClient(rest.TransportConfig{CABundle: bundle}); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestTheOperatorNamesItself(t *testing.T) {
	b := newBed(t)
	var agent, protocol string
	b.Inject(simulator.Rule{}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		agent, protocol = r.UserAgent(), r.Proto
		next.ServeHTTP(w, r)
	})
	if _, err := b.send(t.Context(), t, safe); err != nil {
		t.Fatal(err)
	}
	if agent != "accesskey-operator" || protocol != "HTTP/1.1" {
		t.Errorf("got %q by %s", agent, protocol)
	}
}

func TestTheRateLimitHoldsRequestsBack(t *testing.T) {
	b := newBed(t)
	client, err := rest.NewHTTPClient(rest.TransportConfig{CABundle: b.server.CA, QPS: 0.001, Burst: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	if _, err := send(t.Context(), client, unsafe, b.server.URL); err != nil {
		t.Fatal(err)
	}
	_, err = send(t.Context(), client, unsafe, b.server.URL) // refused at once, since the client's timeout comes before its turn
	expectKind(t, err, unsafe, keyservice.Unavailable, "waiting for the KeyService's rateLimit")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = send(ctx, client, unsafe, b.server.URL)
	expectKind(t, err, unsafe, keyservice.Unavailable, "canceled")
	if calls := b.Calls()[simulator.Unmatched]; calls != 1 {
		t.Errorf("%d requests went out", calls)
	}
}

func TestAServiceThatThrottlesIsAskedMoreSlowlyAndWithoutBursts(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		slower bool
	}{
		"429":                      {simulator.Throttle(""), true},
		"429 with a Retry-After":   {simulator.Throttle("1"), true},
		"403 in words":             {simulator.Answer(403, nil, `{"Code":"Throttling","Text":"Rate exceeded"}`), true},
		"503 with a Retry-After":   {simulator.Answer(503, http.Header{"Retry-After": {"1"}}, ""), true},
		"503":                      {simulator.Answer(503, nil, ""), false},
		"403":                      {simulator.Answer(403, nil, ""), false},
		"500 without a connection": {simulator.Drop(), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			client, err := rest.NewHTTPClient(rest.TransportConfig{CABundle: b.server.CA, QPS: 0.9, Burst: 5})
			if err != nil {
				t.Fatal(err)
			}
			defer client.CloseIdleConnections()
			b.Inject(simulator.Rule{}.Once(), test.effect)
			_, _ = send(t.Context(), client, unsafe, b.server.URL)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second) // less than a request takes to come to its turn
			defer cancel()
			for range 3 {
				_, err = send(ctx, client, unsafe, b.server.URL)
			}
			if slower := err != nil; slower != test.slower {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRequestsAreCountedByOperationAndStatus(t *testing.T) {
	b := newBed(t)
	before := metrics(t)
	b.Inject(simulator.Rule{}.Once(), simulator.Throttle("1"))
	b.Inject(simulator.Rule{}.Once(), simulator.Drop())
	b.Inject(simulator.Rule{}.Once(), simulator.Answer(799, nil, ""))
	for range 4 {
		_, _ = b.send(t.Context(), t, rest.Request{Op: "counted", Method: http.MethodPost})
	}
	after := metrics(t)
	for labels, want := range map[string]float64{
		"accesskey_service_requests_total test 429 counted":       1,
		"accesskey_service_requests_total test none counted":      1,
		"accesskey_service_requests_total test other counted":     1,
		"accesskey_service_requests_total test 200 counted":       1,
		"accesskey_service_request_duration_seconds test counted": 4,
	} {
		if got := after[labels] - before[labels]; got != want {
			t.Errorf("%s: %v, want %v", labels, got, want)
		}
	}
}

// metrics returns the counts, by name and label values.
func metrics(t *testing.T) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(rest.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			words := []string{family.GetName()}
			for _, label := range metric.GetLabel() {
				words = append(words, label.GetValue())
			}
			counts[strings.Join(words, " ")] = metric.GetCounter().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		}
	}
	return counts
}

func TestAnExpiredCertificateIsReportedWithTheSameTextEachTime(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server, ca := serveTLS(t, config, nil)
	_, err = send(t.Context(), newClient(t, rest.TransportConfig{CABundle: ca}), unsafe, server.URL)
	expectKind(t, err, unsafe, keyservice.Unavailable, "valid from 2020-01-01T00:00:00Z to 2021-01-01T00:00:00Z only")
	if strings.Contains(err.Error(), "current time") {
		t.Errorf("the text changes with time: %v", err)
	}
}

func TestACertificateWithOtherNamesIsReportedWithItsNames(t *testing.T) {
	b := newBed(t)
	for name, want := range map[string]string{
		"":                "",
		simulator.Host:    "",
		"a.example":       "the service's certificate is not valid for a.example, but for " + simulator.Host + ", 127.0.0.1; use one of these names in the KeyService's url, or set its tls.serverName to one of them",
		"sub.service.org": "not valid for sub.service.org, but for " + simulator.Host,
	} {
		client := newClient(t, rest.TransportConfig{CABundle: b.server.CA, ServerName: name})
		_, err := send(t.Context(), client, unsafe, b.server.URL)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		expectKind(t, err, unsafe, keyservice.Unavailable, want)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	b, elsewhere := newBed(t), newBed(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		lift := b.Inject(simulator.Rule{}, simulator.Answer(status, http.Header{"Location": {elsewhere.server.URL}}, ""))
		_, err := b.send(t.Context(), t, unsafe)
		lift()
		if refused, ok := rest.Refused(err); !ok || refused.Status != status {
			t.Errorf("%d: got %v", status, err)
		}
	}
	if calls := elsewhere.Calls(); len(calls) != 0 {
		t.Errorf("the request went elsewhere: %v", calls)
	}
}
