// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/internal/keyservice/connect"
)

var (
	here  = types.NamespacedName{Namespace: "team-a", Name: "backup"}
	there = types.NamespacedName{Namespace: "team-b", Name: "backup"}
)

func TestAUserIsHeldByOneAccessKeyUntilItLetsGo(t *testing.T) {
	var locks userLocks
	if !locks.heldByOther("alice", here).IsZero() {
		t.Error("held before anybody came")
	}
	for range 2 {
		if !locks.acquire("alice", here, noon) {
			t.Error("not to be had, or not again by its holder")
		}
	}
	if locks.acquire("alice", there, noon.Add(contestTime-1)) {
		t.Error("given to two")
	}
	if !locks.heldByOther("alice", there).Equal(noon) || !locks.heldByOther("alice", here).IsZero() {
		t.Error("the wrong one is told that it is held")
	}
	if !locks.acquire("bob", there, noon) {
		t.Error("another user is not to be had")
	}
	locks.forget(there, noon)
	if locks.heldByOther("alice", there).IsZero() {
		t.Error("let go by one who does not hold it")
	}
	locks.forget(here, noon)
	if !locks.heldByOther("alice", there).IsZero() || !locks.acquire("alice", there, noon) {
		t.Error("not to be had after its holder let go")
	}
	if !locks.acquire("alice", here, noon.Add(contestTime)) {
		t.Error("not to be had when nothing of its holder's can be under way")
	}
}

func TestOfManyAtOnceOneGetsTheUser(t *testing.T) {
	var locks userLocks
	var winners atomic.Int32
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			if locks.acquire("alice", types.NamespacedName{Name: fmt.Sprint(i)}, time.Time{}) {
				winners.Add(1)
			}
			locks.heldByOther("alice", here)
			locks.forget(there, noon)
		})
	}
	group.Wait()
	if winners.Load() != 1 {
		t.Errorf("%d got it", winners.Load())
	}
}

func TestTheLastOperationOfAnotherAtTheSameService(t *testing.T) {
	var locks userLocks
	for _, lock := range []struct {
		user   string
		holder string
		after  time.Duration
	}{
		{"https://a.example local:alice", "one", time.Minute},
		{"https://a.example uid:7", "two", 2 * time.Minute},
		{"https://a.example.com local:alice", "three", 3 * time.Minute},
	} {
		locks.acquire(lock.user, types.NamespacedName{Name: lock.holder}, noon.Add(lock.after))
	}
	for name, test := range map[string]struct {
		endpoint, holder string
		by               time.Duration
		want             time.Time
	}{
		"the last of two":                {"https://a.example", "", time.Hour, noon.Add(2 * time.Minute)},
		"one's own does not count":       {"https://a.example", "two", time.Hour, noon.Add(time.Minute)},
		"one that began later neither":   {"https://a.example", "", 90 * time.Second, noon.Add(time.Minute)},
		"one that began just then does":  {"https://a.example", "", 2 * time.Minute, noon.Add(2 * time.Minute)},
		"nor those of another service":   {"https://a.example.com", "three", time.Hour, time.Time{}},
		"a service where nobody is busy": {"https://b.example", "", time.Hour, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := locks.lastOther(test.endpoint, types.NamespacedName{Name: test.holder}, noon.Add(test.by)); !got.Equal(test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestWhoJustLetGoCounts: what it made need not be in the cache yet.
func TestWhoJustLetGoCounts(t *testing.T) {
	const endpoint = "https://a.example"
	var locks userLocks
	locks.acquire(endpoint+" local:alice", here, noon)
	locks.forget(here, noon.Add(time.Minute))
	if !locks.heldByOther(endpoint+" local:alice", there).IsZero() {
		t.Error("still held")
	}
	for _, test := range []struct {
		after time.Duration
		want  time.Time
	}{{cacheLag, noon}, {cacheLag + 1, time.Time{}}} {
		locks.forget(there, noon.Add(time.Minute).Add(test.after)) // any pass drops what is old
		if got := locks.lastOther(endpoint, there, noon.Add(time.Hour)); !got.Equal(test.want) {
			t.Errorf("%s later: got %s, want %s", test.after, got, test.want)
		}
	}
}

// TestAUserIsOneWhateverTheKeyService: two KeyServices with one endpoint are one service, whose users must not be worked on
// twice at once; the same name at two services is two users.
func TestAUserIsOneWhateverTheKeyService(t *testing.T) {
	keyOf := func(endpoint, user string) string {
		p := passOf(func(p *pass) {
			p.ak.Spec.User = user
			p.connection = &connect.Connection{Endpoint: endpoint}
		})
		return p.userKey()
	}
	one := keyOf("https://a.example:8000", "local:alice")
	if one != keyOf("https://a.example:8000", "local:alice") || one == keyOf("https://b.example:8000", "local:alice") ||
		one == keyOf("https://a.example:8000", "local:bob") {
		t.Errorf("got %q", one)
	}
}

// TestKeysWithoutAUserWaitOnlyForTheirKeyService: at IONOS the keys are the token's user's, and each KeyService has another.
func TestKeysWithoutAUserWaitOnlyForTheirKeyService(t *testing.T) {
	of := func(service string) *pass {
		return passOf(func(p *pass) {
			p.ak.Spec.User, p.ak.Spec.ServiceRef.Name = "", service
			p.connection = &connect.Connection{Endpoint: "https://s3.ionos.com"}
		})
	}
	if a, b := of("a"), of("b"); a.userKey() == b.userKey() || intentUser(a.ak) == intentUser(b.ak) {
		t.Errorf("two KeyServices wait for each other: %q, %q", a.userKey(), intentUser(a.ak))
	}
	if a, again := of("a"), of("a"); a.userKey() != again.userKey() || intentUser(a.ak) != intentUser(again.ak) {
		t.Errorf("one KeyService is two users: %q, %q", a.userKey(), intentUser(a.ak))
	}
}
