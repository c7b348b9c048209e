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

func TestAnIDIsNotLookedUpUnlessItsFormIsNotDocumented(t *testing.T) {
	b := newBed(t, account.Options{})
	b.create(t, b.alice)
	b.calls(t, getUsers, 0)
	odd := strings.ToUpper(b.alice)
	b.account.Inject(simulator.Rule{Path: usersPath}, simulator.Answer(200, nil, `{"users":[{"user_id":"`+odd+`","user_name":"x"}]}`))
	for range 2 {
		if id, err := b.ResolveUser(t.Context(), odd); err != nil || id != odd {
			t.Errorf("got %s, %v", id, err)
		}
	}
	b.calls(t, getUsers, 1)
}

func TestAnInvalidUserCostsNoCall(t *testing.T) {
	b := newBed(t, account.Options{})
	for _, user := range []string{"", " ", "a ", " a", "a\n", "a\x00b", strings.Repeat("a", 65)} {
		t.Run(fmt.Sprintf("%q", user), func(t *testing.T) {
			_, err := b.List(t.Context(), user)
			expectKind(t, err, keyservice.Invalid, "find user: user ")
		})
	}
	b.noCalls(t)
}

func TestAnUnknownUserIsNotFound(t *testing.T) {
	for user, text := range map[string]string{
		"nobody": "no IAM user of this name or ID", "Alice": "no IAM user", "ali": "no IAM user", strings.Repeat("f", 32): "the service knows no such user",
	} {
		b := newBed(t, account.Options{})
		_, err := b.List(t.Context(), user)
		expectKind(t, err, keyservice.NotFound, "user "+user+": ", text)
		_, err = b.Create(t.Context(), user, ttlIgnored)
		expectKind(t, err, keyservice.NotFound, "user "+user+": ", text)
	}
}

func TestOneListOfUsersServesManyNames(t *testing.T) {
	for _, options := range []account.Options{{PageSize: 3}, {Pages: account.PagesShort}} {
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
	}
}

func TestALookUpEndsAtThePageThatHasTheUser(t *testing.T) {
	b := newBed(t, account.Options{PageSize: 1})
	if _, err := b.ResolveUser(t.Context(), account.OperatorName); err != nil { // its ID is the first
		t.Fatal(err)
	}
	b.calls(t, getUsers, 1)
}

func TestANameIsLookedUpAgainOnceItsIDIsGone(t *testing.T) {
	for name, use := range map[string]func(b *testBed) error{
		"by a list":   func(b *testBed) error { _, err := b.List(t.Context(), b.alice); return err },
		"by a create": func(b *testBed) error { _, err := b.Create(t.Context(), "alice", ttlIgnored); return err },
		"by a delete": func(b *testBed) error { return b.Delete(t.Context(), "alice", "A") },
		"by reading the last use": func(b *testBed) error {
			_, err := b.LastUsed(t.Context(), "alice", "A")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			resolves := func(want string) {
				t.Helper()
				if id, err := b.ResolveUser(t.Context(), "alice"); err != nil || id != want {
					t.Errorf("got %s, %v, want %s", id, err, want)
				}
			}
			resolves(b.alice)
			b.account.DeleteUser("alice")
			again := b.account.AddUser("alice")
			resolves(b.alice) // nobody has met the change
			_ = use(b)
			resolves(again)
		})
	}
}

func TestALookUpFailsUnlessEveryUserHasAnIDThatCanBeSent(t *testing.T) {
	for text, effect := range map[string]simulator.Effect{
		"a user without an ID":    simulator.Answer(200, nil, `{"users":[{"user_name":"alice"}]}`),
		"without an ID that can":  simulator.Answer(200, nil, `{"users":[{"user_name":"alice","user_id":"../x"}]}`),
		"answered 404 Not Found:": simulator.Answer(404, nil, `{"error_code":"IAM.0004"}`), // which says nothing about alice
	} {
		b := newBed(t, account.Options{})
		b.account.Inject(simulator.Rule{Path: usersPath}, effect)
		_, err := b.Create(t.Context(), "alice", ttlIgnored)
		expectKind(t, err, keyservice.Unavailable, "find user: user alice: ", text)
		b.account.LiftAll()
		b.create(t, "alice") // the failure was not remembered
	}
}

func TestACallerStopsWaitingForALookUpWhenItsContextEnds(t *testing.T) {
	b := newBed(t, account.Options{})
	arrived, release := make(chan struct{}), make(chan struct{})
	b.account.Inject(simulator.Rule{Path: usersPath}.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		close(arrived)
		simulator.Hang(release)(w, r, next)
	})
	others := make(chan error)
	for range 3 {
		go func() {
			_, err := b.List(t.Context(), "alice")
			others <- err
		}()
	}
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.List(ctx, "alice")
	expectKind(t, err, keyservice.Unavailable, "find user: user alice: canceled")
	close(release)
	for range 3 {
		if err := <-others; err != nil {
			t.Error(err)
		}
	}
	b.calls(t, getUsers, 1)
}
