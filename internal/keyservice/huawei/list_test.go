// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"slices"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestListReturnsTheUsersKeysFromAllPages(t *testing.T) {
	for _, empty := range []string{"[]", "null", "absent"} {
		b := newBed(t, account.Options{Pages: account.PagesShort, Empty: empty})
		b.account.AddUser("bob")
		b.makeKey(t, "bob")
		inactive, active := b.makeKey(t, "alice").ID, b.create(t, "alice").ID
		b.account.SetActive(inactive, false)
		keys, err := b.List(t.Context(), "alice")
		slices.SortFunc(keys, func(a, b keyservice.Key) int { return strings.Compare(string(a.State), string(b.State)) })
		want := []keyservice.Key{
			{ID: active, AccessKeyID: active, CreatedAt: start.Truncate(time.Millisecond), State: keyservice.Active},
			{ID: inactive, AccessKeyID: inactive, CreatedAt: start.Truncate(time.Millisecond), State: keyservice.Disabled},
		}
		if err != nil || !slices.Equal(keys, want) {
			t.Errorf("an empty page is %s: got %v, %v, want %v", empty, keys, err, want)
		}
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
		"the next page is an object":     {page(`{}`), "not that of Huawei"},
		"the page info is a text":        {simulator.Answer(200, nil, `{"access_keys":[],"page_info":"none"}`), "not that of Huawei"},
		"a key has no ID":                {simulator.Answer(200, nil, `{"access_keys":[{"status":"active"}]}`), "access_key_id"},
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

func TestTheLastUseOfAKey(t *testing.T) {
	b := newBed(t, account.Options{UsedAtCreation: true})
	made := b.create(t, "alice")
	lastUsed := func(want time.Time) {
		t.Helper()
		if at, err := b.LastUsed(t.Context(), "alice", made.ID); err != nil || !at.Equal(want) {
			t.Errorf("got %s, %v", at, err)
		}
	}
	lastUsed(start.Truncate(time.Millisecond)) // of one that was never used
	b.pass(time.Hour)
	b.account.Use(made.AccessKeyID, made.SecretAccessKey.Reveal())
	lastUsed(start.Add(time.Hour).Truncate(time.Millisecond))

	_, err := b.LastUsed(t.Context(), b.alice, "A")
	expectKind(t, err, keyservice.NotFound, "read last use: key A: the service knows no such key of the user")
}

func TestALastUseThatCannotBeReadIsNotNever(t *testing.T) {
	b := newBed(t, account.Options{})
	made := b.create(t, "alice")
	for value, never := range map[string]bool{
		`{}`: true, `{"last_used_at":null}`: true, `{"last_used_at":""}`: true,
		`{"last_used_at":"recently"}`: false, `{"last_used_at":{}}`: false, `{"last_used_at":[]}`: false,
		`{"last_used_at":true}`: false, `{"last_used_at":1700000000}`: false, `{"last_used_at":0}`: false,
		`null`: false, `[]`: false, `"never"`: false,
	} {
		lift := b.account.Inject(anyList, simulator.Answer(200, nil, `{"access_key_last_used":`+value+`}`))
		at, err := b.LastUsed(t.Context(), b.alice, made.ID)
		lift()
		if never != (err == nil) || !at.IsZero() {
			t.Errorf("%s: got %s, %v", value, at, err)
		}
		if !never {
			expectKind(t, err, keyservice.Unavailable, "read last use: key "+made.ID+": ")
		}
	}
}
