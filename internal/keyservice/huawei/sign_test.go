// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The signatures are those of the vendor's SDK for the same requests; test/vendorclients compares live.
func TestTheSignatureIsThatOfTheVendor(t *testing.T) {
	s := &signer{domainID: "domain", accessKeyID: "AK", secret: "SK", now: func() time.Time { return start }}
	for name, test := range map[string]struct{ method, url, body, signature string }{
		"of a list":         {"GET", "https://iam.example/v5/users?limit=200&marker=a%2Bb%2F%3D", "", "a5d17298ad4715f43bdb3c7830be2666a0619f26993b63c5548d58d3f1421d74"},
		"of a create":       {"POST", "https://iam.example/v5/users/0123/access-keys", "", "328a37e329716e919e2933433fccd3736e9cc4f0f5f7d52b24f4459cea67c1bb"},
		"of a change":       {"PUT", "https://iam.example:8443/v5/users/0123/access-keys/AK", `{"status":"inactive"}`, "0e65bedcb4c1d7fc0b9bf7b80e37a3259b7d654cb5db9b051b1ff6ceaf0d516f"},
		"of odd characters": {"DELETE", "https://iam.example/v5/a%20b/c~d/%C3%A4/?z=1&a=2&a=1&e=&%C3%A4=*", "", "e9cfa15b9358a48816b998568d2eb3a0a0108a25523ab9dffacc2a07b19ffbb7"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), test.method, test.url, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			s.sign(request)
			want := "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-domain-id;x-sdk-date, Signature=" + test.signature
			if got := request.Header.Get("Authorization"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if request.Header.Get("X-Sdk-Date") != "20260301T120000Z" || request.Header.Get("X-Domain-Id") != "domain" {
				t.Errorf("got %v", request.Header)
			}
			if body, err := io.ReadAll(request.Body); err != nil || string(body) != test.body {
				t.Errorf("the body is %q, %v", body, err)
			}
		})
	}
}
