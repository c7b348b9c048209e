// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"strings"
	"testing"
)

func TestInvalidRequestsAreRejected(t *testing.T) {
	long := strings.Repeat("x", 257)
	const post, patch, regenerate, remove = "POST USERS ", "PATCH USERS/user-1 ", "PATCH USERS/user-1?regenerate_keys=true ", "PATCH USERS/user-1?delete_keys=true "
	for name, test := range map[string]struct {
		line   string
		status int
		code   string
	}{
		"unknown API":                         {"GET /api/nothing?a=b", 404, codeUnsupported},
		"unknown method":                      {"PUT USERS/user-1", 404, codeUnsupported},
		"collection with trailing slash":      {"GET USERS/", 404, codeUnsupported},
		"unknown SVM":                         {"GET /api/protocols/s3/services/other/users", 404, codeNotFound},
		"GET of an unknown user":              {"GET USERS/nobody", 404, codeNotFound},
		"PATCH of an unknown user":            {"PATCH USERS/nobody {}", 404, codeNotFound},
		"DELETE of an unknown user":           {"DELETE USERS/nobody", 404, codeNotFound},
		"unknown parameter of the list":       {"GET USERS?limit=5", 400, codeArgument},
		"unknown parameter of a user":         {"GET USERS/user-1?name=a", 400, codeArgument},
		"unknown parameter of the cluster":    {"GET /api/cluster?field=version", 400, codeArgument},
		"unknown parameter of a DELETE":       {"DELETE USERS/user-1?delete_keys=true", 400, codeArgument},
		"invalid encoding of the query":       {"GET USERS?name=%zz", 400, codeInvalid},
		"invalid flag":                        {"PATCH USERS/user-1?regenerate_keys=yes {}", 400, codeField},
		"timeout that is too long":            {"GET USERS?return_timeout=121", 400, codeField},
		"timeout that is not a number":        {"GET USERS?return_timeout=x", 400, codeField},
		"max_records of zero":                 {"GET USERS?max_records=0", 400, codeField},
		"create with a body that is not JSON": {post + "name=a", 400, codeInvalid},
		"create with an unknown member":       {post + `{"name":"a","x":1}`, 400, codeArgument},
		"create without a name":               {post + `{}`, 400, codeInvalid},
		"create with an empty name":           {post + `{"name":""}`, 400, "92405788"},
		"create with a long name":             {post + `{"name":"` + long[:65] + `"}`, 400, "92405788"},
		"create with invalid characters":      {post + `{"name":"User#1"}`, 400, "92405787"},
		"create of a user that exists":        {post + `{"name":"user-1"}`, 409, "1"},
		"create with a long comment":          {post + `{"name":"a","comment":"` + long + `"}`, 400, codeInvalid},
		"create with an invalid time to live": {post + `{"name":"a","key_time_to_live":"30d"}`, 400, codeInvalid},
		"create with a long time to live":     {post + `{"name":"a","key_time_to_live":"P1096D"}`, 400, "92406083"},
		"create with a key_id":                {post + `{"name":"a","key_id":1}`, 400, codeArgument},
		"change of the name":                  {patch + `{"name":"a"}`, 400, codeInvalid},
		"change of the time to live only":     {patch + `{"key_time_to_live":"P1D"}`, 400, "92406088"},
		"change with a key_id only":           {patch + `{"key_id":1}`, 400, "92406108"},
		"change of the pair only":             {patch + `{"access_key":"A","secret_key":"s"}`, 400, codeInvalid},
		"change of the comment to a number":   {patch + `{"comment":7}`, 400, codeInvalid},
		"regenerate and delete":               {"PATCH USERS/user-1?regenerate_keys=true&delete_keys=true {}", 400, "92406082"},
		"regenerate of a third key":           {regenerate + `{"key_id":3}`, 400, codeInvalid},
		"regenerate with half a pair":         {regenerate + `{"access_key":"A"}`, 400, "92406201"},
		"delete of key zero":                  {remove + `{"key_id":0}`, 400, codeInvalid},
		"delete with a pair":                  {remove + `{"access_key":"A","secret_key":"s"}`, 400, "92406202"},
		"delete of the key of root":           {"PATCH USERS/root?delete_keys=true {}", 400, "92406080"},
		"delete of root":                      {"DELETE USERS/root", 400, codeUndocumented},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(Options{Version: V9191})
			b.add(t, "user-1")
			made := len(b.History())
			b.call(test.line).Expect(t, test.status, test.code)
			if len(b.History()) != made || len(b.LivePairs()) != made || b.Comment("user-1") != "by hand" {
				t.Error("a rejected request changed something")
			}
		})
	}
}

