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

func TestPages(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		query   string
		sizes   string
	}{
		"of the requested size": {Options{}, "limit=3", "[3 3 2]"},
		"of the default size":   {Options{}, "", "[8]"},
		"shorter":               {Options{PageSize: 5}, "limit=200", "[5 3]"},
		"short and empty":       {Options{Pages: PagesShort}, "limit=200", "[0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1]"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(test.options)
			for i := range 6 {
				b.AddUser(fmt.Sprint("user", i))
			}
			var sizes []int
			seen := map[any]bool{}
			for query, more := test.query, true; more; {
				page := b.call("GET /v5/users?" + query)
				for _, user := range page.List("users") {
					seen[fmt.Sprint(user)] = true
				}
				sizes = append(sizes, len(page.List("users")))
				next := page.Text("page_info.next_marker")
				if more = page.Has("page_info", "next_marker"); more != markerPattern.MatchString(next) || page.At("page_info.current_count") != float64(sizes[len(sizes)-1]) {
					t.Fatalf("got %s", page.Body)
				}
				query = test.query + "&marker=" + url.QueryEscape(next)
			}
			if fmt.Sprint(sizes) != test.sizes || len(seen) != 8 {
				t.Errorf("got pages of %v with %d users", sizes, len(seen))
			}
		})
	}
}

func TestFormOfAnEmptyList(t *testing.T) {
	for empty, want := range map[string]string{
		"": `{"access_keys":[],"page_info":{"current_count":0}}`, "null": `{"access_keys":null,"page_info":{"current_count":0}}`,
		"absent": `{"page_info":{"current_count":0}}`,
	} {
		if got := newBed(Options{Empty: empty}).call("GET " + aliceKeys); got.Body != want {
			t.Errorf("%s: got %s", empty, got.Body)
		}
	}
}

func TestChangesAreVisibleAfterTheListLag(t *testing.T) {
	b := newBed(Options{Lag: 10 * time.Second})
	id := b.call("POST " + aliceKeys).Text("access_key.access_key_id")
	listed := func() bool { return strings.Contains(b.call("GET "+aliceKeys).Body, id) }
	path := aliceKeys + "/" + id
	if listed() || len(b.Keys("alice")) != 1 {
		t.Error("a new key is listed at once")
	}
	b.call("DELETE "+path).Expect(t, 404, "IAM.0004")
	if b.clock.Pass(10 * time.Second); !listed() {
		t.Error("a key is not listed after the lag")
	}
	b.call("DELETE "+path).Expect(t, 204, "")
	b.call("DELETE "+path).Expect(t, 404, "IAM.0004")
	if b.clock.Pass(9 * time.Second); !listed() {
		t.Error("a deleted key disappears from the list at once")
	}
	if b.clock.Pass(time.Second); listed() {
		t.Error("a deleted key is listed after the lag")
	}
}
