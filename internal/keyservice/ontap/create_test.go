// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

var versions = []string{netapp.V9141, netapp.V9161, netapp.V9191}

func TestTheFirstKeyMakesTheUserWithAMark(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: version})
			key := b.create(t, "backup", month)
			b.works(t, key, true)
			end := start.Add(30 * 24 * time.Hour)
			want := keyservice.Key{ID: "backup", AccessKeyID: key.AccessKeyID, ExpiresAt: end, OwnerUID: aliceUID}
			if listed := b.list(t, "backup"); !key.ExpiresAt.Equal(end) || len(listed) != 1 || !equal(key.Key, want) || !equal(listed[0], want) {
				t.Errorf("made %+v, listed %+v", key.Key, listed)
			}
			if comment := b.cluster.Comment("backup"); comment != aliceMarked {
				t.Errorf("comment %q", comment)
			}
			b.calls(t, postUsers, 1)
			b.calls(t, patchUser, 0)
			b.clock.SetTime(end)
			b.works(t, key, false) // without the operator's doing
		})
	}
}

func equal(a, b keyservice.Key) bool {
	same := a.ExpiresAt.Equal(b.ExpiresAt)
	a.ExpiresAt, b.ExpiresAt = time.Time{}, time.Time{}
	return same && a == b
}

func TestAForeignUserIsNotTouched(t *testing.T) {
	b := newBed(t, netapp.Options{})
	theirs := b.person(t, "backup")
	keys := b.list(t, "backup")
	if len(keys) != 1 || keys[0].OwnerUID != "" || keys[0].AccessKeyID != theirs.AccessKeyID {
		t.Errorf("listed %+v", keys)
	}
	for _, id := range []string{"", b.ChooseID("backup", alice, 1, keys)} {
		_, err := b.Create(t.Context(), "backup", keyservice.CreateRequest{ID: id, Owner: alice})
		expectKind(t, err, keyservice.Invalid, "create key: S3 user backup: ", "(backup) are foreign", "ONTAP 9.19.1 and newer")
		expectReason(t, err, ReasonUserExists)
	}
	b.lives(t, theirs)
	b.calls(t, patchUser, 0)
}

func TestAFreeSlotOfAForeignUserIsUsed(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	theirs := b.person(t, "backup")
	key := b.create(t, "backup", month)
	if key.ID != "backup/2" || key.OwnerUID != "" {
		t.Errorf("got %+v", key.Key)
	}
	b.works(t, key, true)
	b.lives(t, theirs)
	if comment := b.cluster.Comment("backup"); comment != "a person's comment" {
		t.Errorf("the person's comment became %q", comment)
	}
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.Invalid, "(backup and backup/2)", "delete the user or its key")
	expectReason(t, err, ReasonUserExists)
	if strings.Contains(err.Error(), "newer") {
		t.Errorf("no newer version helps: %v", err)
	}
	b.lives(t, theirs)
}

func TestAForeignUserWithoutAKeyGetsOne(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: version})
			b.person(t, "backup")
			b.cluster.RemoveKey("backup")
			key := b.create(t, "backup", month)
			b.works(t, key, true)
			if key.ID != "backup" || key.OwnerUID != "" || b.cluster.Comment("backup") != "a person's comment" {
				t.Errorf("got %+v", key.Key)
			}
		})
	}
}

func TestTheSlotsOfOtherAccessKeysCountAsTaken(t *testing.T) {
	t.Run("the only one", func(t *testing.T) {
		b := newBed(t, netapp.Options{})
		theirs := b.create(t, "backup", keyservice.CreateRequest{Owner: other})
		_, err := b.Create(t.Context(), "backup", month)
		expectKind(t, err, keyservice.QuotaExceeded, "as many keys as ONTAP 9.16.1 gives a user are taken (backup)")
		b.works(t, theirs, true)
	})
	t.Run("one of two", func(t *testing.T) {
		b := newBed(t, netapp.Options{Version: netapp.V9191})
		theirs, ours := b.create(t, "backup", keyservice.CreateRequest{Owner: other}), b.create(t, "backup", month)
		if keys := b.list(t, "backup"); keys[0].OwnerUID != otherUID || keys[1].OwnerUID != aliceUID {
			t.Errorf("listed %+v", keys)
		}
		_, err := b.Create(t.Context(), "backup", month)
		expectKind(t, err, keyservice.QuotaExceeded, "(backup and backup/2)")
		b.works(t, theirs, true)
		b.works(t, ours, true)
	})
}

func TestAForeignKeyInTheOperatorsUserHasNoOwner(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	b.create(t, "backup", month)
	theirs := b.second(t, "backup")
	if keys := b.list(t, "backup"); keys[0].OwnerUID != aliceUID || keys[1].OwnerUID != "" {
		t.Errorf("listed %+v", keys)
	}
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.QuotaExceeded, "backup/2")
	b.lives(t, theirs)
}

func TestAChoiceThatIsOutdatedChangesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		version string
		world   func(*testing.T, *testBed)
		id      string
		kind    keyservice.Kind
		text    string
	}{
		"the place was filled meanwhile": {
			netapp.V9191, func(t *testing.T, b *testBed) { b.person(t, "backup") }, "backup", keyservice.Unavailable, "was given another key meanwhile",
		},
		"the user was deleted meanwhile": {
			netapp.V9191, func(*testing.T, *testBed) {}, "backup/2", keyservice.Unavailable, "was deleted meanwhile",
		},
		"the version has one key": {
			netapp.V9161, func(*testing.T, *testBed) {}, "backup/2", keyservice.Unavailable, "ONTAP 9.16.1 has no key 2 of a user",
		},
		"another user's": {netapp.V9191, func(*testing.T, *testBed) {}, "other", keyservice.Invalid, "not the ID of a key of this user"},
		"a third place":  {netapp.V9191, func(*testing.T, *testBed) {}, "backup/0", keyservice.Invalid, "not the ID of a key of this user"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: test.version})
			test.world(t, b)
			made := len(b.cluster.History())
			_, err := b.Create(t.Context(), "backup", keyservice.CreateRequest{ID: test.id, Owner: alice})
			expectKind(t, err, test.kind, "create key: S3 user backup: ", test.text)
			if got := len(b.cluster.History()); got != made {
				t.Errorf("%d keys were made", got-made)
			}
		})
	}
}
