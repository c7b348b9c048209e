// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestAUserGoesByIDOrByName(t *testing.T) {
	b := newBed(t, account.Options{})
	made := b.create(t, "alice")
	for _, user := range []string{"alice", b.alice, strings.ToUpper(b.alice)} {
		t.Run(user, func(t *testing.T) {
			if user != "alice" && user != b.alice { // an ID in a form that is not documented is found among the users' IDs
				b.account.Inject(simulator.Rule{Path: usersPath, Query: "limit"}.Once(), simulator.Answer(200, nil,
					`{"users":[{"user_id":"`+user+`","user_name":"x"}],"page_info":{"current_count":1}}`))
				b.account.Inject(simulator.Rule{Path: usersPath + "/" + user}.Once(), simulator.Answer(200, nil,
					`{"access_keys":[{"access_key_id":"`+made.ID+`"}],"page_info":{"current_count":1}}`))
			}
			keys, err := b.List(t.Context(), user)
			if err != nil || len(keys) != 1 || keys[0].ID != made.ID {
				t.Errorf("got %v, %v", keys, err)
			}
		})
	}
}

func TestAnIDIsNotLookedUp(t *testing.T) {
	b := newBed(t, account.Options{})
	b.create(t, b.alice)
	if _, err := b.List(t.Context(), b.alice); err != nil {
		t.Fatal(err)
	}
	b.calls(t, getUsers, 0)
}

func TestAnInvalidUserCostsNoCall(t *testing.T) {
	b := newBed(t, account.Options{})
	for _, user := range []string{"", " ", "a ", " a", "a\n", "a\x00b", strings.Repeat("a", 65)} {
		t.Run(fmt.Sprintf("%q", user), func(t *testing.T) {
			_, err := b.List(t.Context(), user)
			expectKind(t, err, keyservice.Invalid, "find user: user ")
			_, err = b.Create(t.Context(), user, ttlIgnored)
			expectKind(t, err, keyservice.Invalid)
			_, err = b.LastUsed(t.Context(), user, "A")
			expectKind(t, err, keyservice.Invalid)
			expectKind(t, b.Delete(t.Context(), user, "A"), keyservice.Invalid)
		})
	}
	b.noCalls(t)
}

func TestAnUnknownUserIsNotFound(t *testing.T) {
	for name, options := range map[string]account.Options{
		"among full pages":               {},
		"among short and empty pages":    {Pages: account.PagesShort},
		"where an empty list is null":    {Empty: "null"},
		"with another code":              {NotFoundCode: "PAP5.0012"},
		"with code and message":          {Shape: account.ShapeCode},
		"with a nested error":            {Shape: account.ShapeNested},
		"with an error of the classic":   {Shape: account.ShapeClassic},
		"with an error in camel case":    {Shape: account.ShapeCamel},
		"where X-Domain-Id is not asked": {DomainIDOptional: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, options)
			for _, user := range []string{"nobody", "Alice", "ali", strings.Repeat("f", 32)} {
				_, err := b.List(t.Context(), user)
				expectKind(t, err, keyservice.NotFound, "user "+user)
				_, err = b.Create(t.Context(), user, ttlIgnored)
				expectKind(t, err, keyservice.NotFound, "user "+user)
				_, err = b.LastUsed(t.Context(), user, "A")
				expectKind(t, err, keyservice.NotFound)
			}
			if made := b.account.History(); len(made) != 0 {
				t.Errorf("keys were made: %v", made)
			}
		})
	}
}

func TestOneListOfUsersServesManyNames(t *testing.T) {
	for name, options := range map[string]account.Options{
		"in full pages":  {PageSize: 3},
		"in short pages": {Pages: account.PagesShort},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, options)
			ids := map[string]string{}
			for i := range 10 {
				name := fmt.Sprint("user", i)
				ids[name] = b.account.AddUser(name)
			}
			_, err := b.List(t.Context(), "nobody") // reads them all
			expectKind(t, err, keyservice.NotFound)
			b.account.ResetCalls()
			for name, id := range ids {
				if got, err := b.ResolveUser(t.Context(), name); err != nil || got != id {
					t.Errorf("%s: got %s, %v, want %s", name, got, err, id)
				}
			}
			b.noCalls(t)
		})
	}
}

