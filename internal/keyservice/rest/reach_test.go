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

func TestLook(t *testing.T) {
	var asked []*http.Request
	server := testbed.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	trusting := rest.TransportConfig{CABundle: server.CA}
	look := func(address string, config rest.TransportConfig) rest.Reach {
		found, err := rest.Look(t.Context(), address, config, later)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}

	good := look(server.URL, trusting)
	if good.Err != nil || good.Distrust != nil || good.Certificate == nil || good.Host != "127.0.0.1" {
		t.Errorf("a refusal is an answer: %+v", good)
	}
	if ahead := good.Date.Sub(good.At); ahead > -55*time.Second || ahead < -65*time.Second {
		t.Errorf("the service is %s ahead of this clock, want a minute behind", ahead)
	}
	if len(asked) != 1 || asked[0].Method != http.MethodHead || asked[0].Header.Get("Authorization") != "" {
		t.Errorf("sent %v", asked)
	}
	for name, config := range map[string]rest.TransportConfig{
		"unknown authority":           {},
		"not valid for other.example": {CABundle: server.CA, ServerName: "other.example"},
	} {
		found := look(server.URL, config)
		if found.Distrust == nil || !strings.Contains(found.Distrust.Error(), name) || found.Certificate == nil || found.Err != nil {
			t.Errorf("%s: got %+v", name, found)
		}
	}
	if found := look(server.URL, rest.TransportConfig{InsecureSkipVerify: true}); found.Distrust != nil || !found.Skipped {
		t.Errorf("nothing is verified: %+v", found)
	}
	if found := look("https://qumulo.storage.svc.cluster.local", trusting); found.Err == nil || !found.InCluster() {
		t.Errorf("the name of a Service: %+v", found)
	}
	server.Close() //nolint:errcheck // it is closed again at the end
	if found := look(server.URL, trusting); found.Err == nil || !strings.Contains(found.Err.Error(), "cannot dial") || found.Certificate != nil {
		t.Errorf("nobody answers: %+v", found)
	}
	for _, address := range []string{"", "://", "https://"} {
		if _, err := rest.Look(t.Context(), address, trusting, later); err == nil {
			t.Errorf("%q is no address", address)
		}
	}
	if _, err := rest.Look(t.Context(), server.URL, rest.TransportConfig{CABundle: []byte("no PEM")}, later); err == nil {
		t.Error("a CA bundle without a certificate is an error")
	}
}

func TestAnExpiredCertificateIsDistrusted(t *testing.T) {
	server := testbed.Serve(t, http.NotFoundHandler())
	found, err := rest.Look(t.Context(), server.URL, rest.TransportConfig{CABundle: server.CA}, func() time.Time { return time.Now().AddDate(10, 0, 0) })
	if err != nil || found.Distrust == nil || !strings.Contains(found.Distrust.Error(), "is valid from") {
		t.Errorf("got %+v, %v", found, err)
	}
}
