// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/simtest"
)

const (
	post       = `POST USERS {"name":"user-1"}`
	postOneDay = `POST USERS {"name":"user-1","key_time_to_live":"P1D"}`
	regenerate = "PATCH USERS/user-1?regenerate_keys=true "
)

func TestSecretIsShownOnlyOnce(t *testing.T) {
	b := newBed(Options{})
	made := b.call(`POST USERS {"name":"user-1","comment":"c","key_time_to_live":"PT6H3M"}`)
	b.expectWorks(t, made, true)
	accessKey, secret := pair(t, made)
	if made.Status != 201 || made.Header.Get("Location") != users+"/user-1" || made.At("records.0.key_expiry_time") != "2026-03-01 18:03:00 +0000" {
		t.Errorf("got %d %s", made.Status, made.Body)
	}
	if !regexp.MustCompile(`^[0-9A-Z]{20} [0-9A-Za-z_]{40}$`).MatchString(accessKey + " " + secret) {
		t.Errorf("got %s", made.Body)
	}
	for _, line := range []string{"GET USERS?fields=**", "GET USERS/user-1", "GET USERS/user-1?fields=*"} {
		listed := b.call(line)
		if listed.Expect(t, 200, "", accessKey); strings.Contains(listed.Body, secret) {
			t.Errorf("%s: got %s", line, listed.Body)
		}
	}
}

func TestExpiredKeyIsListedAndDoesNotWork(t *testing.T) {
	b := newBed(Options{})
	accessKey, secret := pair(t, b.call(postOneDay))
	for age, want := range map[time.Duration]bool{0: true, 24*time.Hour - 1: true, 24 * time.Hour: false, 48 * time.Hour: false} {
		b.clock.SetTime(simtest.Start.Add(age))
		if got := b.Valid(accessKey, secret); got != want {
			t.Errorf("after %s it works: %t", age, got)
		}
		if listed := b.call("GET USERS/user-1"); listed.At("access_key") != accessKey || listed.At("key_time_to_live") != "P1D" {
			t.Errorf("after %s: got %s", age, listed.Body)
		}
	}
	again := b.call(regenerate + "{}")
	b.clock.Pass(maxLife)
	b.expectWorks(t, again, true)
	if len(b.Keys("user-1")) != 1 || len(b.History()) != 3 || again.Has("records.0", "key_expiry_time") { // including the key of root
		t.Errorf("got %+v", b.History())
	}
}

// TestSecondKeySince9191 also checks that a request without key_id means the first key.
func TestSecondKeySince9191(t *testing.T) {
	b := newBed(Options{Version: V9191})
	first := b.call(post)
	second := b.call(regenerate + `{"key_id":2,"key_time_to_live":"P1W"}`)
	b.expectWorks(t, first, true)
	b.expectWorks(t, second, true)
	firstKey, _ := pair(t, first)
	secondKey, _ := pair(t, second)
	want := []any{
		map[string]any{"id": 1.0, "access_key": firstKey},
		map[string]any{"id": 2.0, "access_key": secondKey, "expiry_time": "2026-03-08 12:00:00 +0000", "time_to_live": "P7D"},
	}
	if listed := b.call("GET USERS/user-1?fields=access_key,keys"); !reflect.DeepEqual(listed.At("keys"), want) || listed.At("access_key") != firstKey {
		t.Errorf("got %s", listed.Body)
	}
	if got := b.Keys("user-1"); len(got) != 2 || got[0].ID != "user-1" || got[1].ID != "user-1/2" {
		t.Errorf("got %+v", got)
	}
	b.call(`PATCH USERS/user-1?delete_keys=true {}`).Expect(t, 200, "")
	b.expectWorks(t, first, false)
	b.expectWorks(t, second, true)
	b.expectWorks(t, b.call(regenerate+`{}`), true)
	b.expectWorks(t, second, true)
}

