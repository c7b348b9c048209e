// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"encoding/json"
	"fmt"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cluster "accesskey.dev/operator/test/simulator/qumulo"
)

func TestParseUserSendsWhatTheCommandLineToolSends(t *testing.T) {
	for user, want := range map[string]string{
		"local:backup":         `{"domain":"LOCAL","name":"backup"}`,
		"local:back up":        `{"domain":"LOCAL","name":"back up"}`,
		`ad:EXAMPLE\backup`:    `{"domain":"ACTIVE_DIRECTORY","name":"EXAMPLE\\backup"}`,
		"uid:0":                `{"uid":0}`,
		"uid:4294967295":       `{"uid":4294967295}`,
		"sid:S-1-5-21-1-2-3-4": `{"sid":"S-1-5-21-1-2-3-4"}`,
		"S-1-5-21-1-2-3-4":     `{"sid":"S-1-5-21-1-2-3-4"}`,
		"auth_id:12884901889":  `{"auth_id":"12884901889"}`,
		"backup":               `{"name":"backup"}`,
		"S3-backup":            `{"name":"S3-backup"}`,
	} {
		t.Run(user, func(t *testing.T) {
			parsed, err := parseUser(user)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(parsed); string(got) != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestAnInvalidUserCostsNoCall(t *testing.T) {
	b := newBed(t, cluster.Options{})
	for _, user := range []string{
		"", " ", ":", "local:", "ad:", "uid:", "uid:-1", "uid:+1", "uid:x", "uid:01", "uid:4294967296", "uid: 1",
		"sid:", "sid:1-5-21", "sid:S-1", "sid:S-1-5-21-x", "auth_id:", "auth_id:-5", "auth_id:0x1f5",
		"auth_id:99999999999999999999", "501", "gid:5", "LOCAL:backup", "world:Everyone", "local:a:b", "local: a", "local:a\n",
		"a\x00b",
	} {
		t.Run(fmt.Sprintf("%q", user), func(t *testing.T) {
			_, err := b.List(t.Context(), user)
			expectKind(t, err, keyservice.Invalid, "find user: user ")
			_, err = b.Create(t.Context(), user, ttlIgnored)
			expectKind(t, err, keyservice.Invalid)
		})
	}
	if calls := b.cluster.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestAnAuthIDIsNotLookedUp(t *testing.T) {
	b := newBed(t, cluster.Options{})
	b.create(t, "auth_id:"+b.alice)
	if keys, err := b.List(t.Context(), "auth_id:"+b.alice); err != nil || len(keys) != 1 {
		t.Errorf("got %v, %v", keys, err)
	}
	b.calls(t, postFind, 0)
}

func TestAnIdentityThatCannotOwnKeysIsNotFound(t *testing.T) {
	for _, answer := range []string{`{"auth_id":null}`, `{"auth_id":"1&user=2"}`} {
		b := newBed(t, cluster.Options{})
		lift := b.cluster.Inject(anyFind, simulator.Answer(200, nil, answer))
		_, err := b.Create(t.Context(), "local:alice", ttlIgnored)
		expectKind(t, err, keyservice.NotFound, "find user: user local:alice: ", "no auth_id")
		lift()
		b.create(t, "local:alice") // the failure was not remembered
	}
}
