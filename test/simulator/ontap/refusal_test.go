// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"strings"
	"testing"
	"time"
)

func TestRequestsThatTheClusterRefuses(t *testing.T) {
	long := strings.Repeat("x", 257)
	for name, test := range map[string]struct {
		line   string
		status int
		code   string
	}{
		"an unknown API":                        {"GET /api/nothing?a=b", 404, codeUnsupported},
		"an unknown method":                     {"PUT USERS/user-1", 404, codeUnsupported},
		"the collection with a slash":           {"GET USERS/", 404, codeUnsupported},
		"another SVM":                           {"GET /api/protocols/s3/services/other/users", 404, codeNotFound},
		"an unknown user":                       {"GET USERS/nobody", 404, codeNotFound},
		"a change of an unknown user":           {"PATCH USERS/nobody {}", 404, codeNotFound},
		"a deletion of an unknown user":         {"DELETE USERS/nobody", 404, codeNotFound},
		"an unknown parameter":                  {"GET USERS?limit=5", 400, codeArgument},
		"an unknown parameter of a user":        {"GET USERS/user-1?name=a", 400, codeArgument},
		"an unknown field":                      {"GET USERS?fields=secret_key", 400, codeField},
		"an unknown field of a user":            {"GET USERS/user-1?fields=name,secret_key", 400, codeField},
		"a query that cannot be read":           {"GET USERS?name=%zz", 400, codeInvalid},
		"a flag that is none":                   {"PATCH USERS/user-1?regenerate_keys=yes {}", 400, codeField},
		"a flag that is none, of a list":        {"GET USERS?return_records=2", 400, codeField},
		"a timeout that is too long":            {"GET USERS?return_timeout=121", 400, codeField},
		"a timeout that is none":                {"GET USERS?return_timeout=x", 400, codeField},
		"no records at all":                     {"GET USERS?max_records=0", 400, codeField},
		"an order that there is not":            {"GET USERS?order_by=age", 400, codeField},
		"a body that is no JSON":                {"POST USERS name=a", 400, codeInvalid},
		"two bodies":                            {`POST USERS {"name":"a"}{}`, 400, codeInvalid},
		"an unknown member":                     {`POST USERS {"name":"a","x":1}`, 400, codeArgument},
		"no name":                               {`POST USERS {}`, 400, codeInvalid},
		"no body":                               {`POST USERS`, 400, codeInvalid},
		"a name that is a number":               {`POST USERS {"name":1}`, 400, codeInvalid},
		"an empty name":                         {`POST USERS {"name":""}`, 400, "92405788"},
		"a long name":                           {`POST USERS {"name":"` + long[:65] + `"}`, 400, "92405788"},
		"odd characters in the name":            {`POST USERS {"name":"User#1"}`, 400, "92405787"},
		"a name that is taken":                  {`POST USERS {"name":"user-1"}`, 409, "1"},
		"a long comment":                        {`POST USERS {"name":"a","comment":"` + long + `"}`, 400, codeInvalid},
		"a life that is no duration":            {`POST USERS {"name":"a","key_time_to_live":"30d"}`, 400, codeInvalid},
		"a life that is too long":               {`POST USERS {"name":"a","key_time_to_live":"P1096D"}`, 400, "92406083"},
		"a key_id for a new user":               {`POST USERS {"name":"a","key_id":1}`, 400, codeArgument},
		"a new name":                            {`PATCH USERS/user-1 {"name":"a"}`, 400, codeInvalid},
		"regenerate and delete":                 {`PATCH USERS/user-1?regenerate_keys=true&delete_keys=true {}`, 400, "92406082"},
		"a life without a new key":              {`PATCH USERS/user-1 {"key_time_to_live":"P1D"}`, 400, "92406088"},
		"a key_id without a verb":               {`PATCH USERS/user-1 {"key_id":1}`, 400, "92406108"},
		"a third key":                           {`PATCH USERS/user-1?regenerate_keys=true {"key_id":3}`, 400, codeInvalid},
		"key zero":                              {`PATCH USERS/user-1?delete_keys=true {"key_id":0}`, 400, codeInvalid},
		"keys to delete that are given":         {`PATCH USERS/user-1?delete_keys=true {"access_key":"A","secret_key":"s"}`, 400, "92406202"},
		"keys without regenerate":               {`PATCH USERS/user-1 {"access_key":"A","secret_key":"s"}`, 400, codeInvalid},
		"half a pair":                           {`PATCH USERS/user-1?regenerate_keys=true {"access_key":"A"}`, 400, "92406201"},
		"a long comment with a new key":         {`PATCH USERS/user-1?regenerate_keys=true {"comment":"` + long + `"}`, 400, codeInvalid},
		"a member that is no text":              {`PATCH USERS/user-1 {"comment":7}`, 400, codeInvalid},
		"the keys of root":                      {`PATCH USERS/root?delete_keys=true {}`, 400, "92406080"},
		"root":                                  {"DELETE USERS/root", 400, codeUndocumented},
		"a parameter that a deletion has not":   {"DELETE USERS/user-1?delete_keys=true", 400, codeArgument},
		"fields of a cluster under a wrong key": {"GET /api/cluster?field=version", 400, codeArgument},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(Options{Version: V9191})
			b.add(t, "user-1")
			made := len(b.History())
			b.call(test.line).expect(t, test.status, test.code)
			if got := len(b.History()); got != made || len(b.LivePairs()) != made || b.Comment("user-1") != "by hand" {
				t.Errorf("something was changed")
			}
		})
	}
}

