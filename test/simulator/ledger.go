// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Person is who makes and deletes keys behind the operator's back.
const Person = "a person"

// Pair is one pair of access key and secret that existed at some time. A key that is renewed in place is a new pair with
// the same ID. The secret is not part of it: a service shows it once.
type Pair struct {
	// ID is the service's handle of the key, AccessKeyID the public half of the pair.
	ID          string `json:"id"`
	AccessKeyID string `json:"accessKeyID"`
	// Owner is the key's user, in the service's stable notation.
	Owner string `json:"owner"`
	// CreatedBy and DeletedBy are accounts of the service, or Person.
	CreatedBy string    `json:"createdBy"`
	CreatedAt time.Time `json:"createdAt"`
	DeletedBy string    `json:"deletedBy,omitempty"`
	// DeletedAt is zero while the pair works.
	DeletedAt time.Time `json:"deletedAt,omitzero"`

	secret string
}

// Live reports whether the pair was not deleted.
func (p Pair) Live() bool { return p.DeletedAt.IsZero() }

// Ledger remembers every pair ever made, and what became of it.
type Ledger struct {
	clock clock.PassiveClock
	mu    sync.Mutex
	pairs []Pair
	// byOwner are the places of each owner's pairs, since a bench has ten thousand of them.
	byOwner map[string][]int
	// tokens are secrets that belong to no pair.
	tokens []string
}

// Record enters a new pair, made now.
func (l *Ledger) Record(pair Pair, secret string) Pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	pair.CreatedAt, pair.secret = l.clock.Now(), secret
	if l.byOwner == nil {
		l.byOwner = map[string][]int{}
	}
	l.byOwner[pair.Owner] = append(l.byOwner[pair.Owner], len(l.pairs))
	l.pairs = append(l.pairs, pair)
	return pair.public()
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

// LivePairs returns the pairs that work, in the order in which they were made.
func (l *Ledger) LivePairs() []Pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	var live []Pair
	for _, pair := range l.pairs {
		if pair.Live() {
			live = append(live, pair.public())
		}
	}
	return live
}

// LivePairsOf returns the pairs of the owner that work, in that order.
func (l *Ledger) LivePairsOf(owner string) []Pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	var picked []Pair
	for _, at := range l.byOwner[owner] {
		if pair := l.pairs[at]; pair.Live() {
			picked = append(picked, pair.public())
		}
	}
	return picked
}

// History returns every pair ever made, in that order.
func (l *Ledger) History() []Pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	history := slices.Clone(l.pairs)
	for i := range history {
		history[i] = history[i].public()
	}
	return history
}

// Valid is the data plane: whether a request that is signed with this pair would be let in.
func (l *Ledger) Valid(accessKeyID, secret string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.pairs, func(pair Pair) bool {
		return pair.Live() && pair.AccessKeyID == accessKeyID && pair.secret == secret
	})
}

// RecordToken enters a secret that belongs to no pair, such as a session's token.
func (l *Ledger) RecordToken(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, token)
}

// Secrets returns every secret ever made, for tests that look where one shows.
func (l *Ledger) Secrets() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	secrets := slices.Clone(l.tokens)
	for i := range l.pairs {
		secrets = append(secrets, l.pairs[i].secret)
	}
	return secrets
}

func (p Pair) public() Pair {
	p.secret = ""
	return p
}
