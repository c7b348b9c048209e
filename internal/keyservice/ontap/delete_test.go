// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

func TestTheLastKeyGoesWithTheUserThatTheOperatorMade(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: version})
			key := b.create(t, "backup", month)
			for range 2 { // an absent key is not an error
				if err := b.Delete(t.Context(), "backup", key.ID); err != nil {
					t.Fatal(err)
				}
			}
			b.works(t, key, false)
			if left := b.cluster.Users(); len(left) != 0 {
				t.Errorf("left %v", left)
			}
			b.calls(t, deleteUser, 1)
			b.calls(t, patchUser, 0)
		})
	}
}

func TestAKeyGoesWithoutTheOther(t *testing.T) {
	for _, gone := range []string{"backup", "backup/2"} {
		t.Run(gone, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: netapp.V9191})
			keys := []keyservice.Credential{b.create(t, "backup", month), b.create(t, "backup", month)}
			if err := b.Delete(t.Context(), "backup", gone); err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				b.works(t, key, key.ID != gone)
			}
			if left := b.list(t, "backup"); len(left) != 1 || left[0].OwnerUID != aliceUID {
				t.Errorf("left %+v", left)
			}
			// Whoever fills the place now is not the operator.
			slot := 1
			if gone == "backup/2" {
				slot = 2
			}
			if _, _, err := b.cluster.MakeKey("backup", slot); err != nil {
				t.Fatal(err)
			}
			for _, key := range b.list(t, "backup") {
				if (key.OwnerUID == "") != (key.ID == gone) {
					t.Errorf("listed %+v", key)
				}
			}
		})
	}
}

func TestAForeignUserStaysWhenItsKeyIsDeleted(t *testing.T) {
	t.Run("with the person's key", func(t *testing.T) {
		b := newBed(t, netapp.Options{Version: netapp.V9191})
		theirs := b.person(t, "backup")
		ours := b.create(t, "backup", month)
		if err := b.Delete(t.Context(), "backup", ours.ID); err != nil {
			t.Fatal(err)
		}
		b.works(t, ours, false)
		b.lives(t, theirs)
	})
	for _, version := range versions {
		t.Run("without a key, "+version, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: version})
			b.person(t, "backup")
			b.cluster.RemoveKey("backup")
			ours := b.create(t, "backup", month)
			if err := b.Delete(t.Context(), "backup", ours.ID); err != nil {
				t.Fatal(err)
			}
			b.works(t, ours, false)
			if comment := b.cluster.Comment("backup"); comment != "a person's comment" {
				t.Errorf("comment %q", comment)
			}
		})
	}
}

func TestAUserWithoutTheMarkIsForeign(t *testing.T) {
	b := newBed(t, netapp.Options{})
	key := b.create(t, "backup", month)
	b.cluster.SetComment("backup", "mine now")
	if keys := b.list(t, "backup"); keys[0].OwnerUID != "" {
		t.Errorf("listed %+v", keys)
	}
	if err := b.Delete(t.Context(), "backup", key.ID); err != nil {
		t.Fatal(err)
	}
	b.works(t, key, false)
	if len(b.cluster.Users()) != 1 || b.cluster.Comment("backup") != "mine now" {
		t.Error("the user is gone, or its comment")
	}
}

func TestTextAfterTheMarkIsKept(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	b.create(t, "backup", month)
	b.cluster.SetComment("backup", aliceMarked+" ask Bob")
	b.create(t, "backup", month)
	if want := aliceMarked + " 2=team-a/backup/" + aliceUID + " ask Bob"; b.cluster.Comment("backup") != want {
		t.Errorf("got  %q\nwant %q", b.cluster.Comment("backup"), want)
	}
	if err := b.Delete(t.Context(), "backup", "backup"); err != nil {
		t.Fatal(err)
	}
	if want := made + " 2=team-a/backup/" + aliceUID + " ask Bob"; b.cluster.Comment("backup") != want {
		t.Errorf("got  %q\nwant %q", b.cluster.Comment("backup"), want)
	}
}

func TestAUserWithAForeignKeyStays(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	ours := b.create(t, "backup", month)
	theirs := b.second(t, "backup")
	if err := b.Delete(t.Context(), "backup", ours.ID); err != nil {
		t.Fatal(err)
	}
	b.works(t, ours, false)
	b.lives(t, theirs)
}

func TestAKeyThatCameWithAnUpgradeIsNotDeletedUnseen(t *testing.T) {
	b := newBed(t, netapp.Options{})
	ours := b.create(t, "backup", month)
	b.cluster.Upgrade(netapp.V9191)
	theirs := b.second(t, "backup")
	if err := b.Delete(t.Context(), "backup", ours.ID); err != nil {
		t.Fatal(err)
	}
	b.works(t, ours, false)
	b.lives(t, theirs)
}

func TestAUserWithoutAKeyIsCleanedUp(t *testing.T) {
	for name, test := range map[string]struct {
		id   string
		keys int
		left int
	}{
		"ours, without any key": {"backup", 0, 0},
		"ours, by another slot": {"backup/2", 0, 0},
		"ours, with a key":      {"backup/2", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: netapp.V9191})
			b.create(t, "backup", month)
			if test.keys == 0 {
				b.cluster.RemoveKey("backup")
			}
			if err := b.Delete(t.Context(), "backup", test.id); err != nil {
				t.Fatal(err)
			}
			if left := len(b.cluster.Users()); left != test.left {
				t.Errorf("%d users are left", left)
			}
			b.calls(t, patchUser, 0)
		})
	}
}

func TestTheMarkOfAMissingKeyIsRemoved(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	b.create(t, "backup", month)
	b.create(t, "backup", month)
	b.cluster.RemoveKey("backup/2")
	if err := b.Delete(t.Context(), "backup", "backup/2"); err != nil {
		t.Fatal(err)
	}
	if got := b.cluster.Comment("backup"); got != aliceMarked {
		t.Errorf("comment %q", got)
	}
}

func TestAKeyOfAnotherUserIsNeverDeleted(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	theirs := b.person(t, "other")
	for _, id := range []string{"", "other", "root", "backup/1", "backup/02", "backup/3x", "backup/", "BACKUP", "backup/../other"} {
		expectKind(t, b.Delete(t.Context(), "backup", id), keyservice.Invalid, "delete key: S3 user backup: ", "is not the ID of a key")
	}
	for _, user := range []string{"root", "Root", "", "a b", "../svms", "..", "a/b", "ä", "a*"} {
		expectKind(t, b.Delete(t.Context(), user, user), keyservice.Invalid, "delete key: S3 user ")
	}
	b.lives(t, theirs)
	b.calls(t, deleteUser, 0)
	b.calls(t, patchUser, 0)
	b.calls(t, simulator.Unmatched, 0)
}