func TestWhatAVersionDoesNotKnow(t *testing.T) {
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
		`GET USERS?keys.access_key=A`:                                                 V9191,
		`POST USERS {"name":"a"}`:                                                     V9131,
		`PATCH USERS/user-1?regenerate_keys=true {}`:                                  V9131,
		`GET USERS?fields=name,comment,access_key`:                                    V9131,
		`PATCH USERS/user-1 {"comment":"c"}`:                                          V9131,
	} {
		for _, version := range []string{V9131, V9141, V9161, V9191} {
			b := newBed(Options{Version: version})
			b.add(t, "user-1")
			got := b.call(line)
			if known := parseRelease(version).atLeast(since); known != (got.status < 300) {
				t.Errorf("%s of %s: %d %s", line, version, got.status, got.body)
			}
		}
	}
}

func TestTheServersLimitOfLives(t *testing.T) {
	for life, code := range map[string]string{"PT61M": "92406196", "0": "92406197", "PT0S": "92406197", "": "92406197", "PT1H": ""} {
		b := newBed(Options{MaxTTL: time.Hour})
		member, made, changed := `,"key_time_to_live":"`+life+`"`, 400, 400
		if life == "" {
			member = ""
		}
		if code == "" {
			made, changed = 201, 200
		}
		b.call(`POST USERS {"name":"a"`+member+`}`).expect(t, made, code)
		b.call(`PATCH USERS/root?regenerate_keys=true {"comment":"c"`+member+`}`).expect(t, changed, code)
		b.call(`PATCH USERS/root {"comment":"c"}`).expect(t, 200, "")
	}
}

func TestEveryCallNeedsTheAccount(t *testing.T) {
	for _, line := range []string{
		"GET /api/cluster", "GET /api/svm/svms", "GET USERS", "POST USERS {}", "GET USERS/root", "PATCH USERS/root {}", "DELETE USERS/root", "GET /x",
	} {
		t.Run(line, func(t *testing.T) {
			b := newBed(Options{})
			for _, account := range [][2]string{{"", ""}, {"admin", ""}, {"admin", "x"}, {"x", DefaultPassword}} {
				b.callAs(account[0], account[1], line).expect(t, 401, codeUnauthorized)
			}
		})
	}
}

func TestRightsAreAskedFor(t *testing.T) {
	b := newBed(Options{})
	b.Deny("POST", users)
	b.Deny("", "/api/cluster")
	b.call(`POST USERS {"name":"a"}`).expect(t, 403, "6")
	b.call("GET /api/cluster").expect(t, 403, "6")
	b.call("GET USERS").expect(t, 200, "")
}

// TestWhatTheVendorsClientsSend has the requests of NetApp's Ansible module and of its Go client in Trident, byte for byte.
func TestWhatTheVendorsClientsSend(t *testing.T) {
	b := newBed(Options{Version: V9161})
	for _, step := range []struct {
		line   string
		status int
		want   string
	}{
		{"GET /api/cluster?fields=version", 200, `"generation":9`},
		{"GET /api/svm/svms?name=svm1&fields=uuid", 200, DefaultSVMUUID},
		{"GET USERS?name=carchi%2B8py%40a&fields=name%2Ccomment%2Caccess_key", 200, `"num_records":0`},
		{`POST USERS?return_timeout=30 {"name":"carchi+8py@a","comment":"not enabled"}`, 201, `"secret_key"`},
		{"GET USERS?name=carchi%2B8py%40a&fields=name%2Ccomment%2Caccess_key", 200, `"comment":"not enabled"`},
		{"PATCH USERS/carchi+8py@a?regenerate_keys=True&return_timeout=30 {}", 200, `"num_records":1`},
		{"PATCH USERS/carchi+8py@a?delete_keys=True&return_timeout=30 {}", 200, "{}"},
		{"GET USERS?fields=%2A%2A", 200, `"name":"carchi+8py@a"`},
		{"GET USERS/carchi+8py@a?fields=%2A%2A", 200, `"name":"carchi+8py@a"`},
		{"GET USERS/carchi%2B8py%40a", 200, `"name":"carchi+8py@a"`},
		{"GET USERS/carchi%208py@a", 404, `"code":"4"`}, // a plus in a path is a plus
		{"DELETE USERS/carchi+8py@a?return_timeout=30", 200, ""},
		{`POST USERS?return_records=true {"name":"a=b,c","access_key":"MINE","secret_key":"s"}`, 201, `"MINE"`},
		{"GET USERS/a=b,c?fields=%2A%2A", 200, `"name":"a=b,c"`},
	} {
		if got := b.call(step.line); got.status != step.status || !strings.Contains(got.body, step.want) {
			t.Errorf("%s: got %d %s", step.line, got.status, got.body)
		}
	}
}
