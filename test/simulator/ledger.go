// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Person is the creator of keys that are created by hand, and the deleter of keys that are deleted by hand.
const Person = "a person"

// Pair is an access key and its secret that exist or existed at the service. Regenerating a key in place creates a new Pair
// with the same ID. It does not contain the secret, because a service shows it only once.
type Pair struct {
	// ID identifies the key at the service. AccessKeyID is the public half of the pair.
	ID          string `json:"id"`
	AccessKeyID string `json:"accessKeyID"`
	// Owner is the user of the key, in a notation of the service that does not change when the user is renamed.
	Owner string `json:"owner"`
	// CreatedBy and DeletedBy are accounts of the service or Person.
	CreatedBy string    `json:"createdBy"`
	CreatedAt time.Time `json:"createdAt"`
	DeletedBy string    `json:"deletedBy,omitempty"`
	// DeletedAt is zero while the pair works.
	DeletedAt time.Time `json:"deletedAt,omitzero"`
}

// Live reports whether the pair has not been deleted.
func (p Pair) Live() bool { return p.DeletedAt.IsZero() }

// Ledger records every pair that was ever created, and when and by whom it was deleted.
type Ledger struct {
	clock clock.PassiveClock
	mu    sync.Mutex
	pairs []entry
	// byOwner maps an owner to indexes of pairs. Benchmarks create ten thousand pairs, so scanning them all is too slow.
	byOwner map[string][]int
	// tokens are the secrets that do not belong to a pair.
	tokens []string
}

type entry struct {
	Pair

	secret string
}

// Record adds a new pair, created now.
func (l *Ledger) Record(pair Pair, secret string) Pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	pair.CreatedAt = l.clock.Now()
	l.byOwner[pair.Owner] = append(l.byOwner[pair.Owner], len(l.pairs))
	l.pairs = append(l.pairs, entry{pair, secret})
	return pair
}

// End marks the live pair with this ID as deleted, and reports whether there was one.
func (l *Ledger) End(id, by string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.pairs {
		if pair := &l.pairs[i]; pair.ID == id && pair.Live() {
			pair.DeletedAt, pair.DeletedBy = l.clock.Now(), by
			return true
		}
	}
	return false
}

// LivePairs returns the pairs that have not been deleted, in the order of their creation.
func (l *Ledger) LivePairs() []Pair {
	return slices.DeleteFunc(l.History(), func(pair Pair) bool { return !pair.Live() })
}

// LivePairsOf returns the pairs of the owner that have not been deleted, in the order of their creation.
func (l *Ledger) LivePairsOf(owner string) []Pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	var picked []Pair
	for _, at := range l.byOwner[owner] {
		if pair := l.pairs[at]; pair.Live() {
			picked = append(picked, pair.Pair)
		}
	}
	return picked
}

// History returns every pair, including deleted ones, in the order of creation.
func (l *Ledger) History() []Pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	history := make([]Pair, len(l.pairs))
	for i := range history {
		history[i] = l.pairs[i].Pair
	}
	return history
}

// Valid reports whether the data plane would accept a request that is signed with this pair.
func (l *Ledger) Valid(accessKeyID, secret string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.pairs, func(pair entry) bool {
		return pair.Live() && pair.AccessKeyID == accessKeyID && pair.secret == secret
	})
}

// Working returns the pairs that valid accepts now, as secrets by access key ID. It also asks for pairs that were deleted,
// because some services accept those for a while.
func (l *Ledger) Working(valid func(accessKeyID, secret string) bool) map[string]string {
	l.mu.Lock()
	pairs := slices.Clone(l.pairs)
	l.mu.Unlock()
	working := map[string]string{}
	for _, pair := range pairs {
		if valid(pair.AccessKeyID, pair.secret) {
			working[pair.AccessKeyID] = pair.secret
		}
	}
	return working
}

// RecordToken adds a secret that does not belong to a pair, such as a session token.
func (l *Ledger) RecordToken(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, token)
}

// Secrets returns every secret that was ever issued. Tests use it to search for leaked secrets.
func (l *Ledger) Secrets() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	secrets := slices.Clone(l.tokens)
	for _, pair := range l.pairs {
		secrets = append(secrets, pair.secret)
	}
	return secrets
}
