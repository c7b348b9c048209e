// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestPagesLeadFromOneToTheNext(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		query   string
		sizes   string
	}{
		"as asked for":    {Options{}, "limit=3", "[3 3 2]"},
		"by the default":  {Options{}, "", "[8]"},
		"shorter":         {Options{PageSize: 5}, "limit=200", "[5 3]"},
		"empty and short": {Options{Pages: PagesShort}, "limit=200", "[0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1]"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(test.options)
			for i := range 6 {
				b.AddUser(fmt.Sprint("user", i))
			}
			var sizes []int
			seen := map[any]bool{}
			for query := test.query; ; {
				page := b.call("GET /v5/users?" + query)
				users, _ := page.fields["users"].([]any)
				for _, user := range users {
					seen[user.(map[string]any)["user_name"]] = true
				}
				sizes = append(sizes, len(users))
				info := page.fields["page_info"].(map[string]any)
				if int(info["current_count"].(float64)) != len(users) {
					t.Errorf("got %s", page.body)
				}
				next, more := info["next_marker"].(string)
				if !more {
					break
				}
				if !markerPattern.MatchString(next) {
					t.Fatalf("the marker is %q", next)
				}
				query = test.query + "&marker=" + url.QueryEscape(next)
			}
			if fmt.Sprint(sizes) != test.sizes || len(seen) != 8 {
				t.Errorf("pages of %v with %d users", sizes, len(seen))
			}
		})
	}
}

func TestPagesCanBeStuck(t *testing.T) {
	b := newBed(Options{Pages: PagesStuck, PageSize: 1})
	first := b.call("GET /v5/users")
	next := first.fields["page_info"].(map[string]any)["next_marker"].(string)
	again := b.call("GET /v5/users?marker=" + url.QueryEscape(next))
	if again.fields["page_info"].(map[string]any)["next_marker"] != next {
		t.Errorf("got %s", again.body)
	}
}

func TestAnEmptyListIsWrittenAsTheOptionsSay(t *testing.T) {
	for empty, want := range map[string]string{
		"": `{"access_keys":[],"page_info":{"current_count":0}}`, "null": `{"access_keys":null,"page_info":{"current_count":0}}`,
		"absent": `{"page_info":{"current_count":0}}`,
	} {
		if got := newBed(Options{Empty: empty}).call("GET " + aliceKeys); got.body != want {
			t.Errorf("%s: got %s", empty, got.body)
		}
	}
}

func TestChangesShowAfterTheLag(t *testing.T) {
	b := newBed(Options{Lag: 10 * time.Second})
	id, _ := b.call("POST " + aliceKeys).key()["access_key_id"].(string)
	listed := func() bool { return strings.Contains(b.call("GET "+aliceKeys).body, id) }
	path := aliceKeys + "/" + id
	if listed() || len(b.Keys("alice")) != 1 {
		t.Error("a new key is listed at once")
	}
	b.call("PUT "+path+` {"status":"inactive"}`).expect(t, 404, "IAM.0004")
	b.call("DELETE "+path).expect(t, 404, "IAM.0004")
	b.call("GET "+path+"/last-used").expect(t, 404, "IAM.0004")
	b.pass(10 * time.Second)
	if !listed() {
		t.Error("a key is not listed after the lag")
	}
	b.call("DELETE "+path).expect(t, 204, "")
	b.call("DELETE "+path).expect(t, 404, "IAM.0004")
	if b.pass(9 * time.Second); !listed() {
		t.Error("a deleted key is gone from the list at once")
	}
	if b.pass(time.Second); listed() {
		t.Error("a deleted key stays listed")
	}
}