func TestKeysAreCreatedAndRemovedByHand(t *testing.T) {
	b := newBed(Options{Version: V9191})
	first := b.add(t, "user-1")
	second, secret, err := b.MakeKey("user-1", 2)
	if err != nil || second.ID != "user-1/2" || !b.Valid(second.AccessKeyID, secret) {
		t.Errorf("got %+v, %v", second, err)
	}
	for name, id := range map[string]int{"user-1": 0, "root": 3, "nobody": 1} {
		if _, _, err := b.MakeKey(name, id); err == nil {
			t.Errorf("key %d of %s was created", id, name)
		}
	}
	if !b.RemoveKey("user-1/2") || b.RemoveKey("user-1/2") || b.RemoveKey("nobody") {
		t.Error("RemoveKey does not remove a key once")
	}
	if left := b.Keys("user-1"); len(left) != 1 || left[0] != first {
		t.Errorf("got %+v", left)
	}
}

func TestUsersAreChangedByHand(t *testing.T) {
	b := newBed(Options{})
	b.add(t, "user-1")
	if _, _, err := b.AddUser("user-1", ""); err == nil || !strings.Contains(err.Error(), "1: entry already exists") {
		t.Errorf("got %v", err)
	}
	if b.SetComment("user-1", "edited"); b.Comment("user-1") != "edited" || b.Comment("nobody") != "" || fmt.Sprint(b.Users()) != "[user-1]" {
		t.Errorf("got %s of %s", b.Comment("user-1"), b.Users())
	}
	if !b.RemoveUser("user-1") || b.RemoveUser("user-1") || b.History()[1].DeletedBy != simulator.Person {
		t.Error("RemoveUser does not remove a user once")
	}
}

func TestPairsOfTheCaller(t *testing.T) {
	b := newBed(Options{})
	b.call(`POST USERS {"name":"user-1","access_key":"MINE1","secret_key":"s"}`).Expect(t, 201, "")
	b.call(`POST USERS {"name":"user-2","access_key":"MINE1","secret_key":"s"}`).Expect(t, 400, "92406200")
	b.call(`POST USERS {"name":"user-2","secret_key":"s"}`).Expect(t, 400, "92406201")
	b.call(`POST USERS {"name":"user-2","access_key":"mine","secret_key":"s"}`).Expect(t, 400, "92406205")
	b.call(regenerate+`{"access_key":"MINE2","secret_key":"t"}`).Expect(t, 200, "")
	if b.Valid("MINE1", "s") || !b.Valid("MINE2", "t") {
		t.Error("the pair of the caller does not work, or the old one still does")
	}
}

func TestUpgradeKeepsTheKeys(t *testing.T) {
	b := newBed(Options{Version: V9131})
	made := b.call(post)
	b.Upgrade(V9191)
	b.call("GET /api/cluster?fields=version").Expect(t, 200, "", `"major":19`, "NetApp Release 9.19.1P")
	b.call("GET USERS/user-1?fields=keys").Expect(t, 200, "", `"access_key"`)
	b.expectWorks(t, made, true)
}

func TestDeletingTheServerDeletesItsUsers(t *testing.T) {
	b := newBed(Options{})
	made := b.call(post)
	b.DeleteServer()
	b.expectWorks(t, made, false)
	b.call(post).Expect(t, 400, "92405773")
	b.call("GET USERS/user-1").Expect(t, 404, codeNotFound)
}

