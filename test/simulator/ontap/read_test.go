// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestACollectionGivesNoMoreThanItIsAskedFor(t *testing.T) {
	b := newBed(Options{})
	b.call(`POST USERS {"name":"user-1","comment":"c","key_time_to_live":"P1D"}`).expect(t, 201, "")
	for query, want := range map[string]string{
		"name=user-1":                                  "_links name svm",
		"name=user-1&fields=name":                      "_links name svm",
		"name=user-1&fields=access_key":                "_links access_key name svm",
		"name=user-1&fields=name%2Ccomment":            "_links comment name svm",
		"name=user-1&fields=*":                         "_links access_key comment key_expiry_time key_time_to_live name svm",
		"name=user-1&fields=%2A%2A":                    "_links access_key comment key_expiry_time key_time_to_live name svm",
		"name=user-1&fields=key_expiry_time,svm.uuid":  "_links key_expiry_time name svm",
		"comment=c&key_time_to_live=P1D&svm.name=svm1": "_links name svm",
	} {
		record := b.call("GET USERS?" + query).record(t)
		if got := sortedKeys(record); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	none := b.call("GET USERS?return_records=false")
	if _, given := none.fields["records"]; given || none.fields["num_records"] != 2.0 {
		t.Errorf("got %s", none.body)
	}
}

func sortedKeys(record map[string]any) string {
	var keys []string
	for _, key := range []string{"_links", "access_key", "comment", "key_expiry_time", "key_time_to_live", "keys", "name", "secret_key", "svm"} {
		if _, given := record[key]; given {
			keys = append(keys, key)
		}
	}
	return strings.Join(keys, " ")
}

func TestFilters(t *testing.T) {
	b := newBed(Options{Version: V9191})
	b.add(t, "a+b")
	pair := b.add(t, "c")
	b.SetComment("c", "two")
	second, _, _ := b.MakeKey("c", 2)
	for query, want := range map[string]string{
		"":                                    "a+b c root",
		"name=c":                              "c",
		"name=C":                              "",
		"name=a%2Bb":                          "a+b",
		"name=a+b":                            "", // in a query it is a space
		"comment=two":                         "c",
		"access_key=" + pair.AccessKeyID:      "c",
		"keys.access_key=" + pair.AccessKeyID: "c",
		"keys.access_key=" + second.AccessKeyID + "&name=a%2Bb": "",
		"svm.name=other": "",
		"svm.uuid=" + DefaultSVMUUID + "&order_by=name&return_timeout=120": "a+b c root",
		"max_records=2": "a+b c",
		"return_timeout=0&return_records=True&fields=keys.access_key&name=c": "c",
	} {
		if got := b.call("GET USERS?" + query); got.status != 200 || names(got) != want {
			t.Errorf("%s: got %d %s, want %s", query, got.status, names(got), want)
		}
	}
	insensitive := newBed(Options{NamesIgnoreCase: true})
	insensitive.add(t, "c")
	if got := names(insensitive.call("GET USERS?name=C")); got != "c" {
		t.Errorf("got %s", got)
	}
}

func TestPagesLeadFromOneToTheNext(t *testing.T) {
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
			for query := "fields=comment&max_records=5"; ; {
				page := b.call("GET USERS?" + query)
				for _, name := range strings.Fields(names(page)) {
					seen[name] = true
				}
				sizes = append(sizes, len(strings.Fields(names(page))))
				following, more := page.fields["_links"].(map[string]any)["next"].(map[string]any)
				if !more {
					break
				}
				href, _ := following["href"].(string)
				parsed, err := url.Parse(href)
				if err != nil || !strings.HasPrefix(href, prefix) || parsed.Query().Has("fields") == (next == NextBare) {
					t.Fatalf("next is %q", href)
				}
				query = parsed.RawQuery
			}
			if fmt.Sprint(sizes) != "[3 3 1]" || len(seen) != 7 {
				t.Errorf("pages of %v with %d users", sizes, len(seen))
			}
		})
	}
	stuck := newBed(Options{Next: NextStuck, PageSize: 1})
	stuck.add(t, "a")
	first := stuck.call("GET USERS").fields["_links"].(map[string]any)["next"].(map[string]any)["href"]
	again := stuck.call("GET " + fmt.Sprint(first)).fields["_links"].(map[string]any)["next"].(map[string]any)["href"]
	if first != again {
		t.Errorf("%v leads to %v", first, again)
	}
}

func TestSVMsAreFoundByNameOrUUID(t *testing.T) {
	b := newBed(Options{})
	for query, want := range map[string]int{
		"": 2, "name=svm1": 1, "name=none": 0, "uuid=" + DefaultSVMUUID: 1, "name=other&uuid=" + DefaultSVMUUID: 0,
		"name=svm1&fields=uuid&max_records=1&return_timeout=15": 1,
	} {
		got := b.call("GET /api/svm/svms?" + query)
		if got.status != 200 || got.fields["num_records"] != float64(want) {
			t.Errorf("%s: got %d %s", query, got.status, got.body)
		}
	}
}

func TestLives(t *testing.T) {
	day := 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "PT0S": 0, "P0DT0H0M0S": 0, "P2DT6H3M10S": 2*day + 6*time.Hour + 3*time.Minute + 10*time.Second, "P1W": 7 * day,
		"PT6H3M": 6*time.Hour + 3*time.Minute, "P30D": 30 * day, "PT90M": 90 * time.Minute, "P1095D": 1095 * day,
		"P999999999W": maxLife + time.Second,
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
	for text, life := range map[string]time.Duration{
		"PT0S": 0, "P7D": 7 * day, "PT6H3M": 6*time.Hour + 3*time.Minute, "P2DT6H3M10S": 2*day + 6*time.Hour + 3*time.Minute + 10*time.Second,
	} {
		if got := formatLife(life); got != text {
			t.Errorf("%s: got %s, want %s", life, got, text)
		}
	}
}
