// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator/simtest"
)

func TestInvalidRequestsAreRejected(t *testing.T) {
	b := newBed(Options{MaxDescription: 20})
	const put = "PUT /accesskeys/" + one
	long := func(n int) string { return put + ` {"properties":{"description":"` + strings.Repeat("ä", n) + `"}}` }
	for name, test := range map[string]struct {
		line   string
		status int
		code   string
	}{
		"unknown path":                   {"GET /accesskey", 404, "err-no-route"},
		"collection with trailing slash": {"GET /accesskeys/", 404, "err-no-route"},
		"unknown method":                 {"PATCH /accesskeys/" + one + described, 404, "err-no-route"},
		"renew by POST":                  {"POST /accesskeys/" + one + "/renew", 404, "err-no-route"},
		"ID that is not a UUID":          {"GET /accesskeys/x", 400, "err-id"},
		"UUID in upper case":             {"DELETE /accesskeys/AAAAAAAA-1111-5111-8111-111111111111", 400, "err-id"},
		"UUID without dashes":            {"GET /accesskeys/" + strings.ReplaceAll(one, "-", "1"), 400, "err-id"},
		"GET of an unknown key":          {get, 404, "err-not-found"},
		"DELETE of an unknown key":       {del, 404, "err-not-found"},
		"renew of an unknown key":        {renew, 404, "err-not-found"},
		"renew with a body":              {renew + " {}", 400, "err-body"},
		"PUT without a body":             {put, 415, "err-media"},
		"PUT of a body that is not JSON": {put + " description=d", 400, "err-body"},
		"PUT with an unknown member":     {put + ` {"properties":{"description":"d","active":true}}`, 400, "err-body"},
		"PUT with metadata as a string":  {put + ` {"metadata":"","properties":{"description":"d"}}`, 400, "err-body"},
		"PUT without properties":         {put + " {}", 422, "err-description"},
		"PUT without a description":      {put + ` {"properties":{}}`, 422, "err-description"},
		"PUT with another ID":            {put + ` {"id":"` + two + `","properties":{"description":"d"}}`, 422, "err-id"},
		"PUT with a long description":    {long(21), 422, "err-description"},
		"POST without a body":            {"POST /accesskeys", 415, "err-media"},
		"POST with an ID":                {"POST /accesskeys " + `{"id":"` + two + `","properties":{"description":"d"}}`, 422, "err-id"},
		"limit of zero":                  {list + "?limit=0", 400, "err-query"},
		"limit above 1000":               {list + "?limit=1001", 400, "err-query"},
		"negative offset":                {list + "?offset=-1", 400, "err-query"},
	} {
		t.Run(name, func(t *testing.T) {
			b.call(test.line).Expect(t, test.status, test.code, fmt.Sprint(`"httpStatus":`, test.status))
		})
	}
	if made := b.History(); len(made) != 0 {
		t.Errorf("keys were created: %v", made)
	}
	b.call(long(20)).Expect(t, 201, "")
	if got := newBed(Options{BareErrors: true}).call(get); got.Status != 404 || got.Body != "{}" {
		t.Errorf("got %d %q", got.Status, got.Body)
	}
}

func TestContentTypeMustBeJSON(t *testing.T) {
	b := newBed(Options{})
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"} {
		request := simtest.Request(putOne)
		request.Header.Set("Authorization", "Bearer "+b.alice)
		request.Header.Set("Content-Type", media)
		simtest.Send(b, request).Expect(t, 415, "err-media")
	}
}

func TestEveryCallRequiresAToken(t *testing.T) {
	b := newBed(Options{})
	short := b.AddToken("alice", simtest.Start.Add(time.Hour))
	for _, line := range []string{list, "POST /accesskeys {}", "GET /accesskeys/x", "PUT /accesskeys/x {}", "DELETE /accesskeys/x", "PUT /accesskeys/x/renew"} {
		for _, authorization := range []string{"", "Bearer ", "Bearer wrong", "Basic " + b.alice, b.alice, "bearer " + b.alice} {
			b.callAs(authorization, line).Expect(t, 401, "err-unauthorized")
		}
	}
	b.callAs("Bearer "+short, list).Expect(t, 200, "")
	b.clock.Pass(time.Hour)
	b.callAs("Bearer "+short, list).Expect(t, 401, "err-unauthorized")
	b.call(list).Expect(t, 200, "")
	b.RevokeTokens()
	b.call(list).Expect(t, 401, "err-unauthorized")
}

func TestPrivilegeIsRequired(t *testing.T) {
	for _, status := range []int{0, 422} {
		b := newBed(Options{PrivilegeStatus: status})
		b.SetPrivilege("alice", false)
		b.call(list).Expect(t, max(status, 403), "err-privilege")
		b.callAs("Bearer "+b.bob, list).Expect(t, 200, "")
		b.SetPrivilege("alice", true)
		b.call(list).Expect(t, 200, "")
	}
}

func TestUserHasAtMostFiveKeys(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		status  int
		code    string
		repeat  int // the response to a PUT of an existing key
		leaving int // the response to a create while the fifth key is destroyed
	}{
		"default response":                {Options{}, 422, "err-limit", 200, 422},
		"response of the options":         {Options{LimitStatus: 403, LimitCode: "x"}, 403, "x", 200, 403},
		"before the ID is looked up":      {Options{LimitFirst: true}, 422, "err-limit", 422, 422},
		"without keys that are destroyed": {Options{DestroyingUncounted: true}, 422, "err-limit", 200, 201},
	} {
		test.options.Destroying = time.Minute
		b := newBed(test.options)
		expect := func(line string, want int) {
			t.Helper()
			if got := b.call(line); got.Status != want {
				t.Errorf("%s: %s: got %d %s", name, line, got.Status, got.Body)
			}
		}
		b.make(t)
		var last string
		for range 4 {
			last = b.call(post).Text("id")
		}
		b.call(putTwo).Expect(t, test.status, test.code)
		b.call(post).Expect(t, test.status, test.code)
		if _, _, err := b.MakeKey("alice", ""); err == nil || !strings.Contains(err.Error(), test.code) {
			t.Errorf("%s: a sixth key was created by hand: %v", name, err)
		}
		b.callAs("Bearer "+b.bob, post).Expect(t, 201, "")
		expect(putOne, test.repeat)
		expect("DELETE /accesskeys/"+last, 202)
		expect(putTwo, test.leaving)
		if b.clock.Pass(time.Minute); test.leaving != 201 {
			expect(putTwo, 201)
		}
	}
}

func TestLastKeyCannotBeDeletedWhereTheOptionsSaySo(t *testing.T) {
	b := newBed(Options{LastKeyStatus: 409})
	b.make(t)
	b.call(putTwo).Expect(t, 201, "")
	b.call(del).Expect(t, 202, "")
	b.call("DELETE /accesskeys/"+two).Expect(t, 409, "err-last")
}
