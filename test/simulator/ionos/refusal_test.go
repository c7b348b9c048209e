// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestRequestsThatTheServiceRefuses(t *testing.T) {
	b := newBed(Options{MaxDescription: 20})
	key := "/accesskeys/" + one
	for name, test := range map[string]struct {
		line   string
		status int
		code   string
	}{
		"an unknown path":              {"GET /accesskey", 404, "err-no-route"},
		"the collection with a slash":  {"GET /accesskeys/", 404, "err-no-route"},
		"an unknown method":            {"PATCH " + key + " " + described, 404, "err-no-route"},
		"a renewal by POST":            {"POST " + key + "/renew", 404, "err-no-route"},
		"an ID that is no UUID":        {"GET /accesskeys/x", 400, "err-id"},
		"a UUID in upper case":         {"DELETE /accesskeys/AAAAAAAA-1111-5111-8111-111111111111", 400, "err-id"},
		"a UUID without dashes":        {"GET /accesskeys/" + strings.ReplaceAll(one, "-", "1"), 400, "err-id"},
		"an unknown key, GET":          {"GET " + key, 404, "err-not-found"},
		"an unknown key, DELETE":       {"DELETE " + key, 404, "err-not-found"},
		"an unknown key, renewal":      {"PUT " + key + "/renew", 404, "err-not-found"},
		"a renewal with a body":        {"PUT " + key + "/renew {}", 400, "err-body"},
		"a PUT without a body":         {"PUT " + key, 415, "err-media"},
		"a PUT of no JSON":             {"PUT " + key + " description=d", 400, "err-body"},
		"a PUT of two bodies":          {"PUT " + key + " " + described + "{}", 400, "err-body"},
		"a PUT with an unknown member": {"PUT " + key + ` {"properties":{"description":"d","active":true}}`, 400, "err-body"},
		"a PUT with metadata as text":  {"PUT " + key + ` {"metadata":"","properties":{"description":"d"}}`, 400, "err-body"},
		"a PUT without properties":     {"PUT " + key + " {}", 422, "err-description"},
		"a PUT without a description":  {"PUT " + key + ` {"properties":{}}`, 422, "err-description"},
		"a PUT with another ID":        {"PUT " + key + ` {"id":"` + two + `","properties":{"description":"d"}}`, 422, "err-id"},
		"a PUT with a long description": {
			"PUT " + key + ` {"properties":{"description":"` + strings.Repeat("ä", 21) + `"}}`, 422, "err-description",
		},
		"a POST without a body":     {"POST /accesskeys", 415, "err-media"},
		"a POST with an ID":         {"POST /accesskeys " + `{"id":"` + two + `","properties":{"description":"d"}}`, 422, "err-id"},
		"a limit of zero":           {"GET /accesskeys?limit=0", 400, "err-query"},
		"a limit above 1000":        {"GET /accesskeys?limit=1001", 400, "err-query"},
		"a limit that is no number": {"GET /accesskeys?limit=x", 400, "err-query"},
		"an offset below zero":      {"GET /accesskeys?offset=-1", 400, "err-query"},
	} {
		t.Run(name, func(t *testing.T) {
			b.call(test.line).expect(t, test.status, test.code)
		})
	}
	if made := b.History(); len(made) != 0 {
		t.Errorf("keys were made: %v", made)
	}
	b.call("PUT "+key+` {"properties":{"description":"`+strings.Repeat("ä", 20)+`"}}`).expect(t, 201, "")
}

func TestABodyThatIsNotCalledJSONIsRefused(t *testing.T) {
	b := newBed(Options{})
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"} {
		request := httptest.NewRequest(http.MethodPut, "/accesskeys/"+one, strings.NewReader(described))
		request.Header.Set("Authorization", "Bearer "+b.alice)
		request.Header.Set("Content-Type", media)
		b.send(request).expect(t, 415, "err-media")
	}
}

