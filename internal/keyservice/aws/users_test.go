// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	account "accesskey.dev/operator/test/simulator/aws"
)

func TestAUserHasTheSpellingOfTheService(t *testing.T) {
	b := newBed(t, account.Options{})
	b.account.AddUserWithPath("/team/a/", "x+y=z,1.@_-")
	for _, spelling := range []string{"Alice", "alice", "ALICE", "Alice"} {
		if id, err := b.ResolveUser(t.Context(), spelling); err != nil || id != "Alice" {
			t.Errorf("%s: got %q, %v", spelling, id, err)
		}
	}
	b.calls(t, "GetUser", 3)
	if id, err := b.ResolveUser(t.Context(), "X+Y=Z,1.@_-"); err != nil || id != "x+y=z,1.@_-" {
		t.Errorf("got %q, %v", id, err)
	}
	b.create(t, "X+y=z,1.@_-")
}

func TestWhereNamesAreToldApartByCaseTheyAreTwoUsers(t *testing.T) {
	b := newBed(t, account.Options{CaseSensitive: true, Lenient: true})
	b.account.AddUser("alice")
	for _, name := range []string{"alice", "Alice"} {
		if id, err := b.ResolveUser(t.Context(), name); err != nil || id != name {
			t.Errorf("%s: got %q, %v", name, id, err)
		}
	}
	_, err := b.ResolveUser(t.Context(), "ALICE")
	expectKind(t, err, keyservice.NotFound)
	made := b.create(t, "Alice")
	if keys := b.account.Keys("Alice"); len(keys) != 1 || keys[0].ID != made.ID {
		t.Errorf("got %v", keys)
	}
}

func TestAnInvalidUserCostsNoCall(t *testing.T) {
	b := newBed(t, account.Options{})
	for _, user := range []string{"", " ", "a ", "a b", "a\n", "a\x00b", "ä", "/team/alice", "arn:aws:iam::123456789012:user/alice", strings.Repeat("a", 129)} {
		t.Run(fmt.Sprintf("%q", user), func(t *testing.T) {
			_, err := b.ResolveUser(t.Context(), user)
			expectKind(t, err, keyservice.Invalid, "find user: user ", "give the name alone")
			_, err = b.List(t.Context(), user)
			expectKind(t, err, keyservice.Invalid, "list keys: user ", "give the name alone")
			_, err = b.Create(t.Context(), user, ttlIgnored)
			expectKind(t, err, keyservice.Invalid, "create key: user ", "give the name alone")
			expectKind(t, b.Delete(t.Context(), user, goneKey), keyservice.Invalid, "delete key: key ", "give the name alone")
		})
	}
	for _, id := range []string{"", "a b", "ä"} {
		expectKind(t, b.Disable(t.Context(), "Alice", id), keyservice.Invalid, "not the ID of a key")
		_, err := b.LastUsed(t.Context(), "Alice", id)
		expectKind(t, err, keyservice.Invalid, "not the ID of a key")
	}
	b.noCalls(t)
}

func TestAnUnknownUserIsNotFound(t *testing.T) {
	b := newBed(t, account.Options{})
	const text = "user nobody: the service knows no such user: the service answered 404 Not Found: NoSuchEntity: "
	_, err := b.ResolveUser(t.Context(), "nobody")
	expectKind(t, err, keyservice.NotFound, "find user: "+text)
	_, err = b.List(t.Context(), "nobody")
	expectKind(t, err, keyservice.NotFound, "list keys: "+text)
	_, err = b.Create(t.Context(), "nobody", ttlIgnored)
	expectKind(t, err, keyservice.NotFound, "create key: "+text)
}

func TestAUserIsLookedUpAgainOnceItIsGone(t *testing.T) {
	for name, use := range map[string]func(b *testBed) error{
		"by a list":   func(b *testBed) error { _, err := b.List(t.Context(), "Alice"); return err },
		"by a create": func(b *testBed) error { _, err := b.Create(t.Context(), "Alice", ttlIgnored); return err },
		"by a delete": func(b *testBed) error { return b.Delete(t.Context(), "Alice", goneKey) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			_, _ = b.ResolveUser(t.Context(), "Alice")
			b.account.DeleteUser("Alice")
			if _, err := b.ResolveUser(t.Context(), "Alice"); err != nil {
				t.Errorf("nobody has met the change: %v", err)
			}
			_ = use(b)
			_, err := b.ResolveUser(t.Context(), "Alice")
			expectKind(t, err, keyservice.NotFound)
		})
	}
}

func TestALookUpThatIsNotAboutTheUserFails(t *testing.T) {
	for text, body := range map[string]string{
		"another user":            result("GetUser", "<User><UserName>operator</UserName></User>"),
		"another user ":           result("GetUser", "<User/>"),
		"not that of the IAM API": "<html></html>",
	} {
		b := newBed(t, account.Options{})
		lift := b.answer("GetUser", 200, body)
		_, err := b.ResolveUser(t.Context(), "Alice")
		expectKind(t, err, keyservice.Unavailable, "find user: user Alice: ", strings.TrimSpace(text))
		lift()
		if id, err := b.ResolveUser(t.Context(), "Alice"); err != nil || id != "Alice" {
			t.Errorf("the failure was remembered: %q, %v", id, err)
		}
	}
}