func TestALookUpEndsAtThePageThatHasTheUser(t *testing.T) {
	b := newBed(t, account.Options{PageSize: 1})
	if _, err := b.ResolveUser(t.Context(), account.OperatorName); err != nil { // its ID is the first
		t.Fatal(err)
	}
	b.calls(t, getUsers, 1)
}

func TestAUserThatWasDeletedAndMadeAgainIsFound(t *testing.T) {
	for name, use := range map[string]func(b *testBed) error{
		"by a list":   func(b *testBed) error { _, err := b.List(t.Context(), "alice"); return err },
		"by a create": func(b *testBed) error { _, err := b.Create(t.Context(), "alice", ttlIgnored); return err },
		"by a delete": func(b *testBed) error { return b.Delete(t.Context(), "alice", "A") },
		"by reading the last use": func(b *testBed) error {
			_, err := b.LastUsed(t.Context(), "alice", "A")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.create(t, "alice")
			b.account.DeleteUser("alice")
			b.account.AddUser("alice")
			_ = use(b)
			made := b.create(t, "alice")
			if keys := b.account.Keys("alice"); len(keys) != 1 || keys[0].ID != made.ID {
				t.Errorf("the new user's keys: %v", keys)
			}
		})
	}
}

func TestANameIsLookedUpAgainOnceItsIDIsGone(t *testing.T) {
	b := newBed(t, account.Options{})
	old, err := b.ResolveUser(t.Context(), "alice")
	if err != nil || old != b.alice {
		t.Fatalf("got %s, %v", old, err)
	}
	b.account.DeleteUser("alice")
	again := b.account.AddUser("alice")
	if known, err := b.ResolveUser(t.Context(), "alice"); err != nil || known != old {
		t.Errorf("before anybody has met the change: %s, %v", known, err)
	}
	_, err = b.List(t.Context(), old)
	expectKind(t, err, keyservice.NotFound, "user "+old)
	if id, err := b.ResolveUser(t.Context(), "alice"); err != nil || id != again {
		t.Errorf("got %s, %v, want %s", id, err, again)
	}
}

func TestAnIDOutlastsAChangeOfTheName(t *testing.T) {
	b := newBed(t, account.Options{})
	b.account.RenameUser("alice", "alison")
	if id, err := b.ResolveUser(t.Context(), "alison"); err != nil || id != b.alice {
		t.Errorf("got %s, %v, want %s", id, err, b.alice)
	}
}

func TestFailuresOfALookUp(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		text   string
	}{
		"a user with no ID":   {simulator.Answer(200, nil, `{"users":[{"user_name":"alice"}]}`), keyservice.Unavailable, "without an ID"},
		"an ID with a path":   {simulator.Answer(200, nil, `{"users":[{"user_name":"alice","user_id":"../x"}]}`), keyservice.Unavailable, "without an ID"},
		"no right to list":    {simulator.Answer(403, nil, `{"error_code":"PAP5.0001"}`), keyservice.Unauthorized, "iam:users:listUsersV5"},
		"a list that is null": {simulator.Answer(200, nil, `{"users":null,"page_info":{"next_marker":"AAAA"}}`), keyservice.Unavailable, "not that of Huawei"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.account.Inject(simulator.Rule{Path: usersPath}, test.effect)
			_, err := b.Create(t.Context(), "alice", ttlIgnored)
			expectKind(t, err, test.kind, "find user: user alice: ", test.text)
			b.account.LiftAll()
			b.create(t, "alice") // the failure was not remembered
		})
	}
}

func TestACallerStopsWaitingForALookUpWhenItsContextEnds(t *testing.T) {
	b := newBed(t, account.Options{})
	arrived, release := make(chan struct{}), make(chan struct{})
	b.account.Inject(simulator.Rule{Path: usersPath}.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		close(arrived)
		simulator.Hang(release)(w, r, next)
	})
	first := make(chan error)
	go func() {
		_, err := b.List(t.Context(), "alice")
		first <- err
	}()
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.List(ctx, "alice")
	expectKind(t, err, keyservice.Unavailable, "find user: user alice: canceled")
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	b.calls(t, getUsers, 1)
}