func TestEveryCallNeedsAToken(t *testing.T) {
	b := newBed(Options{})
	short := b.AddToken("alice", start.Add(time.Hour))
	for _, line := range []string{
		"GET /accesskeys", "POST /accesskeys {}", "GET /accesskeys/x", "PUT /accesskeys/x {}", "DELETE /accesskeys/x", "PUT /accesskeys/x/renew",
	} {
		for _, authorization := range []string{"", "Bearer ", "Bearer wrong", "Basic " + b.alice, b.alice, "bearer " + b.alice} {
			b.callAs(authorization, line).expect(t, 401, "err-unauthorized")
		}
	}
	b.callAs("Bearer "+short, "GET /accesskeys").expect(t, 200, "")
	b.after(time.Hour)
	b.callAs("Bearer "+short, "GET /accesskeys").expect(t, 401, "err-unauthorized")
	b.call("GET /accesskeys").expect(t, 200, "")
	b.RevokeTokens()
	b.call("GET /accesskeys").expect(t, 401, "err-unauthorized")
}

func TestThePrivilegeIsAskedFor(t *testing.T) {
	for _, status := range []int{0, 422} {
		b := newBed(Options{PrivilegeStatus: status})
		b.SetPrivilege("alice", false)
		b.call("GET /accesskeys").expect(t, max(status, 403), "err-privilege")
		b.callAs("Bearer "+b.bob, "GET /accesskeys").expect(t, 200, "")
		b.SetPrivilege("alice", true)
		b.call("GET /accesskeys").expect(t, 200, "")
	}
}

func TestErrorsMayBeBare(t *testing.T) {
	b := newBed(Options{BareErrors: true})
	if got := b.call("GET /accesskeys/" + one); got.status != 404 || got.body != "{}\n" {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestAUserHasFiveKeysAtMost(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		status  int
		code    string
		repeat  int // the answer to a PUT of an existing key
		leaving int // the answer to a create while the fifth is being destroyed
	}{
		"as it is likely":                {Options{}, 422, "err-limit", 200, 422},
		"with another status and code":   {Options{LimitStatus: 403, LimitCode: "x"}, 403, "x", 200, 403},
		"before the key is looked for":   {Options{LimitFirst: true}, 422, "err-limit", 422, 422},
		"not counting what is destroyed": {Options{DestroyingUncounted: true}, 422, "err-limit", 200, 201},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Destroying = time.Minute
			b := newBed(test.options)
			b.make(t, one)
			var last string
			for range 4 {
				pair, _, err := b.MakeKey("alice", "")
				if err != nil {
					t.Fatal(err)
				}
				last = pair.ID
			}
			b.call("PUT /accesskeys/"+two+" "+described).expect(t, test.status, test.code)
			b.call("POST /accesskeys "+described).expect(t, test.status, test.code)
			if _, _, err := b.MakeKey("alice", ""); err == nil || !strings.Contains(err.Error(), test.code) {
				t.Errorf("a person made a sixth key: %v", err)
			}
			b.callAs("Bearer "+b.bob, "POST /accesskeys "+described).expect(t, 201, "")
			if got := b.call("PUT /accesskeys/" + one + " " + described); got.status != test.repeat {
				t.Errorf("got %d %s", got.status, got.body)
			}
			b.call("DELETE /accesskeys/"+last).expect(t, 202, "")
			if got := b.call("PUT /accesskeys/" + two + " " + described); got.status != test.leaving {
				t.Errorf("got %d %s", got.status, got.body)
			}
			b.after(time.Minute)
			if got := b.call("PUT /accesskeys/" + two + " " + described); got.status > 201 && !test.options.LimitFirst {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
}

func TestTheLastKeyMayHaveToStay(t *testing.T) {
	b := newBed(Options{LastKeyStatus: 409})
	b.make(t, one)
	b.make(t, two)
	b.call("DELETE /accesskeys/"+one).expect(t, 202, "")
	b.call("DELETE /accesskeys/"+two).expect(t, 409, "err-last")
}
