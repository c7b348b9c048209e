// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
)

func TestAKeyIsShownWholeOnce(t *testing.T) {
	b := newBed(Options{})
	made := b.call(`POST USERS {"name":"user-1","comment":"c","key_time_to_live":"PT6H3M"}`)
	b.works(t, made, true)
	accessKey, secret := made.pair(t)
	if made.status != 201 || made.location != users+"/user-1" || made.record(t)["key_expiry_time"] != "2026-03-01 18:03:00 +0000" {
		t.Errorf("got %d %s", made.status, made.body)
	}
	if !regexp.MustCompile(`^[0-9A-Z]{20} [0-9A-Za-z_]{40}$`).MatchString(accessKey + " " + secret) {
		t.Errorf("got %s", made.body)
	}
	for _, line := range []string{"GET USERS?fields=**", "GET USERS/user-1", "GET USERS/user-1?fields=*"} {
		listed := b.call(line)
		if listed.status != 200 || strings.Contains(listed.body, secret) || !strings.Contains(listed.body, accessKey) {
			t.Errorf("%s: got %s", line, listed.body)
		}
	}
}

func TestARegeneratedKeyIsAnother(t *testing.T) {
	b := newBed(Options{})
	made := b.call(`POST USERS {"name":"user-1","key_time_to_live":"P1D"}`)
	again := b.call("PATCH USERS/user-1?regenerate_keys=true {}")
	again.expect(t, 200, "")
	b.works(t, made, false)
	b.works(t, again, true)
	if got, ends := again.record(t)["key_expiry_time"]; ends {
		t.Errorf("it ends at %v", got)
	}
	if len(b.Keys("user-1")) != 1 || len(b.History()) != 3 { // with root's
		t.Errorf("got %+v", b.History())
	}
}

func TestAnExpiredKeyIsListedAndDoesNotWork(t *testing.T) {
	b := newBed(Options{})
	accessKey, secret := b.call(`POST USERS {"name":"user-1","key_time_to_live":"P1D"}`).pair(t)
	for age, want := range map[time.Duration]bool{0: true, 24*time.Hour - 1: true, 24 * time.Hour: false, 48 * time.Hour: false} {
		b.clock.SetTime(start.Add(age))
		if got := b.Valid(accessKey, secret); got != want {
			t.Errorf("after %s it works: %t", age, got)
		}
		if listed := b.call("GET USERS/user-1"); listed.fields["access_key"] != accessKey || listed.fields["key_time_to_live"] != "P1D" {
			t.Errorf("after %s: %s", age, listed.body)
		}
	}
	if len(b.Keys("user-1")) != 1 || !b.LivePairs()[0].Live() {
		t.Error("an expired key is gone")
	}
}

func TestASecondKeyFrom9191On(t *testing.T) {
	b := newBed(Options{Version: V9191})
	first := b.call(`POST USERS {"name":"user-1"}`)
	second := b.call(`PATCH USERS/user-1?regenerate_keys=true {"key_id":2,"key_time_to_live":"P1W"}`)
	b.works(t, first, true)
	b.works(t, second, true)
	firstKey, _ := first.pair(t)
	secondKey, _ := second.pair(t)
	listed := b.call("GET USERS/user-1?fields=access_key,keys")
	want := fmt.Sprint([]any{
		map[string]any{"id": 1.0, "access_key": firstKey},
		map[string]any{"id": 2.0, "access_key": secondKey, "expiry_time": "2026-03-08 12:00:00 +0000", "time_to_live": "P7D"},
	})
	if fmt.Sprint(listed.fields["keys"]) != want || listed.fields["access_key"] != firstKey {
		t.Errorf("got %s", listed.body)
	}
	if got := b.Keys("user-1"); len(got) != 2 || got[0].ID != "user-1" || got[1].ID != "user-1/2" {
		t.Errorf("got %+v", got)
	}
}

func TestWithoutAKeyIDItIsTheFirst(t *testing.T) {
	b := newBed(Options{Version: V9191})
	first := b.call(`POST USERS {"name":"user-1"}`)
	second := b.call(`PATCH USERS/user-1?regenerate_keys=true {"key_id":2}`)
	b.call(`PATCH USERS/user-1?delete_keys=true {}`).expect(t, 200, "")
	b.works(t, first, false)
	b.works(t, second, true)
	third := b.call(`PATCH USERS/user-1?regenerate_keys=true {}`)
	b.works(t, second, true)
	b.works(t, third, true)
	b.call("DELETE USERS/user-1").expect(t, 200, "")
	b.works(t, second, false)
	b.works(t, third, false)
}

func TestKeysByHand(t *testing.T) {
	b := newBed(Options{Version: V9191})
	pair := b.add(t, "user-1")
	second, secret, err := b.MakeKey("user-1", 2)
	if err != nil || second.ID != "user-1/2" || !b.Valid(second.AccessKeyID, secret) {
		t.Errorf("got %+v, %v", second, err)
	}
	for name, id := range map[string]int{"user-1": 0, "root": 3, "nobody": 1} {
		if _, _, err := b.MakeKey(name, id); err == nil {
			t.Errorf("key %d of %s was made", id, name)
		}
	}
	if !b.RemoveKey("user-1/2") || b.RemoveKey("user-1/2") || b.RemoveKey("nobody") {
		t.Error("a key is not removed once")
	}
	if left := b.Keys("user-1"); len(left) != 1 || left[0] != pair {
		t.Errorf("left %+v", left)
	}
}

