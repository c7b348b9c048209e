// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice/rest"
	testbed "accesskey.dev/operator/test/bed"
)

// later is the local time of the tests, at which the certificate of the server is valid.
func later() time.Time { return time.Now().Add(time.Minute) }

// look asks an address, and fails the test if that cannot be done.
func look(t *testing.T, address string, config rest.TransportConfig) rest.Reach {
	t.Helper()
	found, err := rest.Look(t.Context(), address, config, later)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestARefusalIsAnAnswer(t *testing.T) {
	var asked []*http.Request
	server := testbed.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	found := look(t, server.URL, rest.TransportConfig{CABundle: server.CA})
	if found.Err != nil || found.Distrust != nil || found.Certificate == nil || found.Host != "127.0.0.1" {
		t.Errorf("got %+v", found)
	}
	if ahead := found.Date.Sub(found.At); ahead > -55*time.Second || ahead < -65*time.Second {
		t.Errorf("the service is %s ahead of this clock, want a minute behind", ahead)
	}
	if len(asked) != 1 || asked[0].Method != http.MethodHead || asked[0].Header.Get("Authorization") != "" {
		t.Errorf("sent %v", asked)
	}
}

func TestDistrust(t *testing.T) {
	server := testbed.Serve(t, http.NotFoundHandler())
	for want, config := range map[string]rest.TransportConfig{
		"unknown authority":           {},
		"not valid for other.example": {CABundle: server.CA, ServerName: "other.example"},
	} {
		found := look(t, server.URL, config)
		if found.Distrust == nil || !strings.Contains(found.Distrust.Error(), want) || found.Certificate == nil || found.Err != nil {
			t.Errorf("%s: got %+v", want, found)
		}
	}
	if found := look(t, server.URL, rest.TransportConfig{InsecureSkipVerify: true}); found.Distrust != nil || !found.Skipped {
		t.Errorf("nothing is verified: %+v", found)
	}
	if _, err := rest.Look(t.Context(), server.URL, rest.TransportConfig{CABundle: []byte("no PEM")}, later); err == nil {
		t.Error("a CA bundle without a certificate is an error")
	}
}

func TestNobodyAnswers(t *testing.T) {
	if found := look(t, "https://qumulo.storage.svc.cluster.local", rest.TransportConfig{}); found.Err == nil || !found.InCluster() {
		t.Errorf("the name of a Service: %+v", found)
	}
	server := testbed.Serve(t, http.NotFoundHandler())
	server.Close() //nolint:errcheck // it is closed again at the end
	if found := look(t, server.URL, rest.TransportConfig{}); found.Err == nil || found.Certificate != nil {
		t.Errorf("nobody answers: %+v", found)
	}
	for _, address := range []string{"", "://", "https://"} {
		if _, err := rest.Look(t.Context(), address, rest.TransportConfig{}, later); err == nil {
			t.Errorf("%q is no address", address)
		}
	}
}

func TestAnExpiredCertificateIsDistrusted(t *testing.T) {
	server := testbed.Serve(t, http.NotFoundHandler())
	found, err := rest.Look(t.Context(), server.URL, rest.TransportConfig{CABundle: server.CA}, func() time.Time { return time.Now().AddDate(10, 0, 0) })
	if err != nil || found.Distrust == nil || !strings.Contains(found.Distrust.Error(), "is valid from") {
		t.Errorf("got %+v, %v", found, err)
	}
}
