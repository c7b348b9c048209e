// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

func TestAnIncompleteListIsAnError(t *testing.T) {
	page := func(records, next string) string {
		return `{"records":[` + records + `],"_links":{"next":{"href":"` + next + `"}}}`
	}
	const elsewhere = "not one of its own list"
	for name, test := range map[string]struct {
		body, text string
		pages      int
	}{
		"the next page is no URI":               {page(`{"name":"a"}`, "http://[::1"), elsewhere, 1},
		"the next page has a scheme":            {page(`{"name":"a"}`, "https:"+users), elsewhere, 1},
		"the next page is on a host":            {page(`{"name":"a"}`, "//elsewhere.example"+users), elsewhere, 1},
		"the next page has a scheme and a host": {page(`{"name":"a"}`, "https://elsewhere.example"+users), elsewhere, 1},
		"the next page is of another list":      {page(`{"name":"a"}`, svmsPath), elsewhere, 1},
		"the next page is an object":            {`{"records":[{"name":"a"}],"_links":{"next":{"href":{}}}}`, "not that of an ONTAP", 1},
		"the pages go in a circle":              {page(`{"name":"a"}`, users+"?start.name=a"), "circle", 2},
		"a user has no name":                    {page(`{"access_key":"A"}`, ""), "without its name", 1},
		"the keys are no list":                  {page(`{"name":"a","keys":"none"}`, ""), "not that of an ONTAP", 1},
		"records that are null":                 {`{"records":null}`, "not that of an ONTAP", 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{})
			b.cluster.Inject(anyRead, answer(test.body))
			all, err := b.ListAll(t.Context())
			expectKind(t, err, keyservice.Unavailable, "list keys: ", test.text)
			if all != nil {
				t.Errorf("got %v", all)
			}
			b.calls(t, getUsers, test.pages)
		})
	}
}

func TestOneUserIsReadWholeOrNotAtAll(t *testing.T) {
	for body, text := range map[string]string{
		`{"access_key":"A"}`:                                     "not that of an ONTAP",
		`{"name":"backup","keys":[{"access_key":"A"}]}`:          "without its id",
		`{"name":"backup","keys":[{"id":"x","access_key":"A"}]}`: "without its id",
		`{"name":"backup","keys":[{"id":0,"access_key":"A"}]}`:   "without its id",
	} {
		t.Run(body, func(t *testing.T) {
			b := newBed(t, netapp.Options{})
			b.cluster.Inject(anyRead, answer(body))
			keys, err := b.List(t.Context(), "backup")
			expectKind(t, err, keyservice.Unavailable, "read user: S3 user backup: ", text)
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
			expectKind(t, b.Delete(t.Context(), name, name), keyservice.Invalid, "delete key: S3 user ", text)
		})
	}
	if calls := b.cluster.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestChooseID(t *testing.T) {
	first, second := keyservice.Key{ID: "backup"}, keyservice.Key{ID: "backup/2"}
	for _, test := range []struct {
		version version
		keys    []keyservice.Key
		want    string
	}{
		{version{9, 16, 1}, nil, "backup"},
		{version{9, 16, 1}, []keyservice.Key{first}, "backup"}, // which Create refuses
		{version{9, 19, 1}, nil, "backup"},
		{version{9, 19, 1}, []keyservice.Key{first}, "backup/2"},
		{version{9, 19, 1}, []keyservice.Key{second}, "backup"},
		{version{9, 19, 1}, []keyservice.Key{first, second}, "backup"},
	} {
		service := &Service{}
		service.cluster.Store(&cluster{version: test.version})
		if got := service.ChooseID("backup", alice, 7, test.keys); got != test.want {
			t.Errorf("%s, %v: got %s, want %s", test.version, test.keys, got, test.want)
		}
	}
}
