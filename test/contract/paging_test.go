// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
)

// many keys are at the service, of many users.
const many = 2500

var pagingCases = []contractCase{
	{"of 2,500 keys every one is listed once, in no more requests than there are pages", able[keyservice.AllLister], everyKeyOnce},
	{"of 2,500 keys a user's list has the user's own", func(_ subject, service keyservice.Service) bool {
		return !is[keyservice.AllLister](service) // for whom the case before has seen to it
	}, func(t *testing.T, s subject) {
		b := s.start(t, 0)
		b.crowd(t)
		ownKeysAmongMany(t, b)
	}},
	{"a user's list is complete with pages of any size", simulated, smallPages},
	{"a page that fails fails the whole list", simulated, aPageFails},
	{"an empty service lists nothing", able[keyservice.AllLister], func(t *testing.T, s subject) {
		b := s.start(t, 0)
		if all, err := b.Service.(keyservice.AllLister).ListAll(t.Context()); err != nil || len(all) != 0 || all == nil {
			t.Errorf("got %+v, %v", all, err)
		}
	}},
}

// crowd makes many keys, as many for each user as fit.
func (b *bed) crowd(t *testing.T) {
	t.Helper()
	each := b.capabilities(t).KeysPerUser
	b.foreign(t, alice)
	for i := range many - 1 {
		b.foreign(t, fmt.Sprintf("user-%04d", i/each))
	}
	if made := len(b.LivePairs()); made < many {
		t.Fatalf("%d keys were made", made)
	}
}

func everyKeyOnce(t *testing.T, s subject) {
	for _, page := range s.pages {
		check(t, s, fmt.Sprintf("pages of %d", page), func(t *testing.T) {
			b := s.start(t, page)
			b.crowd(t)
			if page == s.pages[len(s.pages)-1] {
				ownKeysAmongMany(t, b)
			}
			for range b.capabilities(t).KeysPerUser - 1 {
				b.foreign(t, alice) // so that a service of one user has pages too
			}
			b.list(t, b.alice) // logged in and connected
			before := b.sent()
			all, err := b.Service.(keyservice.AllLister).ListAll(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got, listed := map[string]string{}, 0
			for user, keys := range all {
				for _, key := range keys {
					got[key.ID] = user
					listed++
				}
			}
			if want := b.visible(); !maps.Equal(got, want) || listed != len(want) {
				t.Errorf("%d keys are listed, %d of them different, and there are %d", listed, len(got), len(want))
			}
			size := s.pageSize
			if page > 0 {
				size = min(size, page)
			}
			if sent, pages := b.sent()-before, (b.items()+size-1)/size; sent != pages {
				t.Errorf("%d requests for %d pages", sent, pages)
			}
		})
	}
}

// ownKeysAmongMany checks that the keys of one user cost one request, with any number of other keys.
func ownKeysAmongMany(t *testing.T, b *bed) {
	t.Helper()
	b.list(t, b.alice) // logged in and connected
	before := b.sent()
	keys := b.list(t, b.alice)
	if len(keys) != 1 || keys[0].AccessKeyID == "" {
		t.Errorf("got %+v", keys)
	}
	if sent := b.sent() - before; sent != 1 {
		t.Errorf("%d requests for one user's keys", sent)
	}
}

func smallPages(t *testing.T, s subject) {
	b := s.start(t, 1)
	var ids []string
	for range b.capabilities(t).KeysPerUser {
		ids = append(ids, b.create(t, b.alice).ID)
	}
	keys := b.list(t, b.alice)
	for _, id := range ids {
		if find(keys, id) == nil {
			t.Errorf("key %s is missing", id)
		}
	}
	if len(keys) != len(ids) {
		t.Errorf("%d keys are listed, %d were made", len(keys), len(ids))
	}
}

// aPageFails checks that a list fails with any of its pages, since half a list would look like lost keys.
func aPageFails(t *testing.T, s subject) {
	b := s.start(t, 1)
	for range b.capabilities(t).KeysPerUser {
		b.create(t, b.alice)
	}
	b.create(t, b.bobOrAlice(t))
	lister, listsAll := b.Service.(keyservice.AllLister)
	list := func() error { _, err := b.List(t.Context(), b.alice); return err }
	if listsAll {
		list = func() error { _, err := lister.ListAll(t.Context()); return err }
	}
	before := b.sent()
	if err := list(); err != nil {
		t.Fatal(err)
	}
	pages := b.sent() - before
	if pages < 2 {
		t.Fatalf("there is one page only")
	}
	for failing := range pages {
		asked := 0
		lift := b.core.Inject(simulator.Rule{Method: last(s.requests[opList]).rule.Method}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if asked++; asked == failing+1 {
				simulator.Answer(http.StatusServiceUnavailable, nil, "")(w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		})
		if err := list(); keyservice.KindOf(err) != keyservice.Unavailable || err == nil {
			t.Errorf("page %d of %d: %v", failing+1, pages, err)
		}
		lift()
	}
}

// bobOrAlice returns a user who can get another key. If both are the token's user, it deletes one of the keys.
func (b *bed) bobOrAlice(t *testing.T) string {
	t.Helper()
	if b.bob != b.alice {
		return b.bob
	}
	expect(t, b.Delete(t.Context(), b.alice, b.list(t, b.alice)[0].ID), fine)
	b.settle(t, b.alice)
	return b.alice
}
