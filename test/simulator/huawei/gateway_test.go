// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator/simtest"
)

func TestSignatureMayCoverAnyHeaders(t *testing.T) {
	for name, signed := range map[string]string{
		"as in the signing guide":           "content-type;host;x-sdk-date",
		"as in the Terraform provider":      "accept;user-agent;x-sdk-date",
		"a header that the request has not": "x-absent;x-sdk-date",
	} {
		b := newBed(Options{})
		request := b.request("PUT " + aliceKeys + `/x {"status":"active"}`)
		request.Header.Set("Content-Type", "application/json")
		if got := b.send(request, DefaultAccessKeyID, DefaultSecretAccessKey, signed); got.Status != 404 {
			t.Errorf("%s: got %s", name, got.Body)
		}
		if strings.Contains(signed, "user-agent") {
			request.Header.Set("User-Agent", "a proxy")
			simtest.Send(b, request).Expect(t, 401, "APIGW.0301", "verify aksk signature fail")
		}
	}
}

func TestGatewayRejectsInvalidSignatures(t *testing.T) {
	const good = "host;x-domain-id;x-sdk-date"
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	replace := func(old, replacement string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), old, replacement))
		}
	}
	for name, test := range map[string]struct {
		change func(r *http.Request) // after signing
		signed string
		words  string
	}{
		"no signature":                     {set("Authorization", ""), good, "decrypt token fail"},
		"a bearer token":                   {set("Authorization", "Bearer x"), good, "decrypt token fail"},
		"another algorithm":                {replace("SDK-HMAC-SHA256", "AWS4-HMAC-SHA256"), good, "decrypt token fail"},
		"no spaces after commas":           {replace(", ", ","), good, "decrypt token fail"},
		"an unknown key":                   {replace(DefaultAccessKeyID, "HPUAX"), good, "Get secretKey failed,ak:HPUAX,err:ak not exist"},
		"another query":                    {func(r *http.Request) { r.URL.RawQuery = "limit=2" }, good, "verify aksk"},
		"another path":                     {func(r *http.Request) { r.URL.Path = "/v5/users/x/access-keys" }, good, "verify aksk"},
		"another host":                     {func(r *http.Request) { r.Host = "x" }, good, "verify aksk"},
		"another domain":                   {set("X-Domain-Id", "x"), good, "verify aksk"},
		"another date":                     {set("X-Sdk-Date", "20260301T120001Z"), good, "verify aksk"},
		"no date":                          {set("X-Sdk-Date", ""), good, "verify aksk"},
		"another date format":              {set("X-Sdk-Date", "2026-03-01T12:00:00Z"), good, "verify aksk"},
		"a wrong hash of the body":         {set("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD"), good, "verify aksk"},
		"a date that is not signed":        {func(*http.Request) {}, "host;x-domain-id", "verify aksk"},
		"signed headers that are unsorted": {func(*http.Request) {}, "x-sdk-date;host", "verify aksk"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(Options{})
			request := b.request("GET /v5/users?limit=1")
			b.send(request, DefaultAccessKeyID, DefaultSecretAccessKey, test.signed)
			test.change(request)
			simtest.Send(b, request).Expect(t, 401, "APIGW.0301", "Incorrect IAM authentication information: ", test.words)
		})
	}
}

func TestDomainIDIsRequired(t *testing.T) {
	for _, test := range []struct {
		optional bool
		domain   string // not signed
		status   int
	}{{false, "", 401}, {true, "", 200}, {false, "x", 401}, {true, "x", 401}, {false, DefaultDomainID, 200}} {
		b := newBed(Options{DomainIDOptional: test.optional})
		request := b.request("GET /v5/users")
		request.Header.Set("X-Domain-Id", test.domain)
		if got := b.send(request, DefaultAccessKeyID, DefaultSecretAccessKey, "x-sdk-date"); got.Status != test.status {
			t.Errorf("%+v: got %d %s", test, got.Status, got.Body)
		}
	}
}

func TestSixConsecutiveInvalidSignaturesLockAKeyForFiveMinutes(t *testing.T) {
	b := newBed(Options{})
	pair, secret := b.make(t)
	fail := func(times int) {
		for range times {
			b.send(b.request("GET /v5/users"), DefaultAccessKeyID, "wrong", "x-sdk-date").Expect(t, 401, "APIGW.0301", "verify aksk")
		}
	}
	fail(5)
	b.call("GET /v5/users").Expect(t, 200, "")
	fail(6)
	b.call("GET /v5/users").Expect(t, 401, "APIGW.0301", "AK access failed to reach the limit,forbidden")
	b.send(b.request("GET /v5/users"), pair.ID, secret, "x-sdk-date").Expect(t, 403, "PAP5.0001") // another key is not locked, and its user has no permissions
	b.clock.Pass(5*time.Minute - 1)
	b.call("GET /v5/users").Expect(t, 401, "APIGW.0301", "AK access failed")
	b.clock.Pass(1)
	fail(5)
	b.call("GET /v5/users").Expect(t, 200, "")
}

func TestGatewayRejectsDatesThatAreFarOff(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		offset  time.Duration
		code    string
		locks   bool
	}{
		"15 minutes behind":            {Options{}, -15 * time.Minute, "", false},
		"more than 15 minutes behind":  {Options{}, -15*time.Minute - time.Second, "APIGW.0301", true},
		"15 minutes ahead":             {Options{}, 15 * time.Minute, "", false},
		"more than 15 minutes ahead":   {Options{}, 15*time.Minute + time.Second, "APIGW.0301", true},
		"with another code":            {Options{SkewCode: "APIGW.0303"}, time.Hour, "APIGW.0303", true},
		"with a smaller allowed skew":  {Options{Skew: time.Minute}, 2 * time.Minute, "APIGW.0301", true},
		"without counting as failures": {Options{SkewUncounted: true}, time.Hour, "APIGW.0301", false},
	} {
		b := newBed(test.options)
		now := simtest.Start.Truncate(time.Second)
		b.clock.SetTime(now)
		for range 6 {
			request := b.request("GET /v5/users")
			request.Header.Set("X-Sdk-Date", now.Add(test.offset).Format(dateFormat))
			got := b.send(request, DefaultAccessKeyID, DefaultSecretAccessKey, "x-sdk-date")
			if (got.Status == 200) != (test.code == "") || got.Text("error_code") != test.code || got.Header.Get("Date") != "Sun, 01 Mar 2026 12:00:00 GMT" {
				t.Errorf("%s: got %d %s", name, got.Status, got.Body)
			}
		}
		if locked := b.call("GET /v5/users").Status == 401; locked != test.locks {
			t.Errorf("%s: locked: %t", name, locked)
		}
	}
	if got := newBed(Options{NoDate: true}).call("GET /v5/users"); got.Header.Get("Date") != "" {
		t.Errorf("got %v", got.Header)
	}
}

func TestRequestsPerSecondAreLimited(t *testing.T) {
	b := newBed(Options{RateLimit: 2, RetryAfter: "3"})
	b.call("GET /v5/users").Expect(t, 200, "")
	b.call("GET /v5/users").Expect(t, 200, "")
	limited := b.call("GET /v5/users")
	limited.Expect(t, 429, "APIGW.0308", "policy user over ratelimit,limit:2,time:1 second")
	if limited.Header.Get("Retry-After") != "3" {
		t.Errorf("got %v", limited.Header)
	}
	b.clock.Pass(time.Second)
	b.call("GET /v5/users").Expect(t, 200, "")
}
