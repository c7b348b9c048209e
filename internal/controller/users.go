// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

// userLocks keep two AccessKeys of one user from creating at once: after a crash their keys could not be told apart. A
// lock is held until the intent is recorded as settled, so it outlives the pass. After a restart, and when nothing of the
// operation can be under way any more, the open intents in the cache stand for the locks.
type userLocks struct {
	mu    sync.Mutex
	locks map[string]userLock
	// done are the locks that were let go in the last minute, oldest first: what their holders made need not be in the cache yet.
	done []doneLock
	// sightings are when keys that an open intent could have made were first seen, by the AccessKey.
	sightings map[types.NamespacedName]map[string]time.Time
}

type userLock struct {
	holder types.NamespacedName
	since  time.Time
}

func (l *userLocks) acquire(user string, holder types.NamespacedName, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.locks == nil {
		l.locks = map[string]userLock{}
	}
	if current, held := l.locks[user]; held && current.holder != holder && now.Before(current.since.Add(contestTime)) {
		return false
	}
	l.locks[user] = userLock{holder, now}
	return true
}

// doneLock is one that was let go.
type doneLock struct {
	userLock

	user string
	at   time.Time
}

// cacheLag is how far the cache can be behind.
const cacheLag = time.Minute

// forget releases what an AccessKey held.
func (l *userLocks) forget(holder types.NamespacedName, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.done) > 0 && now.Sub(l.done[0].at) > cacheLag {
		l.done = l.done[1:]
	}
	maps.DeleteFunc(l.locks, func(user string, current userLock) bool {
		if current.holder == holder {
			l.done = append(l.done, doneLock{current, user, now})
		}
		return current.holder == holder
	})
	delete(l.sightings, holder)
}

// sighted is when the key was first seen by the AccessKey: whatever began later did not make it.
func (l *userLocks) sighted(keyID string, by types.NamespacedName, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sightings == nil {
		l.sightings = map[types.NamespacedName]map[string]time.Time{}
	}
	if l.sightings[by] == nil {
		l.sightings[by] = map[string]time.Time{}
	}
	if first, ok := l.sightings[by][keyID]; ok {
		return first
	}
	l.sightings[by][keyID] = now
	return now
}

// heldByOther since when; zero if not.
func (l *userLocks) heldByOther(user string, holder types.NamespacedName) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if current, held := l.locks[user]; held && current.holder != holder {
		return current.since
	}
	return time.Time{}
}

// lastOther is when another AccessKey last began an operation for any user of the service, up to a moment; zero if none that
// began by then is, or just was, at work.
func (l *userLocks) lastOther(endpoint string, holder types.NamespacedName, by time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	var last time.Time
	consider := func(user string, lock userLock) {
		if lock.holder != holder && strings.HasPrefix(user, endpoint+" ") && lock.since.After(last) && !lock.since.After(by) {
			last = lock.since
		}
	}
	for user, lock := range l.locks {
		consider(user, lock)
	}
	for _, done := range l.done {
		consider(done.user, done.userLock)
	}
	return last
}

// userBusy reports an open operation of another AccessKey for the same user, and until when a request of it may be under way.
func (r *AccessKeyReconciler) userBusy(ctx context.Context, p *pass) (busy bool, until time.Time, err error) {
	if since := r.users.heldByOther(p.userKey(), client.ObjectKeyFromObject(p.ak)); !since.IsZero() {
		busy, until = true, since.Add(contestTime)
	}
	var open v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &open, client.MatchingFields{indexOpenIntent: intentUser(p.ak)}, client.UnsafeDisableDeepCopy); err != nil {
		return false, time.Time{}, err
	}
	for i := range open.Items {
		if other := &open.Items[i]; r.rival(ctx, p, other) {
			busy = true
			if end := r.moments.begun(other, p.in.Now).Add(contestTime); end.After(until) {
				until = end
			}
		}
	}
	return busy, until, nil
}

// claims marks the keys that another AccessKey of the same service records or publishes, or may be about to publish.
func (r *AccessKeyReconciler) claims(ctx context.Context, p *pass, keys []keyservice.Key) ([]plan.Key, error) {
	marked := make([]plan.Key, 0, len(keys))
	for _, key := range keys {
		claimed, err := r.claimedByOther(ctx, p, key)
		if err != nil {
			return nil, err
		}
		marked = append(marked, plan.Key{Key: key, Claimed: claimed})
	}
	if p.ak.Status.Intent == nil {
		return marked, nil
	}
	return marked, r.contest(ctx, p, marked)
}

// contestTime is how long after its start an operation can still publish what it made: a pass, and what it waited for
// before it began to change things.
const contestTime = 2 * passTimeout

// managerSkew is how far the clocks of two managers may be apart.
const managerSkew = time.Minute

