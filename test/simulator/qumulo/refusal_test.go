// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator/simtest"
)

func TestInvalidRequestsAreRejected(t *testing.T) {
	b := newBed(Options{})
	const find, login = "POST /v1/identity/find ", "POST /v1/session/login "
	for name, test := range map[string]struct {
		line   string
		status int
		class  string
	}{
		"GET of the collection without slash": {"GET /v1/s3/access-keys", 404, "rest_not_found_error"},
		"unknown path":                        {"GET /v1/s3/", 404, "rest_not_found_error"},
		"path below a key":                    {"DELETE /v1/s3/access-keys/a/b", 404, "rest_not_found_error"},
		"list with user and limit":            {list + "?user=local:alice&limit=5", 400, "http_bad_request_error"},
		"list with user and after":            {list + "?user=local:alice&after=", 400, "http_bad_request_error"},
		"limit of zero":                       {list + "?limit=0", 400, decodeError},
		"list for an unknown user":            {list + "?user=local:nobody", 400, "cred_invalid_local_user_error"},
		"list for an unknown notation":        {list + "?user=x:y", 400, decodeError},
		"delete of an unknown key":            {"DELETE /v1/s3/access-keys/x", 404, "rest_not_found_error"},
		"create without a body":               {create, 400, decodeError},
		"create without a user":               {create + `{}`, 400, decodeError},
		"create with an empty user":           {create + `{"user":{}}`, 400, decodeError},
		"create with a user as a string":      {create + `{"user":"alice"}`, 400, decodeError},
		"create with an auth_id as a number":  {create + `{"user":{"auth_id":1000}}`, 400, decodeError},
		"create with a uid as a string":       {create + `{"user":{"uid":"1"}}`, 400, decodeError},
		"create with an unknown member":       {create + `{"user":{"name":"alice"},"description":"x"}`, 400, decodeError},
		"create with a byte order mark":       {create + "\ufeff" + `{"user":{"name":"alice"}}`, 400, decodeError},
		"create for an unknown user":          {create + `{"user":{"name":"nobody"}}`, 400, "cred_invalid_local_user_error"},
		"create for an unknown SID":           {create + `{"user":{"sid":"S-1-1-1"}}`, 400, "cred_invalid_sid_error"},
		"create for an unknown gid":           {create + `{"user":{"gid":5}}`, 400, "cred_invalid_local_user_error"},
		"find of an unknown name":             {find + `{"domain":"LOCAL","name":"nobody"}`, 400, "cred_invalid_local_user_error"},
		"find in the wrong domain":            {find + `{"domain":"ACTIVE_DIRECTORY","name":"alice"}`, 400, "cred_invalid_local_user_error"},
		"find without an identity":            {find + `{"domain":"LOCAL"}`, 400, decodeError},
		"login without a password":            {login + `{"username":"admin"}`, 400, decodeError},
		"login with a wrong password":         {login + `{"username":"admin","password":"x"}`, 401, "unauthenticated_error"},
	} {
		t.Run(name, func(t *testing.T) { b.call(test.line).Expect(t, test.status, test.class) })
	}
	if made := b.History(); len(made) != 0 {
		t.Errorf("keys were created: %v", made)
	}
}

func TestEveryCallExceptLoginAndVersionRequiresAToken(t *testing.T) {
	b, bare := newBed(Options{}), newBed(Options{BareErrors: true})
	for _, line := range []string{"GET /v1/session/who-am-i", "GET /v1/node/state", list, create + "{}", "DELETE /v1/s3/access-keys/x", "POST /v1/identity/find {}"} {
		for _, authorization := range []string{"", "Bearer ", "Bearer wrong", "Basic " + b.token, b.token + "x"} {
			b.callAs(authorization, line).Expect(t, 401, "unauthenticated_error")
		}
		if got := bare.callAs("", line); got.Status != 401 || got.Body != "" {
			t.Errorf("%s: got %d %q", line, got.Status, got.Body)
		}
	}
	b.callAs("", "GET /v1/version").Expect(t, 200, "", `"revision_id":"Qumulo Core 7.9.2.2"`)
}

func TestSessionsExpireAfterTenHoursAndTokensAtTheirExpiry(t *testing.T) {
	b := newBed(Options{})
	login := b.callAs("", `POST /v1/session/login {"username":"admin","password":"Admin123!"}`)
	session := login.Text("bearer_token")
	if login.Status != 200 || !strings.HasPrefix(session, "1:") {
		t.Fatalf("got %d %s", login.Status, login.Body)
	}
	short := b.AddToken(simtest.Start.Add(time.Hour))
	status := func(token string) int { return b.callAs("Bearer "+token, "GET /v1/session/who-am-i").Status }
	for age, want := range map[time.Duration][3]int{ // for the session, the token of one hour, and the token without expiry
		time.Hour - 1: {200, 200, 200}, time.Hour: {200, 401, 200}, 10*time.Hour - 1: {200, 401, 200}, 10 * time.Hour: {401, 401, 200},
	} {
		b.clock.SetTime(simtest.Start.Add(age))
		if got := [3]int{status(session), status(short), status(b.token)}; got != want {
			t.Errorf("after %s: got %v", age, got)
		}
	}
	b.RevokeTokens()
	if status(b.token) != 401 {
		t.Error("a revoked token works")
	}
}

func TestPrivilegesAreRequired(t *testing.T) {
	b := newBed(Options{})
	const class = "auth_insufficient_privileges_error"
	b.SetPrivileges(CredentialsRead, BucketsRead)
	b.call(list).Expect(t, 200, "")
	b.call(create+`{"user":{"name":"alice"}}`).Expect(t, 403, class)
	b.call("DELETE /v1/s3/access-keys/x").Expect(t, 403, class)
	b.SetPrivileges(CredentialsWrite, CredentialsRead)
	b.call(list).Expect(t, 403, class)
	who := b.call("GET /v1/session/who-am-i")
	if fmt.Sprint(who.At("privileges")) != fmt.Sprint([]string{CredentialsWrite, CredentialsRead}) || who.At("uid") != "" {
		t.Errorf("got %s", who.Body)
	}
}
