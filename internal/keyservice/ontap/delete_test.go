// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

func TestAForeignKeyInTheOperatorsUserStays(t *testing.T) {
	for name, version := range map[string]string{"known": netapp.V9191, "that came with an upgrade": netapp.V9161} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: version})
			ours := b.create(t, "backup", month)
			b.cluster.Upgrade(netapp.V9191)
			theirs := b.second(t, "backup")
			if version == netapp.V9161 { // without which nobody knows of a second key
				lift := b.cluster.Inject(simulator.Rule{Path: clusterPath}, simulator.Answer(500, nil, ""))
				expectKind(t, b.Delete(t.Context(), "backup", ours.ID), keyservice.Unavailable, "read version")
				b.works(t, ours, true)
				lift()
			}
			if err := b.Delete(t.Context(), "backup", ours.ID); err != nil {
				t.Fatal(err)
			}
			b.works(t, ours, false)
			b.lives(t, theirs)
		})
	}
}

func TestAnUpgradeThatADeletionNoticesIsKept(t *testing.T) {
	b := newBed(t, netapp.Options{})
	identity, _ := b.Identity(t.Context())
	for _, user := range []string{"a", "b", "c"} {
		b.create(t, user, month)
	}
	for _, step := range []struct {
		user          string
		upgrade       bool
		calls, limits int
	}{{"a", false, 2, 1}, {"b", true, 3, 2}, {"c", false, 3, 2}} {
		if step.upgrade {
			b.cluster.Upgrade(netapp.V9191)
		}
		if err := b.Delete(t.Context(), step.user, step.user); err != nil {
			t.Fatal(err)
		}
		b.calls(t, getVersion, step.calls)
		if got := b.Limits().KeysPerUser; got != step.limits {
			t.Errorf("after the deletion of %s: %d keys per user", step.user, got)
		}
	}
	if now, err := b.Identity(t.Context()); now != identity || err != nil {
		t.Errorf("the identity became %s, %v", now, err)
	}
}

func TestWhatIsLeftOfAUserIsCleanedUp(t *testing.T) {
	for name, test := range map[string]struct {
		keys    int
		removed []string
		id      string
		comment string
		patches int
	}{
		"a user without any key":         {1, []string{"backup"}, "backup", "", 0},
		"a user without any key, by two": {1, []string{"backup"}, "backup/2", "", 0},
		"a user with another key":        {1, nil, "backup/2", aliceMarked, 0},
		"a user with both keys missing":  {2, []string{"backup", "backup/2"}, "backup", "", 0},
		"the mark of a missing key":      {2, []string{"backup/2"}, "backup/2", aliceMarked, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: netapp.V9191})
			for range test.keys {
				b.create(t, "backup", month)
			}
			for _, id := range test.removed {
				b.cluster.RemoveKey(id)
			}
			left, before := len(b.cluster.Keys("backup")), b.cluster.Calls()[patchUser]
			if err := b.Delete(t.Context(), "backup", test.id); err != nil {
				t.Fatal(err)
			}
			if got := b.cluster.Comment("backup"); got != test.comment || len(b.cluster.Keys("backup")) != left {
				t.Errorf("comment %q, and the keys %v", got, b.cluster.Keys("backup"))
			}
			b.calls(t, patchUser, before+test.patches)
		})
	}
}

func TestTheUserIsNotDeletedWhileItsSecondKeyIsMade(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	first := b.create(t, "backup", month)
	reached, release, done := make(chan struct{}), make(chan struct{}), make(chan keyservice.Credential)
	b.cluster.Inject(anyPatch.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		close(reached)
		simulator.Hang(release)(w, r, next)
	})
	go func() {
		second, _ := b.Create(t.Context(), "backup", keyservice.CreateRequest{ID: "backup/2", Owner: other})
		done <- second
	}()
	<-reached
	// The deletion reads nothing while the create is under way.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	reads := b.cluster.Calls()[getUser]
	expectKind(t, b.Delete(ctx, "backup", first.ID), keyservice.Unavailable, "did not answer in time")
	b.calls(t, getUser, reads)
	close(release)
	second := <-done
	if err := b.Delete(t.Context(), "backup", first.ID); err != nil {
		t.Fatal(err)
	}
	b.works(t, second, true)
	b.works(t, first, false)
}

func TestOneAtATimeChangesAUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			locks userLocks
			group sync.WaitGroup
		)
		begin := time.Now()
		for _, name := range []string{"a", "A", "a", "b"} {
			group.Go(func() {
				unlock, ok := locks.lock(t.Context(), name)
				if !ok {
					t.Error("no turn")
					return
				}
				time.Sleep(time.Second)
				unlock()
			})
		}
		group.Wait()
		locks.held.Range(func(name, _ any) bool { t.Errorf("%s is still locked", name); return true })
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestAKeyOfAnotherUserIsNeverDeleted(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	theirs := b.person(t, "other")
	for _, id := range []string{"", "other", "root", "backup/1", "backup/02", "backup/0", "backup/3x", "backup/", "BACKUP", "backup/../other"} {
		expectKind(t, b.Delete(t.Context(), "backup", id), keyservice.Invalid, "delete key: S3 user backup: ", "is not the ID of a key")
	}
	b.lives(t, theirs)
	b.calls(t, getUser, 0)
}
