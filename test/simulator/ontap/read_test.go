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
	b := newBed(Options{})
	b.call(`POST USERS {"name":"user-1","comment":"c","key_time_to_live":"P1D"}`).Expect(t, 201, "")
	for query, want := range map[string]string{
		"name=user-1":                                 "_links name svm",
		"name=user-1&fields=name":                     "_links name svm",
		"name=user-1&fields=access_key":               "_links access_key name svm",
		"name=user-1&fields=name%2Ccomment":           "_links comment name svm",
		"name=user-1&fields=*":                        "_links access_key comment key_expiry_time key_time_to_live name svm",
		"name=user-1&fields=%2A%2A":                   "_links access_key comment key_expiry_time key_time_to_live name svm",
		"name=user-1&fields=key_expiry_time,svm.uuid": "_links key_expiry_time name svm",
	} {
		got := b.call("GET USERS?" + query)
		record, _ := got.At("records.0").(map[string]any)
		if fields := strings.Join(slices.Sorted(maps.Keys(record)), " "); fields != want || got.At("num_records") != 1.0 {
			t.Errorf("%s: got %s, want %s", query, got.Body, want)
		}
	}
}

func TestListIsFilteredByName(t *testing.T) {
	b := newBed(Options{Version: V9191})
	b.add(t, "a+b")
	b.add(t, "c")
	for query, want := range map[string]string{
		"":              "[a+b c root]",
		"name=c":        "[c]",
		"name=C":        "[]",
		"name=a%2Bb":    "[a+b]",
		"name=a+b":      "[]", // + is a space in a query
		"max_records=2": "[a+b c]",
		"return_timeout=0&fields=keys.access_key&name=c": "[c]",
	} {
		if got := b.call("GET USERS?" + query); got.Status != 200 || fmt.Sprint(names(got)) != want {
			t.Errorf("%s: got %d %s, want %s", query, got.Status, names(got), want)
		}
	}
	insensitive := newBed(Options{NamesIgnoreCase: true})
	insensitive.add(t, "c")
	if got := fmt.Sprint(names(insensitive.call("GET USERS?name=C"))); got != "[c]" {
		t.Errorf("got %s", got)
	}
}

func TestPages(t *testing.T) {
	for next, prefix := range map[Next]string{
		NextPath: users + "?", NextAbsolute: "https://example.com" + users + "?", NextForeign: "https://cluster.invalid" + users + "?",
		NextAstray: "/api/security/accounts?", NextBare: users + "?",
	} {
		t.Run(string(next), func(t *testing.T) {
			b := newBed(Options{Next: next, PageSize: 3})
			for i := range 6 {
				b.add(t, fmt.Sprintf("a+%d", i))
			}
			var sizes []int
			seen := map[string]bool{}
			for query, more := "fields=comment&max_records=5", true; more; {
				page := b.call("GET USERS?" + query)
				for _, name := range names(page) {
					seen[name] = true
				}
				sizes = append(sizes, len(names(page)))
				if more = page.Has("_links", "next"); more {
					href := page.Text("_links.next.href")
					parsed, err := url.Parse(href)
					if err != nil || !strings.HasPrefix(href, prefix) || parsed.Query().Has("fields") == (next == NextBare) {
						t.Fatalf("next is %q", href)
					}
					query = parsed.RawQuery
				}
			}
			if fmt.Sprint(sizes) != "[3 3 1]" || len(seen) != 7 {
				t.Errorf("got pages of %v with %d users", sizes, len(seen))
			}
		})
	}
	stuck := newBed(Options{Next: NextStuck, PageSize: 1})
	stuck.add(t, "a")
	first := stuck.call("GET USERS").Text("_links.next.href")
	if again := stuck.call("GET " + first).Text("_links.next.href"); again != first {
		t.Errorf("%v leads to %v", first, again)
	}
}

func TestSVMsAreFoundByNameOrUUID(t *testing.T) {
	b := newBed(Options{})
	for query, want := range map[string]float64{
		"": 2, "name=svm1": 1, "name=none": 0, "uuid=" + DefaultSVMUUID: 1, "name=other&uuid=" + DefaultSVMUUID: 0,
		"name=svm1&fields=uuid&max_records=1&return_timeout=15": 1,
	} {
		if got := b.call("GET /api/svm/svms?" + query); got.Status != 200 || got.At("num_records") != want {
			t.Errorf("%s: got %d %s", query, got.Status, got.Body)
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
