// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"strings"
	"testing"
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
