// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// moments tell how long ago something was that a status records, although the clock jumps: a recorded moment is one of a
// clock that may have been set since. What has passed since this process first saw the record is measured by the
// monotonic clock, and only what had passed by then is taken from the record. A record of the future proves that the
// clock was set back; nothing had passed by then. That the clock was set while no operator ran nobody can know otherwise.
type moments struct {
	mu   sync.Mutex
	seen map[types.NamespacedName][]moment
}

// moment of something, by its hash. An AccessKey has one or two, for which a map of its own, or what they are of, would take
// many times the memory.
type moment struct {
	what uint64
	at   time.Time
}

// of is when it was by a clock that runs as the process's does. now is from the clock, with its monotonic reading.
func (m *moments) of(name types.NamespacedName, what uint64, recorded, now time.Time) time.Time {
	if recorded.IsZero() {
		return recorded
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = map[types.NamespacedName][]moment{}
	}
	for _, known := range m.seen[name] {
		if known.what == what {
			return known.at
		}
	}
	at := now.Add(-max(now.Round(0).Sub(recorded), 0)) // by the wall clock
	m.seen[name] = append(m.seen[name], moment{what, at})
	return at
}

// keep forgets what an AccessKey no longer records; all of it, if it is gone.
func (m *moments) keep(name types.NamespacedName, recorded ...uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := slices.DeleteFunc(m.seen[name], func(known moment) bool { return !slices.Contains(recorded, known.what) })
	if len(kept) == 0 {
		delete(m.seen, name)
		return
	}
	m.seen[name] = kept
}

// begun is when the open intent of an AccessKey was begun; zero if none is open.
func (m *moments) begun(ak *v1alpha1.AccessKey, now time.Time) time.Time {
	if ak.Status.Intent == nil {
		return time.Time{}
	}
	return m.of(client.ObjectKeyFromObject(ak), intentMoment(ak.Status.Intent), ak.Status.Intent.StartedAt.Time, now)
}

// issued notes when the pair was issued that status now records: when its operation was begun, if that is known.
func (m *moments) issued(ak *v1alpha1.AccessKey, begun time.Time) {
	if status := &ak.Status; !begun.IsZero() {
		m.of(client.ObjectKeyFromObject(ak), issueMoment(status.KeyID, status.AccessKeyID, status.IssuedAt.Time), begun, begun)
	}
}

// dated are the recorded keys with the time at which they were issued.
func (m *moments) dated(ak *v1alpha1.AccessKey, now time.Time) []plan.Key {
	keys := recordedKeys(ak)
	for i := range keys {
		key := &keys[i]
		key.CreatedAt = m.of(client.ObjectKeyFromObject(ak), issueMoment(key.ID, key.AccessKeyID, key.CreatedAt), key.CreatedAt, now)
	}
	return keys
}

// issuedBy is when the keys were issued by the wall clock as it is set now.
func issuedBy(now time.Time, keys []plan.Key) map[string]time.Time {
	issued := map[string]time.Time{}
	for _, key := range keys {
		issued[key.ID] = now.Round(0).Add(-now.Sub(key.CreatedAt))
	}
	return issued
}

// recordedMoments names what a status records the moment of.
func recordedMoments(ak *v1alpha1.AccessKey) []uint64 {
	var recorded []uint64
	if ak.Status.Intent != nil {
		recorded = append(recorded, intentMoment(ak.Status.Intent))
	}
	for _, key := range recordedKeys(ak) {
		recorded = append(recorded, issueMoment(key.ID, key.AccessKeyID, key.CreatedAt))
	}
	return recorded
}

// seed of the hashes.
var seed = maphash.MakeSeed()

func intentMoment(intent *v1alpha1.Intent) uint64 {
	return maphash.Comparable(seed, struct{ revision, startedAt int64 }{intent.Revision, intent.StartedAt.Unix()})
}

func issueMoment(keyID, accessKeyID string, issuedAt time.Time) uint64 {
	return maphash.Comparable(seed, struct {
		keyID, accessKeyID string
		issuedAt           int64
	}{keyID, accessKeyID, issuedAt.Unix()})
}
