// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAKeyOfAnotherUserSignsButMayDoNothing(t *testing.T) {
	b := newBed(Options{})
	pair, secret, err := b.MakeKey("alice")
	if err != nil {
		t.Fatal(err)
	}
	b.send(b.request("GET /v5/users"), pair.ID, secret, "x-sdk-date").expect(t, 403, "PAP5.0001")
	second, secret, err := b.MakeKey(OperatorName)
	if err != nil {
		t.Fatal(err)
	}
	b.send(b.request("GET /v5/users"), second.ID, secret, "x-sdk-date").expect(t, 200, "")
}

func TestWhateverHeadersASignatureCoversAreVerified(t *testing.T) {
	for name, signed := range map[string]string{
		"those of the signing guide":      "content-type;host;x-sdk-date",
		"those of the vendor's SDK":       "user-agent;x-domain-id;x-sdk-date",
		"those of the Terraform provider": "accept;user-agent;x-sdk-date",
		"the date alone":                  "x-sdk-date",
		"one that is not there":           "x-absent;x-sdk-date",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(Options{})
			request := b.request("PUT " + aliceKeys + `/x {"status":"active"}`)
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Accept", "*/*")
			b.send(request, DefaultAccessKeyID, DefaultSecretAccessKey, signed).expect(t, 404, "IAM.0004")
			if strings.Contains(signed, "user-agent") {
				request.Header.Set("User-Agent", "a proxy")
				b.serve(request).expect(t, 401, "APIGW.0301", "verify aksk signature fail")
			}
		})
	}
}

// The signature is the vendor's signer's, as in the backend's tests.
func TestASignatureOfTheVendorIsVerified(t *testing.T) {
	for signature, status := range map[string]int{
		"a5d17298ad4715f43bdb3c7830be2666a0619f26993b63c5548d58d3f1421d74": 400, // the marker is nobody's
		"a5d17298ad4715f43bdb3c7830be2666a0619f26993b63c5548d58d3f1421d75": 401,
	} {
		b := newBed(Options{DomainID: "domain", AccessKeyID: "AK", SecretAccessKey: "SK"})
		request := b.request("GET https://iam.example/v5/users?limit=200&marker=a%2Bb%2F%3D")
		request.Header.Set("Authorization", "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-domain-id;x-sdk-date, Signature="+signature)
		if got := b.serve(request); got.status != status {
			t.Errorf("got %d %s", got.status, got.body)
		}
	}
}

func TestSignaturesThatTheGatewayRefuses(t *testing.T) {
	const good = "host;x-domain-id;x-sdk-date"
	for name, test := range map[string]struct {
		change func(r *http.Request) // after the signing
		signed string
		words  string
	}{
		"none":                        {func(r *http.Request) { r.Header.Del("Authorization") }, good, "decrypt token fail"},
		"a bearer token":              {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, good, "decrypt token fail"},
		"another algorithm":           {replaceAuthorization("SDK-HMAC-SHA256", "AWS4-HMAC-SHA256"), good, "decrypt token fail"},
		"no blanks after the commas":  {replaceAuthorization(", ", ","), good, "decrypt token fail"},
		"an unknown key":              {replaceAuthorization(DefaultAccessKeyID, "HPUAX"), good, "Get secretKey failed,ak:HPUAX,err:ak not exist"},
		"another query":               {func(r *http.Request) { r.URL.RawQuery = "limit=2" }, good, "verify aksk"},
		"another path":                {func(r *http.Request) { r.URL.Path = "/v5/users/x/access-keys" }, good, "verify aksk"},
		"another host":                {func(r *http.Request) { r.Host = "x" }, good, "verify aksk"},
		"another domain":              {func(r *http.Request) { r.Header.Set("X-Domain-Id", "x") }, good, "verify aksk"},
		"another date":                {func(r *http.Request) { r.Header.Set("X-Sdk-Date", "20260301T120001Z") }, good, "verify aksk"},
		"no date":                     {func(r *http.Request) { r.Header.Del("X-Sdk-Date") }, good, "verify aksk"},
		"a date in another form":      {func(r *http.Request) { r.Header.Set("X-Sdk-Date", "2026-03-01T12:00:00Z") }, good, "verify aksk"},
		"a body's hash that is wrong": {func(r *http.Request) { r.Header.Set("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD") }, good, "verify aksk"},
		"the date not covered":        {func(*http.Request) {}, "host;x-domain-id", "verify aksk"},
		"headers that are not sorted": {func(*http.Request) {}, "x-sdk-date;host", "verify aksk"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(Options{})
			request := b.request("GET /v5/users?limit=1")
			b.send(request, DefaultAccessKeyID, DefaultSecretAccessKey, test.signed)
			test.change(request)
			b.serve(request).expect(t, 401, "APIGW.0301", "Incorrect IAM authentication information: ", test.words)
		})
	}
}

func replaceAuthorization(old, replacement string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), old, replacement))
	}
}

func TestTheDomainIsAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		domain  string
		status  int
	}{
		"none":                       {Options{}, "", 401},
		"none where it is optional":  {Options{DomainIDOptional: true}, "", 200},
		"a wrong one":                {Options{}, "x", 401},
		"a wrong one, even optional": {Options{DomainIDOptional: true}, "x", 401},
		"the right one, unsigned":    {Options{}, DefaultDomainID, 200},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(test.options)
			request := b.request("GET /v5/users")
			request.Header.Del("X-Domain-Id")
			if test.domain != "" {
				request.Header.Set("X-Domain-Id", test.domain)
			}
			if got := b.send(request, DefaultAccessKeyID, DefaultSecretAccessKey, "x-sdk-date"); got.status != test.status {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
}

func TestSixBadSignaturesInARowLockAKeyForFiveMinutes(t *testing.T) {
	b := newBed(Options{})
	bad := func(times int) {
		for range times {
			b.send(b.request("GET /v5/users"), DefaultAccessKeyID, "wrong", "x-sdk-date").expect(t, 401, "APIGW.0301", "verify aksk")
		}
	}
	bad(5)
	b.call("GET /v5/users").expect(t, 200, "")
	bad(6)
	if !b.Locked(DefaultAccessKeyID) || b.Locked("another") {
		t.Error("the key is not locked, or another one is")
	}
	b.call("GET /v5/users").expect(t, 401, "APIGW.0301", "AK access failed to reach the limit,forbidden")
	b.pass(5*time.Minute - 1)
	b.call("GET /v5/users").expect(t, 401, "APIGW.0301", "AK access failed")
	b.pass(1)
	bad(5)
	b.call("GET /v5/users").expect(t, 200, "")
}

func TestADateThatIsFarOffIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		off     time.Duration
		status  int
		code    string
		locks   bool
	}{
		"a quarter of an hour behind":     {Options{}, -15 * time.Minute, 200, "", false},
		"more than that":                  {Options{}, -15*time.Minute - time.Second, 401, "APIGW.0301", true},
		"a quarter of an hour ahead":      {Options{}, 15 * time.Minute, 200, "", false},
		"more than that, ahead":           {Options{}, 15*time.Minute + time.Second, 401, "APIGW.0301", true},
		"with another code":               {Options{SkewCode: "APIGW.0303"}, time.Hour, 401, "APIGW.0303", true},
		"where less is allowed":           {Options{Skew: time.Minute}, 2 * time.Minute, 401, "APIGW.0301", true},
		"where it does not lock anything": {Options{SkewUncounted: true}, time.Hour, 401, "APIGW.0301", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(test.options)
			var got reply
			for range 6 {
				request := b.request("GET /v5/users")
				request.Header.Set("X-Sdk-Date", start.Truncate(time.Second).Add(test.off).Format(dateFormat))
				b.clock.SetTime(start.Truncate(time.Second))
				got = b.send(request, DefaultAccessKeyID, DefaultSecretAccessKey, "x-sdk-date")
				got.expect(t, test.status, test.code)
			}
			if locked := b.Locked(DefaultAccessKeyID); locked != test.locks {
				t.Errorf("locked: %t", locked)
			}
			if date := got.header.Get("Date"); date != "Sun, 01 Mar 2026 12:00:00 GMT" {
				t.Errorf("Date is %q", date)
			}
		})
	}
	if got := newBed(Options{NoDate: true}).call("GET /v5/users"); got.header.Get("Date") != "" {
		t.Errorf("got %v", got.header)
	}
}

func TestRequestsAreLimitedByTheSecond(t *testing.T) {
	b := newBed(Options{RateLimit: 2, RetryAfter: "3"})
	b.call("GET /v5/users").expect(t, 200, "")
	b.call("GET /v5/users").expect(t, 200, "")
	limited := b.call("GET /v5/users")
	limited.expect(t, 429, "APIGW.0308", "policy user over ratelimit,limit:2,time:1 second")
	if limited.header.Get("Retry-After") != "3" {
		t.Errorf("got %v", limited.header)
	}
	b.pass(time.Second)
	b.call("GET /v5/users").expect(t, 200, "")
}
