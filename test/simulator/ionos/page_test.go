// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"testing"
)

// TestPages reads three keys in pages of two: a full page, a short one, and one after the end.
func TestPages(t *testing.T) {
	page := func(offset int) string { return fmt.Sprintf("http://example.com/accesskeys?offset=%d&limit=2", offset) }
	for next, want := range map[Next][3]string{
		NextHTTP:    {page(2), "", ""},
		NextForeign: {"http://s3.invalid/accesskeys?offset=2&limit=2", "", ""},
		NextAbsent:  {"", "", ""},
		NextAlways:  {page(2), page(4), page(6)},
	} {
		t.Run(string(next), func(t *testing.T) {
			b := newBed(Options{Next: next, PageSize: 2})
			for range 3 {
				b.call(post)
			}
			seen := map[any]bool{}
			for i, size := range []int{2, 1, 0} {
				got := b.call(fmt.Sprint(list, "?limit=7&offset=", 2*i))
				if len(got.List("items")) != size || got.At("limit") != 2.0 || got.At("offset") != float64(2*i) {
					t.Errorf("got %s", got.Body)
				}
				for n := range size {
					seen[got.At(fmt.Sprint("items.", n, ".id"))] = true
				}
				if previous := []string{"", page(0), page(2)}[i]; got.Text("_links.next") != want[i] || got.Text("_links.prev") != previous {
					t.Errorf("got the links %v", got.At("_links"))
				}
			}
			if len(seen) != 3 {
				t.Errorf("got %d keys", len(seen))
			}
		})
	}
	if got := newBed(Options{}).call(list); got.At("limit") != 100.0 {
		t.Errorf("the default limit is %v", got.At("limit"))
	}
}
