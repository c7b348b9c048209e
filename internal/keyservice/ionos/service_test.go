// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	cloud "accesskey.dev/operator/test/simulator/ionos"
)

func TestNewRefusesABadConfiguration(t *testing.T) {
	good := Config{URL: "https://s3.ionos.example", Token: "eyJ0", HTTP: http.DefaultClient}
	bed.ExpectConfigurations(t, good, New, map[string]func(*Config) string{
		"no URL":                 func(c *Config) string { c.URL = ""; return "" },
		"a token with a newline": func(c *Config) string { c.Token += "\n"; return "" },
		"no token":               func(c *Config) string { c.Token = ""; return "no token" },
		"a token of blanks":      func(c *Config) string { c.Token = " \n"; return "no token" },
		"a token of two lines":   func(c *Config) string { c.Token = "geheim\r\nX: y"; return "characters" },
		"no HTTP client":         func(c *Config) string { c.HTTP = nil; return "HTTP client" },
	})
}

func TestWithoutAURLItIsTheVendors(t *testing.T) {
	service, err := New(Config{Token: "t", HTTP: &http.Client{Transport: bed.RoundTripper(func(r *http.Request) (*http.Response, error) {
		if got := r.URL.String(); got != "https://s3.ionos.com/accesskeys?limit=100&offset=0" || r.Header.Get("Authorization") != "Bearer t" {
			t.Errorf("sent to %s with %v", got, r.Header)
		}
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = service.List(t.Context(), "")
	expectKind(t, err, keyservice.Unavailable, "503")
}

func TestProbeProvesTheToken(t *testing.T) {
	b := newBed(t, cloud.Options{PageSize: 1})
	b.makeKeys(t, 2)
	if version, err := b.Probe(t.Context()); err != nil || version != "IONOS Object Storage Management API 0.1.0" {
		t.Errorf("got %q, %v", version, err)
	}
	b.calls(t, getKeys, 1)
	_, err := b.connect(t, "wrong").Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "check credentials: ", "the token is wrong or has ended")
}

func TestErrorsOfOtherFormsAreRead(t *testing.T) {
	for body, want := range map[string]string{
		`{"httpStatus":400}`: "no explanation in the answer",
		`{"httpStatus":"x","messages":{"message":"no array"}}`: "",
		`{"messages":[]}`:                                 "",
		`{"messages":[{},{"message":"b"},null]}`:          "b",
		`{"messages":[{"errorCode":"a"},{"message":""}]}`: "a",
		`"text"`: "",
		`null`:   "",
		``:       "",
	} {
		if got := decodeProblem([]byte(body)).String(); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestTheUserIsReadFromTheToken(t *testing.T) {
	token := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	padded := "e30." + base64.URLEncoding.EncodeToString([]byte(`{"sub":"b"}`)) + ".c2ln"
	for text, want := range map[string]string{
		token(`{"identity":{"uuid":"0F00-1","contractNumber":31871865},"sub":"x"}`): "0f00-1",
		token(`{"identity":{"uuid":""},"sub":"a"}`):                                 "a",
		token(`{"identity":"odd","sub":"a"}`):                                       "a",
		padded:                                                                      "b",
	} {
		if got := userOf(text); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	seen := map[string]bool{}
	for _, odd := range []string{"", "opaque", "a.b", "a.!.c", token("[]"), token("{}"), token(`{"sub":{}}`)} {
		user := userOf(odd)
		if !strings.HasPrefix(user, "token-") || seen[user] || odd != "" && strings.Contains(user, odd) {
			t.Errorf("%q: got %q", odd, user)
		}
		seen[user] = true
	}
}
