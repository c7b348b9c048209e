// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

var versions = []string{netapp.V9141, netapp.V9161, netapp.V9191}

func TestAForeignUserKeepsItsCommentAndItsKey(t *testing.T) {
	for _, test := range []struct{ version, ours string }{
		{netapp.V9141, "backup"}, {netapp.V9161, "backup"}, {netapp.V9191, "backup"}, {netapp.V9191, "backup/2"},
	} {
		t.Run(test.version+", "+test.ours, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: test.version})
			theirs := b.person(t, "backup")
			if test.ours == "backup" {
				b.cluster.RemoveKey("backup")
			}
			ours := b.create(t, "backup", month)
			b.works(t, ours, true)
			if ours.ID != test.ours || ours.OwnerUID != "" {
				t.Errorf("got %+v", ours.Key)
			}
			if err := b.Delete(t.Context(), "backup", ours.ID); err != nil {
				t.Fatal(err)
			}
			b.works(t, ours, false)
			if comment := b.cluster.Comment("backup"); comment != "a person's comment" {
				t.Errorf("the person's comment became %q", comment)
			}
			if test.ours != "backup" {
				b.lives(t, theirs)
			}
		})
	}
}

func TestAFullUserIsExplained(t *testing.T) {
	type event = func(*testing.T, *testBed)
	create := func(t *testing.T, b *testBed) { b.create(t, "backup", month) }
	person := func(t *testing.T, b *testBed) { b.person(t, "backup") }
	second := func(t *testing.T, b *testBed) { b.second(t, "backup") }
	expire := func(_ *testing.T, b *testBed) { b.clock.SetTime(start.Add(2 * month.TTL)) }
	for name, test := range map[string]struct {
		version string
		world   []event
		reason  string
		texts   []string
	}{
		"a foreign key":             {netapp.V9161, []event{person}, ReasonUserExists, []string{"(backup) are foreign"}},
		"foreign keys":              {netapp.V9191, []event{person, second}, ReasonUserExists, []string{"(backup and backup/2)", "delete the user or its key"}},
		"one of each":               {netapp.V9191, []event{person, create}, ReasonUserExists, []string{"(backup and backup/2)"}},
		"our key":                   {netapp.V9161, []event{create}, "", []string{"as many keys as ONTAP 9.16.1 gives a user are taken (backup)"}},
		"our key, expired":          {netapp.V9161, []event{create, expire}, "", []string{"(backup)"}},
		"our keys":                  {netapp.V9191, []event{create, create}, "", []string{"(backup and backup/2)"}},
		"a foreign key in our user": {netapp.V9191, []event{create, second}, "", []string{"(backup and backup/2)"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: test.version})
			for _, happens := range test.world {
				happens(t, b)
			}
			keys, made := b.list(t, "backup"), len(b.cluster.History())
			kind := keyservice.QuotaExceeded
			if test.reason != "" {
				kind = keyservice.Invalid
			}
			for _, id := range []string{"", b.ChooseID("backup", alice, 1, keys)} {
				_, err := b.Create(t.Context(), "backup", keyservice.CreateRequest{ID: id, Owner: alice})
				expectKind(t, err, kind, append(test.texts, "create key: S3 user backup: ")...)
				expectReason(t, err, test.reason)
				if newer := test.version == netapp.V9161 && test.reason != ""; newer != strings.Contains(err.Error(), "ONTAP 9.19.1 and newer") {
					t.Errorf("a newer version helps: %t: %v", newer, err)
				}
			}
			if len(b.cluster.History()) != made || len(b.cluster.Keys("backup")) != len(keys) {
				t.Error("the keys changed")
			}
		})
	}
}

func TestACreateThatIsRefusedMakesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		version, person, id string
		ttl                 time.Duration
		kind                keyservice.Kind
		text                string
	}{
		"the slot was filled meanwhile":  {netapp.V9191, "backup", "backup", 0, keyservice.Unavailable, "was given another key meanwhile"},
		"the user was deleted meanwhile": {netapp.V9191, "other", "backup/2", 0, keyservice.Unavailable, "was deleted meanwhile"},
		"the version has one key":        {netapp.V9161, "other", "backup/2", 0, keyservice.Unavailable, "ONTAP 9.16.1 has no key 2 of a user"},
		"another user's":                 {netapp.V9191, "other", "other", 0, keyservice.Invalid, "not the ID of a key of this user"},
		"a longer ttl than possible":     {netapp.V9191, "other", "backup", maxTTL + time.Hour, keyservice.Invalid, "up to 1095 days"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: test.version})
			b.person(t, test.person)
			made := len(b.cluster.History())
			_, err := b.Create(t.Context(), "backup", keyservice.CreateRequest{ID: test.id, Owner: alice, TTL: test.ttl})
			expectKind(t, err, test.kind, "create key: S3 user backup: ", test.text)
			if got := len(b.cluster.History()); got != made {
				t.Errorf("%d keys were made", got-made)
			}
		})
	}
}

