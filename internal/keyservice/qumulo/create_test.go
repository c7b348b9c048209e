// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"net/http"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cluster "accesskey.dev/operator/test/simulator/qumulo"
)

// badCreates are what can go wrong with the create of a key. Where none is made, and the answer is not about the limit, the
// user has as many keys as fit, which must not make every failure a limit.
var badCreates = map[string]struct {
	effect simulator.Effect
	kind   keyservice.Kind
	keys   int
	text   string
}{
	"carried out, no secret": {
		simulator.ReplaceAnswer(`{"access_key_id":"A"}`), keyservice.Ambiguous, 1, "no key",
	},
	"carried out, no ID": {
		simulator.ReplaceAnswer(`{"secret_access_key":"geheim"}`), keyservice.Ambiguous, 1, "no key",
	},
	"a server error about the directory": {
		simulator.Answer(500, nil, `{"error_class":"cred_remote_resource_unavailable_error"}`), keyservice.Ambiguous, 0, "500",
	},
	"forbidden, in the words of an identity error": {
		simulator.Answer(403, nil, `{"error_class":"cred_error"}`), keyservice.Unauthorized, 0, "403",
	},
	"forbidden": {
		simulator.Answer(403, nil, ""), keyservice.Unauthorized, 0,
		"PRIVILEGE_S3_CREDENTIALS_READ and _WRITE, PRIVILEGE_S3_BUCKETS_READ and _WRITE",
	},
	"refused for a directory gone away": {
		simulator.Answer(400, nil, `{"error_class":"cred_remote_resource_unavailable_error"}`), keyservice.Unavailable, 0, "400",
	},
	"redirected": {
		simulator.Answer(307, http.Header{"Location": {"/v1/elsewhere"}}, ""), keyservice.Unavailable, 0, "URL",
	},
	"refused for the limit, whatever is listed": {
		simulator.Answer(400, nil, `{"error_class":"key_limit"}`), keyservice.QuotaExceeded, 0, "as many keys",
	},
}

func TestFailuresOfACreate(t *testing.T) {
	for name, test := range badCreates {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cluster.Options{})
			before := 0
			if test.keys == 0 && test.kind != keyservice.QuotaExceeded {
				before = len(b.makeKeys(t, "local:alice"))
			}
			b.cluster.Inject(anyCreate, test.effect)
			_, err := b.Create(t.Context(), "local:alice", ttlIgnored)
			expectKind(t, err, test.kind, "create key: user local:alice: ", test.text)
			_, again := b.Create(t.Context(), "local:alice", ttlIgnored)
			if again == nil || again.Error() != err.Error() {
				t.Errorf("the text changes:\n%v\n%v", err, again)
			}
			b.calls(t, postKeys, 2)
			if got := len(b.cluster.History()) - before; got != 2*test.keys {
				t.Errorf("%d keys were made by two calls", got)
			}
		})
	}
}

func TestALimitThatCannotBeCountedIsTriedAgain(t *testing.T) {
	b := newBed(t, cluster.Options{LimitClass: "x", LimitStatus: 422})
	b.create(t, "local:alice")
	b.create(t, "local:alice")
	b.cluster.Inject(anyList, simulator.Throttle("30"))
	_, err := b.Create(t.Context(), "local:alice", ttlIgnored)
	expectKind(t, err, keyservice.Throttled, "422", "could not be listed")
	if keyservice.RetryAfterOf(err) != 30*time.Second {
		t.Errorf("RetryAfter %s", keyservice.RetryAfterOf(err))
	}
}

func TestAnOddAnswerDoesNotLoseTheKey(t *testing.T) {
	for name, body := range map[string]string{
		"a time that cannot be read": `{"access_key_id":"A","secret_access_key":"S","creation_time":"yesterday"}`,
		"a time that is a number":    `{"access_key_id":"A","secret_access_key":"S","creation_time":1700000000}`,
		"no time":                    `{"access_key_id":"A","secret_access_key":"S"}`,
		"an owner that is a string":  `{"access_key_id":"A","secret_access_key":"S","owner":"alice"}`,
		"an owner with an empty uid": `{"access_key_id":"A","secret_access_key":"S","owner":{"auth_id":501,"uid":""}}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cluster.Options{})
			b.cluster.Inject(anyCreate, simulator.Answer(201, nil, body))
			made := b.create(t, "local:alice")
			if made.ID != "A" || made.SecretAccessKey.Reveal() != "S" || !made.CreatedAt.IsZero() {
				t.Errorf("got %+v", made)
			}
		})
	}
}

func TestADeletedUserIsForgottenWhenACreateFails(t *testing.T) {
	for name, options := range map[string]cluster.Options{
		"with a class":           {TombstonesForgotten: true},
		"without a body":         {TombstonesForgotten: true, BareErrors: true},
		"with 404 and no body":   {TombstonesForgotten: true, BareErrors: true, UnknownStatus: 404},
		"with 404 and its class": {TombstonesForgotten: true, UnknownStatus: 404},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, options)
			b.create(t, "local:alice")
			b.cluster.DeleteUser("alice")
			newID := b.cluster.AddUser("alice")
			_, err := b.Create(t.Context(), "local:alice", ttlIgnored)
			expectKind(t, err, keyservice.NotFound)
			made := b.create(t, "local:alice")
			if keys := b.cluster.Keys("auth_id:" + newID); len(keys) != 1 || keys[0].ID != made.ID {
				t.Errorf("the new user's keys: %v", keys)
			}
		})
	}
}
