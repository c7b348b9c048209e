// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
)

// subject is one service under test: how it is started, and its particulars. The suite asks the backend what it can do.
type subject struct {
	name string
	// title is the service's name in docs/services; empty if it has no row there.
	title string
	start func(t *testing.T, page int) *bed

	// pageSize is how many items the backend asks for at a time.
	pageSize int
	// pages are small sizes of the service's pages, and one that holds everything.
	pages []int
	// unknownUser is the kind of a List and a Create for an unknown user; empty: Create makes the user.
	unknownUser keyservice.Kind
	// foreignFull is the error of a Create whose user has only foreign keys, as many as the service allows.
	foreignFull expected
	// requests of each operation, in the order in which they are sent the first time.
	requests map[string][]request
	// documented are the answers that the service documents beside its successes.
	documented []documented
	// refusal is a body with the service's own words.
	refusal func(words string) string
	// secrets are the operator's own at the service.
	secrets []string
}

// expected is what an error must be. The zero value: no error.
type expected struct {
	kind   keyservice.Kind
	reason string
	retry  time.Duration
}

// request is one that an operation sends.
type request struct {
	name string
	rule simulator.Rule
	// unsafe: it makes a pair, so that a lost answer is ambiguous.
	unsafe bool
	// changes: it changes keys.
	changes bool
	// unread: only the status of a success is read.
	unread bool
	// bodyless: its success has no body.
	bodyless bool
	// optional: a service without it answers 503, and another request serves.
	optional bool
}

// world is the state of the service behind a backend, which the contract is checked against, and what people do there.
type world interface {
	// user is how the operator names a user.
	user(name string) string
	// spellings are the ways to write the named user, for services with several.
	spellings(name string) []string
	// removeUser deletes the named user, and reports false if that is not possible.
	removeUser(name string) bool
	// makeKey makes a key of the named user by hand.
	makeKey(name string) (simulator.Pair, error)
	// visible are the keys that ListAll has to show, and their owners.
	visible() map[string]string
	// items is how many items a listing of everything pages over.
	items() int

	RemoveKey(id string) bool
	Valid(accessKeyID, secret string) bool
	// Active: the key is not disabled.
	Active(id string) bool
	History() []simulator.Pair
	LivePairs() []simulator.Pair
}

// Names of users.
const (
	alice = "alice"
	bob   = "bob"
	carol = "carol" // whom the service does not know
)

var (
	begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	owner = keyservice.Owner{UID: "8a9d3c5e-0000-4000-8000-000000000001", Namespace: "team-a", Name: "backup"}
)

// password differs in JSON, in a URL and in a header.
const password = `Pass"word\1 <&>ü`

const ttl = 30 * 24 * time.Hour

// expect fails the test unless err is what it should be.
func expect(t *testing.T, err error, want expected) {
	t.Helper()
	if want.kind == "" {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	failed, ok := errors.AsType[*keyservice.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *keyservice.Error of kind %s", err, want.kind)
	}
	if failed.Kind != want.kind || failed.Reason != want.reason {
		t.Errorf("kind %s, reason %q, want %s, %q: %v", failed.Kind, failed.Reason, want.kind, want.reason, err)
	}
	if want.retry != 0 && failed.RetryAfter != want.retry {
		t.Errorf("retry after %s, want %s: %v", failed.RetryAfter, want.retry, err)
	}
	if failed.Op == "" || len(err.Error()) > 1200 {
		t.Errorf("not fit for a condition's message: %q", err)
	}
}