func TestUsersByHand(t *testing.T) {
	b := newBed(Options{})
	pair := b.add(t, "user-1")
	if _, _, err := b.AddUser("user-1", ""); err == nil || !strings.Contains(err.Error(), "1: entry already exists") {
		t.Errorf("got %v", err)
	}
	b.SetComment("user-1", "edited")
	b.SetComment("nobody", "edited")
	b.AddToGroup("nobody")
	if b.Comment("user-1") != "edited" || b.Comment("nobody") != "" {
		t.Error("the comment is not what it was made")
	}
	if got := fmt.Sprint(b.Users()); got != "[user-1]" {
		t.Errorf("users %s", got)
	}
	if !b.RemoveUser("user-1") || b.RemoveUser("user-1") {
		t.Error("a user is not removed once")
	}
	history := b.History()
	if len(history) != 2 || history[1].ID != pair.ID || history[1].DeletedBy != simulator.Person {
		t.Errorf("got %+v", history)
	}
}

func TestKeysThatTheCallerChose(t *testing.T) {
	b := newBed(Options{})
	b.call(`POST USERS {"name":"user-1","access_key":"MINE1","secret_key":"s"}`).expect(t, 201, "")
	b.call(`POST USERS {"name":"user-2","access_key":"MINE1","secret_key":"s"}`).expect(t, 400, "92406200")
	b.call(`PATCH USERS/user-1?regenerate_keys=true {"access_key":"MINE2","secret_key":"t"}`).expect(t, 200, "")
	if b.Valid("MINE1", "s") || !b.Valid("MINE2", "t") {
		t.Error("the keys are not what was chosen")
	}
	b.call(`POST USERS {"name":"user-2","access_key":"MINE3"}`).expect(t, 400, "92406201")
	b.call(`POST USERS {"name":"user-2","secret_key":"s"}`).expect(t, 400, "92406201")
	b.call(`POST USERS {"name":"user-2","access_key":"mine","secret_key":"s"}`).expect(t, 400, "92406205")
	newBed(Options{Version: V9141}).call(`POST USERS {"name":"user-1","access_key":"A","secret_key":"s"}`).expect(t, 400, codeArgument)
}

func TestAnUpgradeKeepsTheKeys(t *testing.T) {
	b := newBed(Options{Version: V9131})
	accessKey, secret := b.call(`POST USERS {"name":"user-1"}`).pair(t)
	b.call("GET USERS/user-1?fields=keys").expect(t, 400, codeField)
	b.Upgrade(V9191)
	if got := b.call("GET /api/cluster?fields=version").fields["version"].(map[string]any); got["major"] != 19.0 ||
		!strings.HasPrefix(fmt.Sprint(got["full"]), "NetApp Release 9.19.1P") {
		t.Errorf("got %v", got)
	}
	if listed := b.call("GET USERS/user-1?fields=keys"); !strings.Contains(listed.body, accessKey) || !b.Valid(accessKey, secret) {
		t.Errorf("got %s", listed.body)
	}
}

func TestDeletingTheServerTakesItsUsers(t *testing.T) {
	b := newBed(Options{})
	accessKey, secret := b.call(`POST USERS {"name":"user-1"}`).pair(t)
	b.DeleteServer()
	if b.Valid(accessKey, secret) {
		t.Error("a key works without a server")
	}
	b.call(`POST USERS {"name":"user-1"}`).expect(t, 400, "92405773")
	b.call("GET USERS").expect(t, 404, codeNotFound)
	b.call("GET USERS/user-1").expect(t, 404, codeNotFound)
}

func TestTheDataPlaneWantsTheWholePair(t *testing.T) {
	b := newBed(Options{})
	accessKey, secret := b.call(`POST USERS {"name":"user-1"}`).pair(t)
	for _, pair := range [][2]string{{accessKey, ""}, {accessKey, secret + "x"}, {"", secret}, {secret, accessKey}} {
		if b.Valid(pair[0], pair[1]) {
			t.Errorf("%v is let in", pair)
		}
	}
}

