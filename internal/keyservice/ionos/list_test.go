// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cloud "accesskey.dev/operator/test/simulator/ionos"
)

func TestEveryPageIsReadInEveryFormOfTheNextLink(t *testing.T) {
	for _, next := range []cloud.Next{cloud.NextHTTP, cloud.NextForeign, cloud.NextAbsent, cloud.NextAlways} {
		for _, size := range []int{1, 2, 3, 5, 0} {
			t.Run(fmt.Sprint("next is ", next, ", ", size, " a page"), func(t *testing.T) {
				b := newBed(t, cloud.Options{Next: next, PageSize: size})
				b.makeKeys(t, 4)
				ours := b.create(t, 1)
				all, err := b.ListAll(t.Context())
				if err != nil || len(all) != 1 || len(all[""]) != 5 {
					t.Fatalf("got %v, %v", all, err)
				}
				if keys := b.list(t); len(keys) != 5 || keys[ours.ID] != ours.Key {
					t.Errorf("got %v", keys)
				}
			})
		}
	}
}

func TestTheFieldsOfAListedKey(t *testing.T) {
	const id = "c36c5a2f-0000-5000-8000-000000000000"
	b := newBed(t, cloud.Options{})
	for name, test := range map[string]struct {
		item string
		want keyservice.Key
	}{
		"the ID alone": {`{"id":"a"}`, keyservice.Key{ID: "a"}},
		"a time with an offset, and a state": {
			`{"id":"a","metadata":{"createdDate":"2020-12-10T13:37:50+01:00","status":"DESTROYING"},"properties":{"accessKey":"A"}}`,
			keyservice.Key{ID: "a", AccessKeyID: "A", CreatedAt: time.Date(2020, 12, 10, 12, 37, 50, 0, time.UTC), State: keyservice.Deleting},
		},
		"a key that failed": {`{"id":"a","metadata":{"status":"FAILED"}}`, keyservice.Key{ID: "a", State: keyservice.Failed}},
		"a key that failed with a reason": {
			`{"id":"a","metadata":{"status":"FAILED","statusMessage":"no\nspace"}}`, keyservice.Key{ID: "a", State: keyservice.Failed, Message: "no space"},
		},
		"a key that is not ready, with a reason": {
			`{"id":"a","metadata":{"status":"PROVISIONING","statusMessage":"queued"}}`, keyservice.Key{ID: "a", State: keyservice.Pending, Message: "queued"},
		},
		"a reason that quotes the token": {
			`{"id":"a","metadata":{"status":"FAILED","statusMessage":"no user of ` + b.alice + `"}}`,
			keyservice.Key{ID: "a", State: keyservice.Failed, Message: "no user of [redacted]"},
		},
		"a reason that is an object": {`{"id":"a","metadata":{"status":"FAILED","statusMessage":{}}}`, keyservice.Key{ID: "a", State: keyservice.Failed}},
		"a state unheard of":         {`{"id":"a","metadata":{"status":"SHINING"}}`, keyservice.Key{ID: "a"}},
		"members of other types":     {`{"id":"a","metadata":[],"properties":7}`, keyservice.Key{ID: "a"}},
		"a foreign description":      {`{"id":"a","properties":{"description":"x"}}`, keyservice.Key{ID: "a"}},
		"our mark": {
			`{"id":"` + id + `","properties":{"description":"` + mark(owner, id) + `"}}`, keyservice.Key{ID: id, OwnerUID: owner.UID},
		},
		"our mark on another key": {`{"id":"a","properties":{"description":"` + mark(owner, id) + `"}}`, keyservice.Key{ID: "a"}},
		"an ID in upper case":     {`{"id":"ABC"}`, keyservice.Key{ID: "abc"}},
		"an access key of the old, short kind": {
			`{"id":"a","properties":{"accessKey":"00f"}}`, keyservice.Key{ID: "a", AccessKeyID: "00f"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer b.cloud.Inject(anyList, simulator.Answer(200, nil, `{"items":[`+test.item+`]}`))()
			keys, err := b.List(t.Context(), "")
			if err != nil || len(keys) != 1 || keys[0] != test.want {
				t.Errorf("got %+v, %v, want %+v", keys, err, test.want)
			}
		})
	}
}

func TestAnIncompleteListIsAnError(t *testing.T) {
	full := strings.Repeat(`{"id":"a"},`, pageLimit)
	for name, test := range map[string]struct {
		effect simulator.Effect
		text   string
	}{
		"the pages go in a circle": {simulator.Answer(200, nil, `{"items":[`+full[:len(full)-1]+`]}`), "circle"},
		"a next page as an object": {simulator.Answer(200, nil, `{"items":[{"id":"a"}],"_links":{"next":{"href":"x"}}}`), "circle"},
		"a small page without end": {simulator.Answer(200, nil, `{"items":[{"id":"a"}],"_links":{"next":"x"}}`), "circle"},
		"a key has no ID":          {simulator.Answer(200, nil, `{"items":[{"href":"/accesskeys/a"}]}`), "without its id"},
		"a key is null":            {simulator.Answer(200, nil, `{"items":[null]}`), "without its id"},
		"items that are null":      {simulator.Answer(200, nil, `{"items":null}`), "not that of the IONOS"},
		"items that are an object": {simulator.Answer(200, nil, `{"items":{}}`), "not that of the IONOS"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cloud.Options{})
			b.cloud.Inject(anyList, test.effect)
			all, err := b.ListAll(t.Context())
			expectKind(t, err, keyservice.Unavailable, "list keys: ", test.text)
			if all != nil {
				t.Errorf("got %v", all)
			}
			_, err = b.List(t.Context(), "")
			expectKind(t, err, keyservice.Unavailable, test.text)
		})
	}
}

func TestAKeyThatMovesBetweenTwoPagesIsListedOnce(t *testing.T) {
	b := newBed(t, cloud.Options{})
	page := func(offset int, body string) {
		b.cloud.Inject(simulator.Rule{Path: keysPath, Query: fmt.Sprint("offset=", offset)}, simulator.Answer(200, nil, body))
	}
	page(0, `{"items":[{"id":"a"},{"id":"b"}],"limit":2}`)
	page(2, `{"items":[{"id":"b"},{"id":"c"}],"limit":2}`)
	page(4, `{"items":[],"limit":2}`)
	if keys := b.list(t); len(keys) != 3 {
		t.Errorf("got %v", keys)
	}
}