// TestOptions sends the lines of a case and checks the last response. GROUP adds the user to a group.
func TestOptions(t *testing.T) {
	const post, regenerate, remove = `POST USERS {"name":"a"}`, "PATCH USERS/a?regenerate_keys=true", "PATCH USERS/a?delete_keys=true"
	for name, test := range map[string]struct {
		options Options
		lines   []string
		status  int
		want    string // part of the body
	}{
		"ErrorStatus":        {Options{ErrorStatus: 409}, []string{`POST USERS {"name":"a#"}`}, 409, `"code":"92405787"`},
		"NotFoundStatus":     {Options{NotFoundStatus: 405}, []string{"GET USERS/a"}, 405, `"code":"4"`},
		"DuplicateStatus":    {Options{DuplicateStatus: 400, DuplicateCode: "92405795"}, []string{`POST USERS {"name":"root"}`}, 400, `"code":"92405795"`},
		"NumericCodes":       {Options{NumericCodes: true}, []string{"GET USERS/a"}, 404, `"code":4,`},
		"BareErrors":         {Options{BareErrors: true}, []string{"GET USERS/a"}, 404, ""},
		"no EmptyAnswers":    {Options{}, []string{`PATCH USERS/root {"comment":"c"}`}, 200, "{}"},
		"EmptyAnswers":       {Options{EmptyAnswers: true}, []string{`PATCH USERS/root {"comment":"c"}`}, 200, ""},
		"Jobs":               {Options{Jobs: true}, []string{post}, 202, `{"job":{"_links":{"self":{"href":"/api/cluster/jobs/`},
		"ExpiryLayout":       {Options{ExpiryLayout: time.RFC3339}, []string{`POST USERS {"name":"a","key_time_to_live":"P1D"}`}, 201, `"2026-03-02T12:00:00Z"`},
		"NamesIgnoreCase":    {Options{NamesIgnoreCase: true}, []string{post, "GET USERS/A"}, 200, `"name":"a"`},
		"no NamesIgnoreCase": {Options{}, []string{post, "GET USERS/A"}, 404, `"code":"4"`},
		"TTLKept":            {Options{TTLKept: true}, []string{`POST USERS {"name":"a","key_time_to_live":"P1D"}`, regenerate}, 200, "key_expiry_time"},

		"PropertiesFail with properties":    {Options{PropertiesFail: true}, []string{post, regenerate + ` {"comment":"c"}`}, 400, "92406081"},
		"PropertiesFail without properties": {Options{PropertiesFail: true}, []string{post, regenerate}, 200, "secret_key"},

		"EmptyDeleteRefused":    {Options{EmptyDeleteRefused: true}, []string{post, remove, remove}, 404, `"4"`},
		"no EmptyDeleteRefused": {Options{}, []string{post, remove, remove}, 200, "{}"},
		"InGroupCode":           {Options{InGroupCode: "92406308"}, []string{post, "GROUP", "DELETE USERS/a"}, 400, "92406308"},
		"no InGroupCode":        {Options{}, []string{post, "GROUP", "DELETE USERS/a"}, 200, "{}"},
		"MaxUsers":              {Options{MaxUsers: 2}, []string{post, `POST USERS {"name":"b"}`}, 400, codeUndocumented},

		"MaxTTL of a longer life":       {Options{MaxTTL: time.Hour}, []string{`POST USERS {"name":"a","key_time_to_live":"PT61M"}`}, 400, "92406196"},
		"MaxTTL of no life":             {Options{MaxTTL: time.Hour}, []string{post}, 400, "92406197"},
		"MaxTTL of a shorter life":      {Options{MaxTTL: time.Hour}, []string{`POST USERS {"name":"a","key_time_to_live":"PT1H"}`}, 201, "key_expiry_time"},
		"MaxTTL of a regeneration":      {Options{MaxTTL: time.Hour}, []string{"PATCH USERS/root?regenerate_keys=true {}"}, 400, "92406197"},
		"MaxTTL of a change of comment": {Options{MaxTTL: time.Hour}, []string{`PATCH USERS/root {"comment":"c"}`}, 200, "{}"},

		"EmptySlotsListed": {Options{Version: V9191, EmptySlotsListed: true}, []string{post, "GET USERS/a"}, 200, `,{"id":2}]`},
		"SecondKeyOnly":    {Options{Version: V9191, SecondKeyOnly: true}, []string{post, regenerate + ` {"key_id":2}`, "GET USERS/a"}, 200, `"id":2}]`},
		"TextKeyIDs":       {Options{Version: V9191, TextKeyIDs: true}, []string{post, "GET USERS/a"}, 200, `"id":"1"}]`},
		"PairInKeys":       {Options{Version: V9191, PairInKeys: true}, []string{post, regenerate + ` {"key_id":2,"key_time_to_live":"P1D"}`}, 200, `"keys":[{"access_key":`},
	} {
		b := newBed(test.options)
		var last simtest.Reply
		for _, line := range test.lines {
			if line == "GROUP" {
				b.AddToGroup("a")
				continue
			}
			last = b.call(line)
		}
		if last.Status != test.status || !strings.Contains(last.Body, test.want) || (test.want == "" && last.Body != "") {
			t.Errorf("%s: got %d %s", name, last.Status, last.Body)
		}
	}
}

