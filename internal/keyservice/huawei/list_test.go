// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"slices"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestListReturnsTheUsersKeysFromAllPages(t *testing.T) {
	for name, options := range map[string]account.Options{
		"in one page":                 {},
		"one key to a page":           {PageSize: 1},
		"in short pages and empty":    {Pages: account.PagesShort},
		"in short pages, null":        {Pages: account.PagesShort, Empty: "null"},
		"in short pages, left out":    {Pages: account.PagesShort, Empty: "absent"},
		"without asking for a domain": {DomainIDOptional: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, options)
			b.account.AddUser("bob")
			b.makeKey(t, "bob")
			want := []string{b.makeKey(t, "alice").ID, b.create(t, "alice").ID}
			b.account.SetActive(want[0], false)
			keys, err := b.List(t.Context(), "alice")
			if err != nil || !sameSet(ids(keys), want) {
				t.Fatalf("got %v, %v, want %v", keys, err, want)
			}
			for _, key := range keys {
				if state := map[bool]keyservice.State{true: keyservice.Disabled, false: keyservice.Active}[key.ID == want[0]]; key.State != state {
					t.Errorf("%s is %s", key.ID, key.State)
				}
				if !key.LastUsedAt.IsZero() || !key.ExpiresAt.IsZero() || key.OwnerUID != "" {
					t.Errorf("got %+v", key)
				}
			}
		})
	}
}

func TestAUserWithoutKeysHasAnEmptyList(t *testing.T) {
	for _, empty := range []string{"[]", "null", "absent"} {
		t.Run(empty, func(t *testing.T) {
			b := newBed(t, account.Options{Empty: empty})
			if keys, err := b.List(t.Context(), "alice"); err != nil || len(keys) != 0 {
				t.Errorf("got %v, %v", keys, err)
			}
		})
	}
}

func TestAnIncompleteListIsAnError(t *testing.T) {
	page := func(next string) simulator.Effect {
		return simulator.Answer(200, nil, `{"access_keys":[{"access_key_id":"A"}],"page_info":{"next_marker":`+next+`,"current_count":1}}`)
	}
	for name, test := range map[string]struct {
		effect simulator.Effect
		text   string
	}{
		"the pages go in a circle":       {page(`"AAAA"`), "circle"},
		"a key has no ID":                {simulator.Answer(200, nil, `{"access_keys":[{"status":"active"}]}`), "access_key_id"},
		"an object without a list":       {simulator.Answer(200, nil, `{}`), "not that of Huawei"},
		"no list, and keys counted":      {simulator.Answer(200, nil, `{"page_info":{"current_count":1}}`), "not that of Huawei"},
		"a null list, nothing counted":   {simulator.Answer(200, nil, `{"access_keys":null,"page_info":{}}`), "not that of Huawei"},
		"a list that is an object":       {simulator.Answer(200, nil, `{"access_keys":{}}`), "not that of Huawei"},
		"an unknown path of the gateway": {simulator.Answer(404, nil, `{"error_code":"APIGW.0101","error_msg":"no"}`), "URL"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.account.Inject(anyList, test.effect)
			keys, err := b.List(t.Context(), "alice")
			expectKind(t, err, keyservice.Unavailable, "list keys: user alice: ", test.text)
			if keys != nil {
				t.Errorf("got %v", keys)
			}
		})
	}
}

func TestARenamedUserIsStillKnownByTheOldNameUntilARestart(t *testing.T) {
	b := newBed(t, account.Options{})
	made := b.create(t, "alice")
	b.account.RenameUser("alice", "alison")
	if keys, err := b.List(t.Context(), "alice"); err != nil || len(keys) != 1 || keys[0].ID != made.ID {
		t.Errorf("got %v, %v", keys, err)
	}
	fresh := b.connect(t, account.DefaultAccessKeyID, account.DefaultSecretAccessKey)
	_, err := fresh.List(t.Context(), "alice")
	expectKind(t, err, keyservice.NotFound, "user alice")
}

func ids(keys []keyservice.Key) []string {
	var all []string
	for _, key := range keys {
		all = append(all, key.ID)
	}
	return all
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
