// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cluster "accesskey.dev/operator/test/simulator/qumulo"
)

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
		"with the class that others guess":            {cluster.Options{}, 0},
		"with any class":                              {cluster.Options{MissingKeyClass: "s3_unheard_of_error"}, 0},
		"with no class, after reading the whole list": {cluster.Options{BareErrors: true, PageSize: 1}, 2},
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

func TestAFailedListDoesNotDecideAnUnexplained404(t *testing.T) {
	b := newBed(t, cluster.Options{})
	made := b.create(t, "local:alice")
	b.cluster.Inject(anyDelete, simulator.Answer(404, nil, ""))
	expectKind(t, b.Delete(t.Context(), "local:alice", made.ID), keyservice.Unavailable, "still lists")
	b.cluster.Inject(anyList, simulator.Answer(404, nil, ""))
	expectKind(t, b.Delete(t.Context(), "local:alice", made.ID), keyservice.Unavailable, "list keys")
}
