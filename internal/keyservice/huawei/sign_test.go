// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	account "accesskey.dev/operator/test/simulator/huawei"
)

// signed is what the signer passes on of a request.
func signed(t *testing.T, request *http.Request) *http.Request {
	t.Helper()
	var passed *http.Request
	s := &signer{
		domainID: "domain", accessKeyID: "AK", secret: "SK", now: func() time.Time { return start },
		next: bed.RoundTripper(func(r *http.Request) (*http.Response, error) {
			passed = r
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		}),
	}
	response, err := s.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return passed
}

func newRequest(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// The signatures are those of the vendor's SDK for the same requests; test/vendorclients compares live.
func TestTheSignatureIsThatOfTheVendor(t *testing.T) {
	for name, test := range map[string]struct{ method, url, body, signature string }{
		"of a list":         {"GET", "https://iam.example/v5/users?limit=200&marker=a%2Bb%2F%3D", "", "a5d17298ad4715f43bdb3c7830be2666a0619f26993b63c5548d58d3f1421d74"},
		"of a create":       {"POST", "https://iam.example/v5/users/0123/access-keys", "", "328a37e329716e919e2933433fccd3736e9cc4f0f5f7d52b24f4459cea67c1bb"},
		"of a change":       {"PUT", "https://iam.example:8443/v5/users/0123/access-keys/AK", `{"status":"inactive"}`, "0e65bedcb4c1d7fc0b9bf7b80e37a3259b7d654cb5db9b051b1ff6ceaf0d516f"},
		"of odd characters": {"DELETE", "https://iam.example/v5/a%20b/c~d/%C3%A4/?z=1&a=2&a=1&e=&%C3%A4=*", "", "e9cfa15b9358a48816b998568d2eb3a0a0108a25523ab9dffacc2a07b19ffbb7"},
	} {
		t.Run(name, func(t *testing.T) {
			passed := signed(t, newRequest(t, test.method, test.url, test.body))
			want := "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-domain-id;x-sdk-date, Signature=" + test.signature
			if got := passed.Header.Get("Authorization"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if passed.Header.Get("X-Sdk-Date") != "20260301T120000Z" || passed.Header.Get("X-Domain-Id") != "domain" {
				t.Errorf("got %v", passed.Header)
			}
			if body, err := io.ReadAll(passed.Body); err != nil || string(body) != test.body {
				t.Errorf("the body is %q, %v", body, err)
			}
		})
	}
}

func TestSigningLeavesTheRequestAndItsContextAlone(t *testing.T) {
	type key struct{}
	request := newRequest(t, "GET", "https://iam.example/v5/users", "")
	request = request.WithContext(context.WithValue(t.Context(), key{}, "value"))
	passed := signed(t, request)
	if len(request.Header) != 0 {
		t.Errorf("the header is now %v", request.Header)
	}
	if passed.Context().Value(key{}) != "value" {
		t.Error("the context is lost")
	}
	request.Host = "other.example"
	if signed(t, request).Header.Get("Authorization") == passed.Header.Get("Authorization") {
		t.Error("the host is not signed")
	}
}

type brokenBody struct{ closed bool }

func (b *brokenBody) Read([]byte) (int, error) { return 0, errors.New("broken") }

func (b *brokenBody) Close() error {
	b.closed = true
	return nil
}

func TestABodyThatCannotBeReadIsNotSent(t *testing.T) {
	body := &brokenBody{}
	request := newRequest(t, "PUT", "https://iam.example/v5/users", "")
	request.Body = body
	client := &http.Client{Transport: &signer{now: time.Now}}
	response, err := client.Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "broken") || !body.closed {
		t.Errorf("got %v; closed: %t", err, body.closed)
	}
}

func TestWhatASignatureCoversCannotBeChangedOnTheWay(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(r *http.Request)
		accepted bool
	}{
		"the method":                   {func(r *http.Request) { r.Method = http.MethodDelete }, false},
		"the path":                     {func(r *http.Request) { r.URL.Path += "X" }, false},
		"the query":                    {func(r *http.Request) { r.URL.RawQuery = "limit=1" }, false},
		"the body":                     {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"status":"active"}`)) }, false},
		"the host":                     {func(r *http.Request) { r.Host = "other.example" }, false},
		"the account":                  {func(r *http.Request) { r.Header.Set("X-Domain-Id", "other") }, false},
		"the date":                     {func(r *http.Request) { r.Header.Set("X-Sdk-Date", "20260301T120001Z") }, false},
		"but a proxy may name itself":  {func(r *http.Request) { r.Header.Set("User-Agent", "proxy") }, true},
		"but a proxy may add a header": {func(r *http.Request) { r.Header.Set("Via", "1.1 proxy") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			pair := b.makeKey(t, "alice")
			b.account.Inject(anyUpdate, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				test.change(r)
				next.ServeHTTP(w, r)
			})
			err := b.Disable(t.Context(), b.alice, pair.ID)
			if accepted := err == nil; accepted != test.accepted {
				t.Errorf("got %v", err)
			}
			if !test.accepted && keyservice.KindOf(err) != keyservice.Unauthorized {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnotherDomainIsRefused(t *testing.T) {
	b := newBed(t, account.Options{DomainID: "another"})
	_, err := b.Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "domain ID", "the KeyService's domainID")
}
