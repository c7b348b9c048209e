// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"fmt"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cluster "accesskey.dev/operator/test/simulator/qumulo"
)

func TestADeletedKeyStopsWorking(t *testing.T) {
	b := newBed(t, cluster.Options{})
	made, other := b.create(t, "local:alice"), b.create(t, "local:alice")
	if err := b.Delete(t.Context(), "local:alice", made.ID); err != nil {
		t.Fatal(err)
	}
	if b.cluster.Valid(made.AccessKeyID, made.SecretAccessKey.Reveal()) {
		t.Error("the deleted pair works")
	}
	if !b.cluster.Valid(other.AccessKeyID, other.SecretAccessKey.Reveal()) {
		t.Error("the other pair does not work")
	}
}

func TestDeleteNeedsNoUser(t *testing.T) {
	b := newBed(t, cluster.Options{})
	made := b.create(t, "local:alice")
	b.cluster.DeleteUser("alice")
	fresh := b.connect(t, Config{Username: cluster.DefaultUsername, Password: cluster.DefaultPassword})
	finds := b.cluster.Calls()[postFind]
	if err := fresh.Delete(t.Context(), "not even: a user", made.ID); err != nil {
		t.Fatal(err)
	}
	if b.cluster.Valid(made.AccessKeyID, made.SecretAccessKey.Reveal()) {
		t.Error("the deleted pair works")
	}
	b.calls(t, postFind, finds)
}

func TestAKeyThatIsGoneIsDeleted(t *testing.T) {
	for name, test := range map[string]struct {
		options cluster.Options
		lists   int
	}{
		"with the class that others guess":              {cluster.Options{}, 0},
		"with any class":                                {cluster.Options{MissingKeyClass: "s3_unheard_of_error"}, 0},
		"with no class, after a look at the whole list": {cluster.Options{BareErrors: true, PageSize: 1}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, test.options)
			b.makeKey(t, "local:alice")
			b.makeKey(t, "local:alice")
			if err := b.Delete(t.Context(), "local:alice", "0000000000000ABCDEFG"); err != nil {
				t.Error(err)
			}
			b.calls(t, deleteKeys, 1)
			b.calls(t, getKeys, test.lists)
		})
	}
}

func TestFailuresOfADelete(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		gone   bool
		text   string
	}{
		"a proxy's 404":              {simulator.Answer(404, nil, "<html>"), keyservice.Unavailable, false, "still lists"},
		"a 404 without a body":       {simulator.Answer(404, nil, ""), keyservice.Unavailable, false, "still lists"},
		"a server error":             {simulator.Answer(500, nil, ""), keyservice.Unavailable, false, "500"},
		"forbidden":                  {simulator.Answer(403, nil, ""), keyservice.Unauthorized, false, "PRIVILEGE_S3_BUCKETS_READ"},
		"throttled":                  {simulator.Throttle("5"), keyservice.Throttled, false, "429"},
		"refused":                    {simulator.Answer(409, nil, `{"description":"busy"}`), keyservice.Invalid, false, "busy"},
		"no answer, not carried out": {simulator.Drop(), keyservice.Unavailable, false, "closed the connection"},
		"no answer, but carried out": {simulator.DropAnswer(), keyservice.Unavailable, true, "closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cluster.Options{})
			made := b.create(t, "local:alice")
			b.cluster.Inject(anyDelete.Once(), test.effect)
			err := b.Delete(t.Context(), "local:alice", made.ID)
			expectKind(t, err, test.kind, "delete key: key "+made.ID+": ", test.text)
			if gone := len(b.cluster.Keys("local:alice")) == 0; gone != test.gone {
				t.Errorf("gone: %t", gone)
			}
			if err := b.Delete(t.Context(), "local:alice", made.ID); err != nil {
				t.Errorf("the repeated delete: %v", err)
			}
		})
	}
}

func TestAnUnansweredListLeavesAnUnexplained404Open(t *testing.T) {
	b := newBed(t, cluster.Options{})
	made := b.create(t, "local:alice")
	b.cluster.Inject(anyDelete, simulator.Answer(404, nil, ""))
	b.cluster.Inject(anyList, simulator.Answer(404, nil, ""))
	expectKind(t, b.Delete(t.Context(), "local:alice", made.ID), keyservice.Unavailable)
}

func TestAnIDThatCannotBeAKeysIsNeverSent(t *testing.T) {
	b := newBed(t, cluster.Options{})
	for _, id := range []string{"", ".", "..", "../../users/500", "a/b", "a?b", "a#b", "a%2fb", `a\b`, "a b", "a\n", "ä"} {
		t.Run(fmt.Sprintf("%q", id), func(t *testing.T) {
			expectKind(t, b.Delete(t.Context(), "local:alice", id), keyservice.Invalid, "delete key")
		})
	}
	if calls := b.cluster.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}
