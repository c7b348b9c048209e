// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

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