// contest finds the other operations that could have made one of the keys: their AccessKeys may spell the user in another
// way, so no lock kept them apart. What such an operation made is published, and so claimed, by the end of its pass. Those
// that begin after a key was seen do not count, or a busy service would keep an intent open for ever.
func (r *AccessKeyReconciler) contest(ctx context.Context, p *pass, keys []plan.Key) error {
	name := client.ObjectKeyFromObject(p.ak)
	var open v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &open, client.MatchingFields{indexOpenIntent: anyUser}, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	for i := range keys {
		now := r.Clock.Now()
		seen := r.users.sighted(keys[i].ID, name, now)
		if began := r.users.lastOther(p.connection.Endpoint, name, seen); !began.IsZero() {
			keys[i].ContestedUntil = began.Add(contestTime)
		}
		for j := range open.Items {
			other := &open.Items[j]
			began := r.moments.begun(other, now)
			end := began.Add(contestTime)
			if !began.After(seen.Add(managerSkew)) && end.After(keys[i].ContestedUntil) && r.rival(ctx, p, other) &&
				!slices.Contains(other.Status.Intent.KnownKeyIDs, keys[i].ID) {
				keys[i].ContestedUntil = end
			}
		}
	}
	return nil
}

func (r *AccessKeyReconciler) claimedByOther(ctx context.Context, p *pass, key keyservice.Key) (bool, error) {
	if claimed, err := r.recordedByOther(ctx, p, key); claimed || err != nil {
		return claimed, err
	}
	return r.publishedByOther(ctx, p, key)
}

func (r *AccessKeyReconciler) recordedByOther(ctx context.Context, p *pass, key keyservice.Key) (bool, error) {
	var recording v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &recording, inBucket(indexRecordedKey, key.ID), client.UnsafeDisableDeepCopy); err != nil {
		return false, err
	}
	for i := range recording.Items {
		if other := &recording.Items[i]; recordsPair(other, key) && r.rival(ctx, p, other) {
			return true, nil
		}
	}
	return false, nil
}

func (r *AccessKeyReconciler) publishedByOther(ctx context.Context, p *pass, key keyservice.Key) (bool, error) {
	var publishing corev1.SecretList
	if err := r.Cache.List(ctx, &publishing, inBucket(indexPublishedKey, key.ID), client.UnsafeDisableDeepCopy); err != nil {
		return false, err
	}
	for i := range publishing.Items {
		if claimedKeyID(&publishing.Items[i]) != key.ID {
			continue // before its proof is worked out
		}
		owner := ownerOf(&publishing.Items[i])
		record, proven := r.Signer.recordOf(&publishing.Items[i])
		if !proven || owner.UID == p.ak.UID || !key.SamePair(keyservice.Key{ID: record.KeyID, AccessKeyID: record.AccessKeyID}) {
			continue
		}
		other := &v1alpha1.AccessKey{}
		name := types.NamespacedName{Namespace: publishing.Items[i].Namespace, Name: owner.Name}
		if r.Client.Get(ctx, name, other) == nil && r.endpointOf(ctx, other) == p.connection.Endpoint {
			return true, nil
		}
	}
	return false, nil
}

// recordsPair: the status has this pair and not one that was in its place before, or an open operation may have put it there.
func recordsPair(ak *v1alpha1.AccessKey, key keyservice.Key) bool {
	if intent := ak.Status.Intent; intent != nil && intent.KeyID == key.ID && intent.Operation != v1alpha1.OperationRevoke {
		return true
	}
	return slices.ContainsFunc(plainKeys(recordedKeys(ak)), key.SamePair)
}

// rival: another AccessKey of the same service, whose status the operator wrote: nobody can claim a key, or hold up a user,
// by an edited one.
func (r *AccessKeyReconciler) rival(ctx context.Context, p *pass, other *v1alpha1.AccessKey) bool {
	return other.UID != p.ak.UID && r.endpointOf(ctx, other) == p.connection.Endpoint && r.Signer.proofOf(other) != plan.Forged
}

// endpointOf the service that an AccessKey refers to, empty if it is not there.
func (r *AccessKeyReconciler) endpointOf(ctx context.Context, ak *v1alpha1.AccessKey) string {
	service, err := r.serviceOf(ctx, ak)
	if err != nil {
		return ""
	}
	return connect.Endpoint(service.GetSpec())
}

// anyUser finds every open intent.
const anyUser = "any"

// intentUser is what two AccessKeys that could get into each other's way have in common, whatever their KeyService.
func intentUser(ak *v1alpha1.AccessKey) string { return "user/" + strings.TrimSpace(holderOf(ak)) }

// holderOf names whose key it is. Without a user it is whoever the KeyService's credentials are of, so that the many
// KeyServices of one such service do not wait for each other. Two of one token can then create at once; but where keys have
// no user the operator chooses their IDs, which tell them apart after a crash.
func holderOf(ak *v1alpha1.AccessKey) string {
	if ak.Spec.User == "" {
		return "of " + serviceKey(ak)
	}
	return ak.Spec.User
}
