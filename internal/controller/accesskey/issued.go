// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/internal/keyservice"
)

// issuedPairs remembers when the service answered with the last pair of each AccessKey. The status only records when the pair
// was requested, and a listing in between does not have it.
type issuedPairs struct{ byName sync.Map }

type issuedPair struct {
	key keyservice.Key
	at  time.Time
}

func (p *issuedPairs) note(name types.NamespacedName, key keyservice.Key, at time.Time) {
	p.byName.Store(name, issuedPair{key, at})
}

func (p *issuedPairs) forget(name types.NamespacedName) { p.byName.Delete(name) }

// answered returns when the service answered with a pair; false if this process does not remember that.
func (p *issuedPairs) answered(name types.NamespacedName, key keyservice.Key) (at time.Time, known bool) {
	value, _ := p.byName.Load(name)
	pair, ok := value.(issuedPair)
	return pair.at, ok && pair.key.SamePair(key)
}

// denies reports whether a listing lacks a recorded key that it should have. A key that another process requested was made in a
// scope that began when the status says, and is listed after the list lag.
func (r *Reconciler) denies(s *scope, snapshot keyservice.Snapshot, key keyservice.Key) bool {
	lag := s.connection.ListLag
	latest := key.CreatedAt.Add(2*operationTime(s.connection) + lag)
	at, known := r.issued.answered(s.name, key)
	if !known {
		return snapshot.Denies(key, latest)
	}
	if snapshot.At.After(latest) {
		r.issued.forget(s.name) // from now on the status is enough
	}
	return snapshot.Denies(key, at.Add(lag))
}
