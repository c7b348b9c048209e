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

func TestInvalidRequestsAreRejected(t *testing.T) {
	b := newBed(Options{})
	pair, _ := b.make(t)
	key, other := aliceKeys+"/"+pair.ID, "/v5/users/"+OperatorID+"/access-keys/"+pair.ID
	for name, test := range map[string]struct {
		line   string
		status int
		code   string
	}{
		"unknown path":                          {"GET /v5/unknown", 404, "APIGW.0101"},
		"path with a trailing slash":            {"GET /v5/users/", 404, "APIGW.0101"},
		"GET of a single key":                   {"GET " + key, 404, "APIGW.0101"},
		"unknown method":                        {"PATCH " + key, 404, "APIGW.0101"},
		"user by name":                          {"GET /v5/users/" + OperatorName + "/access-keys", 404, "IAM.0004"},
		"unknown user":                          {"POST /v5/users/x/access-keys", 404, "IAM.0004"},
		"limit of zero":                         {"GET /v5/users?limit=0", 400, "IAM.0007"},
		"limit above 200":                       {"GET /v5/users?limit=201", 400, "IAM.0007"},
		"short marker":                          {"GET /v5/users?marker=abc", 400, "PAP5.0010"},
		"marker with invalid characters":        {"GET /v5/users?marker=abc%20def", 400, "PAP5.0010"},
		"marker that the service did not issue": {"GET " + aliceKeys + "?marker=abcdefgh", 400, "PAP5.0010"},
		"marker that is not base64":             {"GET " + aliceKeys + "?marker=abc_-", 400, "PAP5.0010"},
		"create with a body":                    {"POST " + aliceKeys + " {}", 400, "IAM.0007"},
		"update without a body":                 {"PUT " + key, 400, "IAM.0007"},
		"update to an unknown status":           {"PUT " + key + ` {"status":"Inactive"}`, 400, "IAM.0007"},
		"update without a status":               {"PUT " + key + ` {}`, 400, "IAM.0007"},
		"update with an unknown member":         {"PUT " + key + ` {"status":"inactive","description":"x"}`, 400, "IAM.0007"},
		"update with two bodies":                {"PUT " + key + ` {"status":"inactive"}{}`, 400, "IAM.0007"},
		"update of an unknown key":              {"PUT " + aliceKeys + `/x {"status":"inactive"}`, 404, "IAM.0004"},
		"update of a key of another user":       {"PUT " + other + ` {"status":"inactive"}`, 404, "IAM.0004"},
		"delete of an unknown key":              {"DELETE " + aliceKeys + "/x", 404, "IAM.0004"},
		"delete of a key of another user":       {"DELETE " + other, 404, "IAM.0004"},
		"last use of an unknown key":            {"GET " + aliceKeys + "/x/last-used", 404, "IAM.0004"},
		"last use of a key of another user":     {"GET " + other + "/last-used", 404, "IAM.0004"},
	} {
		t.Run(name, func(t *testing.T) { b.call(test.line).Expect(t, test.status, test.code) })
	}
	if !b.Active(pair.ID) || len(b.History()) != 1 {
		t.Error("a rejected request was carried out")
	}
}

func TestEveryCallRequiresItsPermission(t *testing.T) {
	b := newBed(Options{})
	pair, _ := b.make(t)
	key := aliceKeys + "/" + pair.ID
	calls := []struct{ action, line string }{
		{"iam:users:listUsersV5", "GET /v5/users"},
		{"iam:credentials:listCredentialsV5", "GET " + aliceKeys},
		{"iam:credentials:createCredentialV5", "POST " + aliceKeys},
		{"iam:credentials:updateCredentialV5", "PUT " + key + ` {"status":"active"}`},
		{"iam:credentials:showAccessKeyLastUsedV5", "GET " + key + "/last-used"},
		{"iam:credentials:deleteCredentialV5", "DELETE " + key},
	}
	for _, allowed := range calls {
		b.Allow(allowed.action)
		for _, call := range calls {
			if got := b.call(call.line); call != allowed {
				got.Expect(t, 403, "PAP5.0001", "access denied", "encoded_authorization_message")
			} else if got.Status >= 300 {
				t.Errorf("%s with its permission: got %d %s", call.line, got.Status, got.Body)
			}
		}
	}
}

func TestShapesOfErrors(t *testing.T) {
	for shape, want := range map[Shape]string{
		"":           `"error_code":"IAM.0004","error_msg":"Could not find user: x"`,
		ShapeCode:    `{"code":"IAM.0004","message":"Could not find user: x"`,
		ShapeNested:  `"error":{"error_code":"IAM.0004","error_msg":"Could not find user: x"}`,
		ShapeClassic: `{"error":{"code":404,"message":"IAM.0004 Could not find user: x","title":"Not Found"}}`,
		ShapeCamel:   `{"errorCode":"IAM.0004","errorMsg":"Could not find user: x"}`,
		ShapeBare:    "",
	} {
		b := newBed(Options{Shape: shape})
		got, unrouted := b.call("GET /v5/users/x/access-keys"), b.call("GET /v5/x")
		if got.Status != 404 || !strings.Contains(got.Body, want) || (shape == ShapeBare && got.Body+unrouted.Body != "") {
			t.Errorf("%s: got %d %s", shape, got.Status, got.Body)
		}
		if shape != ShapeBare {
			unrouted.Expect(t, 404, "APIGW.0101") // the gateway always uses the flat shape
		}
	}
}

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
		"another algorithm":                {replace("SDK-HMAC-SHA256", "AWS4-HMAC-SHA256"), good, "decrypt token fail"},
		"no spaces after commas":           {replace(", ", ","), good, "decrypt token fail"},
		"an unknown key":                   {replace(DefaultAccessKeyID, "HPUAX"), good, "Get secretKey failed,ak:HPUAX,err:ak not exist"},
		"another query":                    {func(r *http.Request) { r.URL.RawQuery = "limit=2" }, good, "verify aksk"},
		"another path":                     {func(r *http.Request) { r.URL.Path = "/v5/users/x/access-keys" }, good, "verify aksk"},
		"another host":                     {func(r *http.Request) { r.Host = "x" }, good, "verify aksk"},
		"another domain":                   {set("X-Domain-Id", "x"), good, "verify aksk"},
		"another date":                     {set("X-Sdk-Date", "20260301T120001Z"), good, "verify aksk"},
		"no date":                          {set("X-Sdk-Date", ""), good, "verify aksk"},
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
	if limited.Expect(t, 429, "APIGW.0308", "policy user over ratelimit,limit:2,time:1 second"); limited.Header.Get("Retry-After") != "3" {
		t.Errorf("got %v", limited.Header)
	}
	b.clock.Pass(time.Second)
	b.call("GET /v5/users").Expect(t, 200, "")
}
