// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"testing"
)

// TestPages reads three keys by pages of two: a full one, a short one, and one beyond the end.
func TestPages(t *testing.T) {
	const second, first = "http://example.com/accesskeys?offset=2&limit=2", "http://example.com/accesskeys?offset=0&limit=2"
	for next, want := range map[Next][3]string{
		NextHTTP:    {second, "<nil>", "<nil>"},
		NextForeign: {"http://s3.invalid/accesskeys?offset=2&limit=2", "<nil>", "<nil>"},
		NextAbsent:  {"<nil>", "<nil>", "<nil>"},
		NextAlways:  {second, "http://example.com/accesskeys?offset=4&limit=2", "http://example.com/accesskeys?offset=6&limit=2"},
	} {
		t.Run(string(next), func(t *testing.T) {
			b := newBed(Options{Next: next, PageSize: 2})
			for range 3 {
				b.call("POST /accesskeys " + described)
			}
			seen := map[any]bool{}
			for i, size := range []int{2, 1, 0} {
				page := b.call(fmt.Sprint("GET /accesskeys?limit=7&offset=", 2*i))
				if len(page.items()) != size || page.fields["limit"] != 2.0 || page.fields["offset"] != float64(2*i) {
					t.Errorf("got %s", page.body)
				}
				for _, item := range page.items() {
					seen[item["id"]] = true
				}
				links, _ := page.fields["_links"].(map[string]any)
				prev := []string{"<nil>", first, second}[i]
				if fmt.Sprint(links["next"]) != want[i] || fmt.Sprint(links["prev"]) != prev {
					t.Errorf("links are %v", links)
				}
			}
			if len(seen) != 3 {
				t.Errorf("%d keys", len(seen))
			}
		})
	}
}

func TestAListMayBeFilteredByTheAccessKey(t *testing.T) {
	b := newBed(Options{})
	accessKey, _ := b.make(t, one)
	b.make(t, two)
	filtered := b.call("GET /accesskeys?filter.accesskeyId=" + accessKey).items()
	if len(filtered) != 1 || filtered[0]["id"] != one {
		t.Errorf("got %v", filtered)
	}
	if empty := b.call("GET /accesskeys?filter.accesskeyId=" + one); len(empty.items()) != 0 || empty.fields["limit"] != 100.0 {
		t.Errorf("got %s", empty.body)
	}
}