func TestListContainsOnlyTheRequestedFields(t *testing.T) {
	b := newBed(Options{Version: V9191})
	b.call(`POST USERS {"name":"user-1","comment":"c","key_time_to_live":"P1D"}`).Expect(t, 201, "")
	for query, want := range map[string]string{
		"name=user-1":                                 "_links name svm",
		"name=user-1&fields=name":                     "_links name svm",
		"name=user-1&fields=access_key":               "_links access_key name svm",
		"name=user-1&fields=keys.access_key":          "_links keys name svm",
		"name=user-1&fields=name%2Ccomment":           "_links comment name svm",
		"name=user-1&fields=*":                        "_links access_key comment key_expiry_time key_time_to_live keys name svm",
		"name=user-1&fields=%2A%2A":                   "_links access_key comment key_expiry_time key_time_to_live keys name svm",
		"name=user-1&fields=key_expiry_time,svm.uuid": "_links key_expiry_time name svm",
	} {
		got := b.call("GET USERS?" + query)
		record, _ := got.At("records.0").(map[string]any)
		if fields := strings.Join(slices.Sorted(maps.Keys(record)), " "); fields != want || got.At("num_records") != 1.0 {
			t.Errorf("%s: got %s, want %s", query, got.Body, want)
		}
	}
}

// TestPages checks the forms of _links.next. The contract suite reads lists to their end.
func TestPages(t *testing.T) {
	for next, prefix := range map[Next]string{
		NextPath: users + "?", NextAbsolute: "https://example.com" + users + "?", NextForeign: "https://cluster.invalid" + users + "?",
		NextAstray: "/api/security/accounts?", NextBare: users + "?",
	} {
		b := newBed(Options{Next: next, PageSize: 3})
		for i := range 3 {
			b.add(t, fmt.Sprintf("a+%d", i))
		}
		page := b.call("GET USERS?fields=comment&max_records=5")
		href := page.Text("_links.next.href")
		parsed, err := url.Parse(href)
		if err != nil || !strings.HasPrefix(href, prefix) || parsed.Query().Has("fields") == (next == NextBare) || fmt.Sprint(names(page)) != "[a+0 a+1 a+2]" {
			t.Fatalf("%s: got %s", next, page.Body)
		}
		if last := b.call("GET USERS?" + parsed.RawQuery); fmt.Sprint(names(last)) != "[root]" || last.Has("_links", "next") {
			t.Errorf("%s: got %s", next, last.Body)
		}
	}
}

func TestTimesToLive(t *testing.T) {
	const day, long = 24 * time.Hour, 2*24*time.Hour + 6*time.Hour + 3*time.Minute + 10*time.Second
	for text, want := range map[string]time.Duration{
		"0": 0, "PT0S": 0, "P0DT0H0M0S": 0, "P2DT6H3M10S": long, "P1W": 7 * day, "PT6H3M": 6*time.Hour + 3*time.Minute,
		"P30D": 30 * day, "PT90M": 90 * time.Minute, "P1095D": 1095 * day, "P999999999W": maxLife + time.Second,
	} {
		if got, ok := parseLife(text); !ok || got != want {
			t.Errorf("%s: got %s, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "P", "PT", "P1DT", "1D", "P1M", "P1Y", "P1WT1H", "P1D1H", "PT1S1M", "P-1D", "P1.5D", "30d", "p1d"} {
		if got, ok := parseLife(text); ok {
			t.Errorf("%q is %s", text, got)
		}
	}
	for text, life := range map[string]time.Duration{"PT0S": 0, "P7D": 7 * day, "PT6H3M": 6*time.Hour + 3*time.Minute, "P2DT6H3M10S": long} {
		if got := formatLife(life); got != text {
			t.Errorf("%s: got %s, want %s", life, got, text)
		}
	}
}
