// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

func TestAnExpiredKeyIsStillListed(t *testing.T) {
	b := newBed(t, netapp.Options{})
	key := b.create(t, "backup", month)
	b.clock.SetTime(start.Add(2 * month.TTL))
	keys := b.list(t, "backup")
	if len(keys) != 1 || !keys[0].ExpiresAt.Equal(start.Add(month.TTL)) {
		t.Errorf("got %+v", keys)
	}
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.QuotaExceeded)
	regenerated, err := b.Regenerate(t.Context(), "backup", key.ID, month.TTL)
	if err != nil {
		t.Fatal(err)
	}
	b.works(t, regenerated, true)
}

func TestListAllReadsEveryPage(t *testing.T) {
	for _, next := range []netapp.Next{netapp.NextPath, netapp.NextBare} {
		for _, version := range versions {
			t.Run(fmt.Sprint(next, " ", version), func(t *testing.T) {
				b := newBed(t, netapp.Options{Version: version, Next: next, PageSize: 2})
				want := map[string]string{"backup": "backup"}
				b.create(t, "backup", month)
				for i := range 4 {
					name := fmt.Sprintf("user+%d@a.example", i)
					b.person(t, name)
					want[name] = name
				}
				b.person(t, "keyless")
				b.cluster.RemoveKey("keyless")
				if version == netapp.V9191 {
					b.second(t, "backup")
					want["backup"] = "backup backup/2"
				}
				all, err := b.ListAll(t.Context())
				if err != nil || len(all) != len(want) {
					t.Fatalf("got %v, %v", all, err)
				}
				for name, keys := range all {
					if ids(keys) != want[name] || keys[0].AccessKeyID == "" {
						t.Errorf("%s: got %+v", name, keys)
					}
				}
				if all["backup"][0].OwnerUID != aliceUID || all["backup"][0].ExpiresAt.IsZero() {
					t.Errorf("got %+v", all["backup"])
				}
				b.calls(t, getUsers, 4)
			})
		}
	}
}

func TestAPageThatLeadsElsewhereIsNotFollowed(t *testing.T) {
	for _, next := range []netapp.Next{netapp.NextAbsolute, netapp.NextForeign, netapp.NextAstray} {
		t.Run(string(next), func(t *testing.T) {
			b := newBed(t, netapp.Options{Next: next, PageSize: 1})
			b.person(t, "backup")
			all, err := b.ListAll(t.Context())
			expectKind(t, err, keyservice.Unavailable, "list keys: SVM svm1: ", "not one of its own list")
			if all != nil {
				t.Errorf("got %v", all)
			}
			b.calls(t, getUsers, 1)
			b.calls(t, simulator.Unmatched, 0)
		})
	}
}

func TestAnIncompleteListIsAnError(t *testing.T) {
	page := func(records, next string) simulator.Effect {
		return simulator.Answer(200, nil, `{"records":[`+records+`],"_links":{"next":{"href":"`+next+`"}}}`)
	}
	for name, test := range map[string]struct {
		effect simulator.Effect
		text   string
	}{
		"the next page is no URI":    {page(`{"name":"a"}`, "http://[::1"), "not one of its own list"},
		"the next page has a scheme": {page(`{"name":"a"}`, "https:"+users), "not one of its own list"},
		"the pages go in a circle":   {page(`{"name":"a"}`, users+"?start.name=a"), "circle"},
		"a user has no name":         {page(`{"access_key":"A"}`, ""), "without its name"},
		"a key has no id":            {page(`{"name":"a","keys":[{"access_key":"A"}]}`, ""), "without its id"},
		"a key has an odd id":        {page(`{"name":"a","keys":[{"id":"x","access_key":"A"}]}`, ""), "without its id"},
		"the keys are no list":       {page(`{"name":"a","keys":"none"}`, ""), "not that of an ONTAP"},
		"records that are null":      {simulator.Answer(200, nil, `{"records":null}`), "not that of an ONTAP"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{PageSize: 1})
			b.person(t, "backup")
			b.cluster.Inject(anyRead, test.effect)
			all, err := b.ListAll(t.Context())
			expectKind(t, err, keyservice.Unavailable, "list keys: ", test.text)
			if all != nil {
				t.Errorf("got %v", all)
			}
		})
	}
}