func TestALostSecondKeyIsKnownByItsMark(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	first := b.create(t, "backup", keyservice.CreateRequest{Owner: other})
	b.cluster.Inject(anyGenerate.Once(), simulator.DropAnswer())
	_, err := b.Create(t.Context(), "backup", keyservice.CreateRequest{ID: "backup/2", Owner: alice})
	expectKind(t, err, keyservice.Ambiguous)
	if keys := b.list(t, "backup"); len(keys) != 2 || keys[0].OwnerUID != otherUID || keys[1].OwnerUID != aliceUID {
		t.Fatalf("listed %+v", keys)
	}
	second, err := b.Regenerate(t.Context(), "backup", "backup/2", 0)
	if err != nil || second.OwnerUID != aliceUID {
		t.Fatalf("got %+v, %v", second.Key, err)
	}
	b.works(t, first, true)
	b.works(t, second, true)
}

func TestAMarkThatIsThereIsNotWrittenAgain(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	b.create(t, "backup", month)
	b.cluster.Inject(anyGenerate.Once(), simulator.Drop())
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.Ambiguous)
	b.create(t, "backup", month)
	b.calls(t, patchUser, 3) // the mark, and the key twice
}

func TestTextAfterTheMarkIsKept(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	b.create(t, "backup", month)
	b.cluster.SetComment("backup", aliceMarked+" ask Bob")
	b.create(t, "backup", keyservice.CreateRequest{Owner: other})
	if err := b.Delete(t.Context(), "backup", "backup"); err != nil {
		t.Fatal(err)
	}
	if want := made + " 2=team-b/other/" + otherUID + " ask Bob"; b.cluster.Comment("backup") != want {
		t.Errorf("got  %q\nwant %q", b.cluster.Comment("backup"), want)
	}
}

func TestAKeyWithoutAnOwnerHasNoMark(t *testing.T) {
	b := newBed(t, netapp.Options{})
	if key := b.create(t, "backup", keyservice.CreateRequest{}); key.OwnerUID != "" || b.cluster.Comment("backup") != made {
		t.Errorf("got %+v with %q", key.Key, b.cluster.Comment("backup"))
	}
}

func TestAUserThatIsDeletedDuringACreateIsReadAgain(t *testing.T) {
	for name, rule := range map[string]simulator.Rule{"before its mark": anyPatch, "before its key": anyGenerate} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: netapp.V9191})
			b.create(t, "backup", month)
			b.cluster.Inject(rule.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				b.cluster.RemoveUser("backup")
				next.ServeHTTP(w, r)
			})
			_, err := b.Create(t.Context(), "backup", month)
			expectKind(t, err, keyservice.Unavailable, "create key: S3 user backup: the user was deleted meanwhile")
			b.works(t, b.create(t, "backup", month), true)
		})
	}
}

func TestNamesThatDifferInCaseAreNotOurs(t *testing.T) {
	for _, version := range versions {
		b := newBed(t, netapp.Options{NamesIgnoreCase: true, Version: version})
		theirs := b.person(t, "Backup")
		if keys := b.list(t, "backup"); len(keys) != 0 {
			t.Errorf("listed %+v", keys)
		}
		_, err := b.Create(t.Context(), "backup", month)
		expectKind(t, err, keyservice.Invalid, "the SVM has a user Backup, and does not tell upper from lower case")
		expectReason(t, err, ReasonUserExists)
		_, err = b.Regenerate(t.Context(), "backup", "backup", 0)
		expectKind(t, err, keyservice.NotFound)
		if err := b.Delete(t.Context(), "backup", "backup"); err != nil {
			t.Error(err)
		}
		b.lives(t, theirs)
	}
}

func TestJobsAreRefusedClearlyAndSettled(t *testing.T) {
	b := newBed(t, netapp.Options{Jobs: true})
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.Ambiguous, "in a job, whose answer would not have the secret")
	_, err = b.Regenerate(t.Context(), "backup", "backup", 0)
	expectKind(t, err, keyservice.Ambiguous, "in a job")
	expectKind(t, b.Delete(t.Context(), "backup", "backup"), keyservice.Unavailable, "in a job")
	if err := b.Delete(t.Context(), "backup", "backup"); err != nil {
		t.Error(err)
	}
}