func TestFeaturesOfVersions(t *testing.T) {
	for line, since := range map[string]string{
		`POST USERS {"name":"a","key_time_to_live":"P1D"}`:                            V9141,
		`PATCH USERS/user-1?delete_keys=true {}`:                                      V9141,
		`PATCH USERS/user-1?regenerate_keys=true {"key_time_to_live":"PT0S"}`:         V9141,
		`GET USERS?fields=key_expiry_time`:                                            V9141,
		`POST USERS {"name":"a","access_key":"A","secret_key":"s"}`:                   V9161,
		`PATCH USERS/user-1?regenerate_keys=true {"access_key":"A","secret_key":"s"}`: V9161,
		`PATCH USERS/user-1?regenerate_keys=true {"key_id":1}`:                        V9191,
		`PATCH USERS/user-1?delete_keys=true {"key_id":1}`:                            V9191,
		`GET USERS?fields=keys`:                                                       V9191,
		`GET USERS/user-1?fields=name,keys.access_key`:                                V9191,
		`POST USERS {"name":"a"}`:                                                     V9131,
		`PATCH USERS/user-1?regenerate_keys=true {}`:                                  V9131,
		`GET USERS?fields=name,comment,access_key`:                                    V9131,
		`PATCH USERS/user-1 {"comment":"c"}`:                                          V9131,
	} {
		for _, version := range []string{V9131, V9141, V9161, V9191} {
			b := newBed(Options{Version: version})
			b.add(t, "user-1")
			got := b.call(line)
			if known := b.since(since); known != (got.Status < 300) {
				t.Errorf("%s of %s: %d %s", line, version, got.Status, got.Body)
			}
		}
	}
}

func TestEveryCallRequiresTheAccount(t *testing.T) {
	for _, line := range []string{
		"GET /api/cluster", "GET /api/svm/svms", "GET USERS", "POST USERS {}", "GET USERS/root", "PATCH USERS/root {}", "DELETE USERS/root", "GET /x",
	} {
		for _, account := range [][2]string{{"", ""}, {"admin", ""}, {"admin", "x"}, {"x", DefaultPassword}} {
			newBed(Options{}).callAs(account[0], account[1], line).Expect(t, 401, codeUnauthorized)
		}
	}
}

func TestPermissionsAreRequired(t *testing.T) {
	b := newBed(Options{})
	b.Deny("POST", users)
	b.Deny("", "/api/cluster")
	b.call(`POST USERS {"name":"a"}`).Expect(t, 403, "6")
	b.call("GET /api/cluster").Expect(t, 403, "6")
	b.call("GET USERS").Expect(t, 200, "")
}

// TestRequestsOfTheVendorsClients sends the requests of NetApp's Ansible module and of its Go client in Trident, byte for byte.
func TestRequestsOfTheVendorsClients(t *testing.T) {
	b := newBed(Options{Version: V9161})
	for _, step := range []struct {
		line   string
		status int
		want   string
	}{
		{"GET /api/cluster?fields=version", 200, `"generation":9`},
		{"GET /api/svm/svms?name=svm1&fields=uuid", 200, DefaultSVMUUID},
		{"GET /api/svm/svms?name=none&max_records=1", 200, `"num_records":0`},
		{"GET /api/svm/svms?uuid=" + DefaultSVMUUID, 200, `"num_records":1`},
		{"GET USERS?name=carchi%2B8py%40a&fields=name%2Ccomment%2Caccess_key", 200, `"num_records":0`},
		{`POST USERS?return_timeout=30 {"name":"carchi+8py@a","comment":"not enabled"}`, 201, `"secret_key"`},
		{"GET USERS?name=carchi%2B8py%40a&fields=name%2Ccomment%2Caccess_key", 200, `"comment":"not enabled"`},
		{"PATCH USERS/carchi+8py@a?regenerate_keys=True&return_timeout=30 {}", 200, `"num_records":1`},
		{"PATCH USERS/carchi+8py@a?delete_keys=True&return_timeout=30 {}", 200, "{}"},
		{"GET USERS?fields=%2A%2A", 200, `"name":"carchi+8py@a"`},
		{"GET USERS/carchi+8py@a?fields=%2A%2A", 200, `"name":"carchi+8py@a"`},
		{"GET USERS/carchi%2B8py%40a", 200, `"name":"carchi+8py@a"`},
		{"GET USERS/carchi%208py@a", 404, `"code":"4"`}, // + is not a space in a path
		{"DELETE USERS/carchi+8py@a?return_timeout=30", 200, ""},
		{`POST USERS?return_records=true {"name":"a=b,c","access_key":"MINE","secret_key":"s"}`, 201, `"MINE"`},
		{"GET USERS/a=b,c?fields=%2A%2A", 200, `"name":"a=b,c"`},
	} {
		if got := b.call(step.line); got.Status != step.status || !strings.Contains(got.Body, step.want) {
			t.Errorf("%s: got %d %s", step.line, got.Status, got.Body)
		}
	}
}
