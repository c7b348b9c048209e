// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"strings"
	"testing"
)

func TestRequestsThatTheServiceRefuses(t *testing.T) {
	b := newBed(Options{})
	pair, _, err := b.MakeKey("alice")
	if err != nil {
		t.Fatal(err)
	}
	key, other := aliceKeys+"/"+pair.ID, "/v5/users/"+OperatorID+"/access-keys/"+pair.ID
	for name, test := range map[string]struct {
		line   string
		status int
		code   string
	}{
		"an unknown path":                        {"GET /v5/unknown", 404, "APIGW.0101"},
		"a path that ends in a slash":            {"GET /v5/users/", 404, "APIGW.0101"},
		"a look at one key, which there is not":  {"GET " + key, 404, "APIGW.0101"},
		"a method that is not there":             {"PATCH " + key, 404, "APIGW.0101"},
		"a user by name":                         {"GET /v5/users/" + OperatorName + "/access-keys", 404, "IAM.0004"},
		"an unknown user":                        {"POST /v5/users/x/access-keys", 404, "IAM.0004"},
		"a limit of zero":                        {"GET /v5/users?limit=0", 400, "IAM.0007"},
		"a limit above 200":                      {"GET /v5/users?limit=201", 400, "IAM.0007"},
		"a limit that is no number":              {"GET " + aliceKeys + "?limit=x", 400, "IAM.0007"},
		"a marker that is too short":             {"GET /v5/users?marker=abc", 400, "PAP5.0010"},
		"a marker of other characters":           {"GET /v5/users?marker=abc%20def", 400, "PAP5.0010"},
		"a marker that is empty":                 {"GET /v5/users?marker=", 400, "PAP5.0010"},
		"a marker of somebody else":              {"GET " + aliceKeys + "?marker=abcdefgh", 400, "PAP5.0010"},
		"a marker that is no base64":             {"GET " + aliceKeys + "?marker=abc_-", 400, "PAP5.0010"},
		"a create with a body":                   {"POST " + aliceKeys + " {}", 400, "IAM.0007"},
		"a change without a body":                {"PUT " + key, 400, "IAM.0007"},
		"a change to another status":             {"PUT " + key + ` {"status":"Inactive"}`, 400, "IAM.0007"},
		"a change without a status":              {"PUT " + key + ` {}`, 400, "IAM.0007"},
		"a change of something else":             {"PUT " + key + ` {"status":"inactive","description":"x"}`, 400, "IAM.0007"},
		"a change with two bodies":               {"PUT " + key + ` {"status":"inactive"}{}`, 400, "IAM.0007"},
		"a change of an unknown key":             {"PUT " + aliceKeys + `/x {"status":"inactive"}`, 404, "IAM.0004"},
		"a change of a key at another user":      {"PUT " + other + ` {"status":"inactive"}`, 404, "IAM.0004"},
		"a delete of an unknown key":             {"DELETE " + aliceKeys + "/x", 404, "IAM.0004"},
		"a delete of a key at another user":      {"DELETE " + other, 404, "IAM.0004"},
		"a last use of an unknown key":           {"GET " + aliceKeys + "/x/last-used", 404, "IAM.0004"},
		"a last use of a key at another user":    {"GET " + other + "/last-used", 404, "IAM.0004"},
		"a last use at a user that is not there": {"GET /v5/users/x/access-keys/x/last-used", 404, "IAM.0004"},
	} {
		t.Run(name, func(t *testing.T) {
			b.call(test.line).expect(t, test.status, test.code)
		})
	}
	if !b.Active(pair.ID) || len(b.History()) != 1 {
		t.Error("a refused request was carried out")
	}
}

func TestEveryCallTakesItsAction(t *testing.T) {
	b := newBed(Options{})
	pair, _, err := b.MakeKey("alice")
	if err != nil {
		t.Fatal(err)
	}
	key := aliceKeys + "/" + pair.ID
	calls := []struct{ action, line string }{
		{ListUsers, "GET /v5/users"},
		{ListKeys, "GET " + aliceKeys},
		{CreateKeys, "POST " + aliceKeys},
		{UpdateKeys, "PUT " + key + ` {"status":"active"}`},
		{ShowLastUsed, "GET " + key + "/last-used"},
		{DeleteKeys, "DELETE " + key},
	}
	for _, allowed := range calls {
		b.Allow(allowed.action)
		for _, call := range calls {
			got := b.call(call.line)
			if call == allowed {
				if got.status >= 300 {
					t.Errorf("%s with its action: %d %s", call.line, got.status, got.body)
				}
				continue
			}
			got.expect(t, 403, "PAP5.0001", "access denied", "encoded_authorization_message")
		}
	}
}

func TestErrorsTakeTheShapeOfTheOptions(t *testing.T) {
	for shape, want := range map[Shape]string{
		"":           `"error_code":"IAM.0004","error_msg":"Could not find user: x"`,
		ShapeCode:    `{"code":"IAM.0004","message":"Could not find user: x"`,
		ShapeNested:  `"error":{"error_code":"IAM.0004","error_msg":"Could not find user: x"}`,
		ShapeClassic: `{"error":{"code":404,"message":"IAM.0004 Could not find user: x","title":"Not Found"}}`,
		ShapeCamel:   `{"errorCode":"IAM.0004","errorMsg":"Could not find user: x"}`,
	} {
		b := newBed(Options{Shape: shape})
		if got := b.call("GET /v5/users/x/access-keys"); got.status != 404 || !strings.Contains(got.body, want) {
			t.Errorf("%s: got %d %s", shape, got.status, got.body)
		}
		b.call("GET /v5/x").expect(t, 404, "APIGW.0101")
	}
	bare := newBed(Options{Shape: ShapeBare})
	for _, line := range []string{"GET /v5/users/x/access-keys", "GET /v5/x"} {
		if got := bare.call(line); got.status != 404 || got.body != "" {
			t.Errorf("got %d %q", got.status, got.body)
		}
	}
	if code := bare.options.NotFoundCode; (&apiError{404, code, "gone"}).Error() != "IAM.0004: gone" {
		t.Error("an error does not print")
	}
}