func TestOneUserIsReadWholeOrNotAtAll(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		text   string
	}{
		"no name":            {simulator.Answer(200, nil, `{"access_key":"A"}`), keyservice.Unavailable, "not that of an ONTAP"},
		"keys without an id": {simulator.Answer(200, nil, `{"name":"backup","keys":[{"access_key":"A"}]}`), keyservice.Unavailable, "without its id"},
		"a page of a proxy":  {simulator.Answer(200, nil, `<html>`), keyservice.Unavailable, "not that of an ONTAP"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{})
			b.person(t, "backup")
			b.cluster.Inject(anyRead, test.effect)
			keys, err := b.List(t.Context(), "backup")
			expectKind(t, err, test.kind, "read user: S3 user backup: ", test.text)
			if keys != nil {
				t.Errorf("got %v", keys)
			}
		})
	}
}

func TestNamesOfUsers(t *testing.T) {
	b := newBed(t, netapp.Options{})
	for _, name := range []string{
		"a", "user+tag@domain.example", "a=b", "a,b", "A_b-c.d", "0123456789012345678901234567890123456789012345678901234567890123", "+", "=@", "...a",
	} {
		t.Run(name, func(t *testing.T) {
			key := b.create(t, name, month)
			b.works(t, key, true)
			if keys := b.list(t, name); len(keys) != 1 || keys[0].ID != name {
				t.Errorf("listed %+v", keys)
			}
			if err := b.Delete(t.Context(), name, key.ID); err != nil {
				t.Error(err)
			}
			b.works(t, key, false)
		})
	}
	b.cluster.ResetCalls()
	for name, text := range map[string]string{
		"": "1 to 64 characters",
		"01234567890123456789012345678901234567890123456789012345678901234": "1 to 64 characters",
		"a b": "1 to 64 characters", "a/b": "1 to 64 characters", "ä": "1 to 64 characters", "a#": "1 to 64 characters",
		".": "name of dots", "..": "name of dots", "root": "not the operator's", "ROOT": "not the operator's",
	} {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			_, err := b.List(t.Context(), name)
			expectKind(t, err, keyservice.Invalid, "read user: S3 user ", text)
			_, err = b.Create(t.Context(), name, month)
			expectKind(t, err, keyservice.Invalid, "create key: S3 user ", text)
			_, err = b.Regenerate(t.Context(), name, name, 0)
			expectKind(t, err, keyservice.Invalid, "regenerate key: S3 user ", text)
		})
	}
	if calls := b.cluster.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestChooseID(t *testing.T) {
	keys := func(ids ...string) []keyservice.Key {
		var all []keyservice.Key
		for _, id := range ids {
			all = append(all, keyservice.Key{ID: id})
		}
		return all
	}
	for _, test := range []struct {
		version string
		keys    []keyservice.Key
		want    string
	}{
		{netapp.V9161, nil, "backup"},
		{netapp.V9161, keys("backup"), "backup"}, // which Create refuses
		{netapp.V9191, nil, "backup"},
		{netapp.V9191, keys("backup"), "backup/2"},
		{netapp.V9191, keys("backup/2"), "backup"},
		{netapp.V9191, keys("backup", "backup/2"), "backup"},
	} {
		b := newBed(t, netapp.Options{Version: test.version})
		if err := b.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.ChooseID("backup", alice, 7, test.keys); got != test.want {
			t.Errorf("%s, %s: got %s, want %s", test.version, ids(test.keys), got, test.want)
		}
	}
}
