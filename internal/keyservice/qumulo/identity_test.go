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

func TestEveryNotationReachesTheSameUser(t *testing.T) {
	b := newBed(t, cluster.Options{})
	uid := uint32(4711)
	authID := b.cluster.AddIdentity(cluster.Identity{
		Domain: cluster.DomainActiveDirectory, Name: `EXAMPLE\bob`, UID: &uid, SID: "S-1-5-21-7-8-9-1234",
	})
	made := b.create(t, `ad:EXAMPLE\bob`)
	for _, user := range []string{
		`ad:EXAMPLE\bob`, `EXAMPLE\bob`, "uid:4711", "sid:S-1-5-21-7-8-9-1234", "S-1-5-21-7-8-9-1234", "auth_id:" + authID,
	} {
		t.Run(user, func(t *testing.T) {
			keys, err := b.List(t.Context(), user)
			if err != nil || len(keys) != 1 || keys[0].ID != made.ID {
				t.Errorf("got %v, %v", keys, err)
			}
		})
	}
}

func TestAnUnknownUserIsNotFound(t *testing.T) {
	options := map[string]cluster.Options{
		"answered with 400 and a class":      {},
		"answered with 404 and a class":      {UnknownStatus: 404},
		"answered with 400 without a body":   {BareErrors: true},
		"answered with 404 without a body":   {UnknownStatus: 404, BareErrors: true},
		"and so is one by a deleted auth_id": {DeletedOwnerRefused: true},
	}
	for name, option := range options {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, option)
			for _, user := range []string{"local:nobody", "ad:nobody", "nobody", "sid:S-1-5-21-9-9-9-9"} {
				_, err := b.List(t.Context(), user)
				expectKind(t, err, keyservice.NotFound, "user "+user, "knows no such user")
			}
			for _, user := range []string{"local:nobody", "sid:S-1-5-21-9-9-9-9", "auth_id:999999"} {
				_, err := b.Create(t.Context(), user, ttlIgnored)
				expectKind(t, err, keyservice.NotFound, "user "+user)
			}
			if made := b.cluster.History(); len(made) != 0 {
				t.Errorf("keys were made: %v", made)
			}
		})
	}
}

func TestAUserIsResolvedOnce(t *testing.T) {
	b := newBed(t, cluster.Options{})
	for range 3 {
		if _, err := b.List(t.Context(), "local:alice"); err != nil {
			t.Fatal(err)
		}
	}
	b.create(t, "local:alice")
	b.calls(t, postFind, 1)
}

func TestAnAuthIDIsNotLookedUp(t *testing.T) {
	b := newBed(t, cluster.Options{})
	user := "auth_id:" + b.alice
	if keys, err := b.List(t.Context(), user); err != nil || len(keys) != 0 {
		t.Fatalf("got %v, %v", keys, err)
	}
	b.create(t, user)
	if keys, err := b.List(t.Context(), user); err != nil || len(keys) != 1 {
		t.Fatalf("got %v, %v", keys, err)
	}
	b.calls(t, postFind, 0)
}

func TestFailuresOfALookUp(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		text   string
	}{
		"an identity without an auth_id is NotFound": {simulator.Answer(200, nil, `{"auth_id":null}`), keyservice.NotFound, "no auth_id"},
		"an auth_id that is no number is NotFound": {
			simulator.Answer(200, nil, `{"auth_id":"1&user=2"}`), keyservice.NotFound, "no auth_id",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cluster.Options{})
			b.cluster.Inject(anyFind, test.effect)
			_, err := b.Create(t.Context(), "local:alice", ttlIgnored)
			expectKind(t, err, test.kind, test.text, "user local:alice")
			b.cluster.LiftAll()
			b.create(t, "local:alice") // the failure was not remembered
		})
	}
}
