// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package vendorclients

import (
	"bytes"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"

	"accesskey.dev/operator/internal/keyservice"
	backend "accesskey.dev/operator/internal/keyservice/huawei"
	account "accesskey.dev/operator/test/simulator/huawei"
)

// recorder keeps what the backend sends.
type recorder struct {
	next     http.RoundTripper
	requests []*http.Request
	bodies   []string
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		read, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		body = read
	}
	r.requests, r.bodies = append(r.requests, request), append(r.bodies, string(body))
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	return r.next.RoundTrip(request)
}

func TestTheBackendSignsAsTheSDKDoes(t *testing.T) {
	service, url, transport := serve(t, account.Options{PageSize: 1})
	sent := &recorder{next: transport}
	keys, err := backend.New(backend.Config{
		URL: url, DomainID: account.DefaultDomainID, AccessKeyID: account.DefaultAccessKeyID,
		SecretAccessKey: account.DefaultSecretAccessKey, HTTP: &http.Client{Transport: sent}, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	useAll(t, service, keys)
	methods := map[string]bool{}
	for i, original := range sent.requests {
		methods[original.Method] = true
		name := original.Method + " " + original.URL.RequestURI()
		if got, want := original.Header.Get("Authorization"), vendorSignature(t, original, sent.bodies[i]); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
	}
	if len(methods) != 4 {
		t.Errorf("only %v were sent", methods)
	}
}

// useAll makes the backend send every call that it knows, pages included.
func useAll(t *testing.T, service *account.Simulator, keys *backend.Service) {
	t.Helper()
	service.AddUser("alice")
	if _, err := keys.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	made, err := keys.Create(t.Context(), "alice", keyservice.CreateRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Create(t.Context(), "alice", keyservice.CreateRequest{}); err != nil {
		t.Fatal(err)
	}
	if listed, err := keys.List(t.Context(), "alice"); err != nil || len(listed) != 2 {
		t.Fatalf("got %v, %v", listed, err)
	}
	if _, err := keys.LastUsed(t.Context(), "alice", made.ID); err != nil {
		t.Fatal(err)
	}
	if err := keys.Disable(t.Context(), "alice", made.ID); err != nil {
		t.Fatal(err)
	}
	if err := keys.Delete(t.Context(), "alice", made.ID); err != nil {
		t.Fatal(err)
	}
}

// vendorSignature signs the same request with the vendor's signer: its method, path, query and body, and the headers that
// the backend signed, the date among them.
func vendorSignature(t *testing.T, original *http.Request, body string) string {
	t.Helper()
	builder := request.NewHttpRequestBuilder().WithEndpoint("https://"+original.URL.Host).
		WithMethod(original.Method).WithPath(original.URL.Path).WithBody("", body).
		AddHeaderParam("Host", original.URL.Host)
	for name, values := range original.URL.Query() {
		builder.AddQueryParam(name, reflect.ValueOf(values))
	}
	for _, name := range []string{"X-Domain-Id", "X-Sdk-Date"} {
		builder.AddHeaderParam(name, original.Header.Get(name))
	}
	headers, err := signer.Sign(builder.Build(), account.DefaultAccessKeyID, account.DefaultSecretAccessKey)
	if err != nil {
		t.Fatal(err)
	}
	return headers["Authorization"]
}
