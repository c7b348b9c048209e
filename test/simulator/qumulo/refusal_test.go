// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRequestsThatTheClusterRefuses(t *testing.T) {
	b := newBed(Options{})
	for name, test := range map[string]struct {
		line   string
		status int
		class  string
	}{
		"the collection without its slash, GET":  {"GET /v1/s3/access-keys", 404, "rest_not_found_error"},
		"the collection without its slash, POST": {`POST /v1/s3/access-keys {"user":{"name":"alice"}}`, 404, "rest_not_found_error"},
		"an unknown path":                        {"GET /v1/s3/", 404, "rest_not_found_error"},
		"a key of a key":                         {"DELETE /v1/s3/access-keys/a/b", 404, "rest_not_found_error"},
		"a user with a limit":                    {"GET /v1/s3/access-keys/?user=local:alice&limit=5", 400, "http_bad_request_error"},
		"a user with an after":                   {"GET /v1/s3/access-keys/?user=local:alice&after=", 400, "http_bad_request_error"},
		"a limit of zero":                        {"GET /v1/s3/access-keys/?limit=0", 400, decodeError},
		"a limit that is no number":              {"GET /v1/s3/access-keys/?limit=x", 400, decodeError},
		"an unknown user":                        {"GET /v1/s3/access-keys/?user=local:nobody", 400, "cred_invalid_local_user_error"},
		"a user in no notation":                  {"GET /v1/s3/access-keys/?user=x:y", 400, decodeError},
		"an unknown key":                         {"DELETE /v1/s3/access-keys/x", 404, "rest_not_found_error"},
		"a create without a body":                {"POST /v1/s3/access-keys/", 400, decodeError},
		"a create without a user":                {"POST /v1/s3/access-keys/ {}", 400, decodeError},
		"a create with an empty user":            {`POST /v1/s3/access-keys/ {"user":{}}`, 400, decodeError},
		"a create with a user that is a string":  {`POST /v1/s3/access-keys/ {"user":"alice"}`, 400, decodeError},
		"a create with a numeric auth_id":        {`POST /v1/s3/access-keys/ {"user":{"auth_id":1000}}`, 400, decodeError},
		"a create with a textual uid":            {`POST /v1/s3/access-keys/ {"user":{"uid":"1"}}`, 400, decodeError},
		"a create with an unknown member":        {`POST /v1/s3/access-keys/ {"user":{"name":"alice"},"description":"x"}`, 400, decodeError},
		"a create with a byte order mark":        {"POST /v1/s3/access-keys/ \ufeff" + `{"user":{"name":"alice"}}`, 400, decodeError},
		"a create with two bodies":               {`POST /v1/s3/access-keys/ {"user":{"name":"alice"}}{}`, 400, decodeError},
		"a create for an unknown user":           {`POST /v1/s3/access-keys/ {"user":{"name":"nobody"}}`, 400, "cred_invalid_local_user_error"},
		"a create for an unknown SID":            {`POST /v1/s3/access-keys/ {"user":{"sid":"S-1-1-1"}}`, 400, "cred_invalid_sid_error"},
		"a create for nobody's gid":              {`POST /v1/s3/access-keys/ {"user":{"gid":5}}`, 400, "cred_invalid_local_user_error"},
		"a look-up of an unknown name": {
			`POST /v1/identity/find {"domain":"LOCAL","name":"nobody"}`, 400, "cred_invalid_local_user_error",
		},
		"a look-up in the wrong domain": {
			`POST /v1/identity/find {"domain":"ACTIVE_DIRECTORY","name":"alice"}`, 400, "cred_invalid_local_user_error",
		},
		"a look-up of nothing":          {`POST /v1/identity/find {"domain":"LOCAL"}`, 400, decodeError},
		"a login without a password":    {`POST /v1/session/login {"username":"admin"}`, 400, decodeError},
		"a login with a wrong password": {`POST /v1/session/login {"username":"admin","password":"x"}`, 401, "unauthenticated_error"},
		"a login that is no JSON":       {`POST /v1/session/login username=admin`, 400, decodeError},
	} {
		t.Run(name, func(t *testing.T) {
			b.call(test.line).expect(t, test.status, test.class)
		})
	}
	if made := b.History(); len(made) != 0 {
		t.Errorf("keys were made: %v", made)
	}
}

func TestEveryCallButLoginAndVersionNeedsAToken(t *testing.T) {
	for _, line := range []string{
		"GET /v1/session/who-am-i", "GET /v1/s3/access-keys/", "POST /v1/s3/access-keys/ {}", "DELETE /v1/s3/access-keys/x",
		"POST /v1/identity/find {}",
	} {
		t.Run(line, func(t *testing.T) {
			b := newBed(Options{})
			for _, authorization := range []string{"", "Bearer ", "Bearer wrong", "Basic " + b.token, b.token + "x"} {
				b.callAs(authorization, line).expect(t, 401, "unauthenticated_error")
			}
			bare := newBed(Options{BareErrors: true})
			if got := bare.callAs("", line); got.status != 401 || got.body != "" {
				t.Errorf("got %d %q", got.status, got.body)
			}
		})
	}
	b := newBed(Options{})
	if got := b.callAs("", "GET /v1/version"); got.status != 200 || got.fields["revision_id"] != "Qumulo Core 7.9.2.2" {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestSessionsEndAfterTenHoursAndTokensWhenTheySay(t *testing.T) {
	b := newBed(Options{})
	login := b.callAs("", `POST /v1/session/login {"username":"admin","password":"Admin123!"}`)
	session, _ := login.fields["bearer_token"].(string)
	if login.status != 200 || !strings.HasPrefix(session, "1:") {
		t.Fatalf("got %d %s", login.status, login.body)
	}
	short := b.AddToken(start.Add(time.Hour))
	who := func(token string) int { return b.callAs("Bearer "+token, "GET /v1/session/who-am-i").status }
	for _, test := range []struct {
		age                     time.Duration
		session, short, forever int
	}{
		{0, 200, 200, 200},
		{time.Hour - 1, 200, 200, 200},
		{time.Hour, 200, 401, 200},
		{10*time.Hour - 1, 200, 401, 200},
		{10 * time.Hour, 401, 401, 200},
	} {
		b.clock.SetTime(start.Add(test.age))
		if got := [...]int{who(session), who(short), who(b.token)}; got != [...]int{test.session, test.short, test.forever} {
			t.Errorf("after %s: got %v", test.age, got)
		}
	}
	b.RevokeTokens()
	if who(b.token) != 401 {
		t.Error("a revoked token works")
	}
}

func TestPrivilegesAreAskedFor(t *testing.T) {
	b := newBed(Options{})
	create, list := `POST /v1/s3/access-keys/ {"user":{"name":"alice"}}`, "GET /v1/s3/access-keys/"
	const class = "auth_insufficient_privileges_error"
	b.SetPrivileges(CredentialsRead, BucketsRead)
	b.call(list).expect(t, 200, "")
	b.call(create).expect(t, 403, class)
	b.call("DELETE /v1/s3/access-keys/x").expect(t, 403, class)
	b.SetPrivileges(CredentialsWrite, CredentialsRead)
	b.call(list).expect(t, 403, class)
	who := b.call("GET /v1/session/who-am-i")
	if fmt.Sprint(who.fields["privileges"]) != fmt.Sprint([]string{CredentialsWrite, CredentialsRead}) || who.fields["uid"] != "" {
		t.Errorf("got %s", who.body)
	}
}