func TestSwitches(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		lines   []string // the last one is looked at
		status  int
		want    string // in the body
	}{
		"the status of the store's codes": {Options{ErrorStatus: 409}, []string{`POST USERS {"name":"a#"}`}, 409, `"code":"92405787"`},
		"what is not there":               {Options{NotFoundStatus: 405}, []string{"GET USERS/a"}, 405, `"code":"4"`},
		"a duplicate":                     {Options{DuplicateStatus: 400, DuplicateCode: "92405795"}, []string{`POST USERS {"name":"root"}`}, 400, `"code":"92405795"`},
		"codes as numbers":                {Options{NumericCodes: true}, []string{"GET USERS/a"}, 404, `"code":4,`},
		"errors without a body":           {Options{BareErrors: true}, []string{"GET USERS/a"}, 404, ""},
		"changes with a body":             {Options{}, []string{`PATCH USERS/root {"comment":"c"}`}, 200, "{}\n"},
		"changes without a body":          {Options{EmptyAnswers: true}, []string{`PATCH USERS/root {"comment":"c"}`}, 200, ""},
		"jobs":                            {Options{Jobs: true}, []string{`POST USERS {"name":"a"}`}, 202, `{"job":{"_links":{"self":{"href":"/api/cluster/jobs/`},
		"another layout of times": {
			Options{ExpiryLayout: time.RFC3339}, []string{`POST USERS {"name":"a","key_time_to_live":"P1D"}`}, 201, `"2026-03-02T12:00:00Z"`,
		},
		"names that ignore case": {Options{NamesIgnoreCase: true}, []string{`POST USERS {"name":"a"}`, "GET USERS/A"}, 200, `"name":"a"`},
		"names that do not":      {Options{}, []string{`POST USERS {"name":"a"}`, "GET USERS/A"}, 404, `"code":"4"`},
		"a time to live that is kept": {
			Options{TTLKept: true}, []string{`POST USERS {"name":"a","key_time_to_live":"P1D"}`, "PATCH USERS/a?regenerate_keys=true"}, 200, "key_expiry_time",
		},
		"properties that fail": {
			Options{PropertiesFail: true}, []string{`POST USERS {"name":"a"}`, `PATCH USERS/a?regenerate_keys=true {"comment":"c"}`}, 400, "92406081",
		},
		"properties that are not there": {
			Options{PropertiesFail: true}, []string{`POST USERS {"name":"a"}`, `PATCH USERS/a?regenerate_keys=true`}, 200, "secret_key",
		},
		"an absent key that cannot be deleted": {
			Options{EmptyDeleteRefused: true}, []string{`POST USERS {"name":"a"}`, "PATCH USERS/a?delete_keys=true", "PATCH USERS/a?delete_keys=true"}, 404, `"4"`,
		},
		"an absent key that can": {
			Options{}, []string{`POST USERS {"name":"a"}`, "PATCH USERS/a?delete_keys=true", "PATCH USERS/a?delete_keys=true"}, 200, "{}",
		},
		"as many users as there can be": {Options{MaxUsers: 2}, []string{`POST USERS {"name":"a"}`, `POST USERS {"name":"b"}`}, 400, codeUndocumented},
		"places without a key": {
			Options{Version: V9191, EmptySlotsListed: true}, []string{`POST USERS {"name":"a"}`, "GET USERS/a"}, 200, `,{"id":2}]`,
		},
		"the second key only": {
			Options{Version: V9191, SecondKeyOnly: true}, []string{`POST USERS {"name":"a"}`, `PATCH USERS/a?regenerate_keys=true {"key_id":2}`, "GET USERS/a"},
			200, `"id":2}]`,
		},
		"ids as texts": {Options{Version: V9191, TextKeyIDs: true}, []string{`POST USERS {"name":"a"}`, "GET USERS/a"}, 200, `"id":"1"}]`},
		"a pair among the keys": {
			Options{Version: V9191, PairInKeys: true}, []string{`POST USERS {"name":"a"}`, `PATCH USERS/a?regenerate_keys=true {"key_id":2,"key_time_to_live":"P1D"}`},
			200, `"keys":[{"access_key":`,
		},
		"a code for those who may not": {Options{ForbiddenCode: "1234"}, []string{"DENY", "GET USERS"}, 403, `"code":"1234"`},
		"another SVM":                  {Options{SVM: "vs9", SVMUUID: DefaultSVMUUID}, []string{"GET /api/svm/svms?name=vs9"}, 200, `"num_records":1`},
		"another account":              {Options{Username: "x"}, []string{"GET USERS"}, 401, codeUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(test.options)
			var last reply
			for _, line := range test.lines {
				if line == "DENY" {
					b.Deny(http.MethodGet, users)
					continue
				}
				last = b.call(line)
			}
			if last.status != test.status || !strings.Contains(last.body, test.want) || (test.want == "" && last.body != "") {
				t.Errorf("got %d %s", last.status, last.body)
			}
		})
	}
}

func TestAUserInAGroup(t *testing.T) {
	for code, status := range map[string]int{"": 200, "92406308": 400} {
		b := newBed(Options{InGroupCode: code})
		b.call(`POST USERS {"name":"a"}`).expect(t, 201, "")
		b.AddToGroup("a")
		b.call("DELETE USERS/a").expect(t, status, code)
	}
}

func TestTheClusterCanBeUsedAtOnce(t *testing.T) {
	b := newBed(Options{})
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() {
			b.call(`POST USERS {"name":"user-1"}`)
			b.call("GET USERS?fields=*")
			b.Users()
			b.Valid("A", "s")
		})
	}
	waiting.Wait()
	if made := len(b.Keys("user-1")); made != 1 {
		t.Errorf("%d keys were made", made)
	}
	if calls := b.Calls(); calls["POST "+usersPath] != 8 || calls["GET "+usersPath] != 8 {
		t.Errorf("got %v", calls)
	}
}
