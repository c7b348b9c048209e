// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// user is one user of one service, however the user is written.
type user struct{ service, id string }

// userLocks keep two AccessKeys of one user from starting operations at the same time: after a crash, nobody could tell which
// of them created which key. A lock is held until the operation is settled, so it outlives the scope. After a restart, the
// open intents in the cache take the place of the locks.
type userLocks struct {
	mu    sync.Mutex
	locks map[user]userLock
}

type userLock struct {
	holder types.NamespacedName
	since  time.Time
}

// acquire locks all names of a user, or none.
func (l *userLocks) acquire(names []user, holder types.NamespacedName, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, held := l.otherHolds(names, holder); held {
		return false
	}
	if l.locks == nil {
		l.locks = map[user]userLock{}
	}
	for _, name := range names {
		l.locks[name] = userLock{holder, now}
	}
	return true
}

// release releases everything that an AccessKey holds.
func (l *userLocks) release(holder types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.locks, func(_ user, current userLock) bool { return current.holder == holder })
}

// heldByOther returns the lock of a user that another AccessKey holds, and false if none does.
func (l *userLocks) heldByOther(names []user, holder types.NamespacedName) (lock userLock, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.otherHolds(names, holder)
}

func (l *userLocks) otherHolds(names []user, holder types.NamespacedName) (lock userLock, held bool) {
	for _, name := range names {
		if current, locked := l.locks[name]; locked && current.holder != holder {
			return current, true
		}
	}
	return userLock{}, false
}

// lockedUser returns the names by which the user is locked. A service could pretend to be another one, so its identity only
// counts together with its address, or among the KeyServices of one namespace.
func (s *scope) lockedUser() []user {
	identity := s.connection.Identity
	return []user{{s.address + " " + identity, s.user()}, {s.serviceNamespace + "/" + identity, s.user()}}
}

// observeUser finds out whether another AccessKey of the same user has an open operation.
func (r *Reconciler) observeUser(ctx context.Context, s *scope) error {
	s.in.UserBusy, s.in.UserBusyUntil, s.in.UserBusyWith, s.in.UserBusySince = false, time.Time{}, "", time.Time{}
	if lock, held := r.users.heldByOther(s.lockedUser(), s.name); held {
		s.userIsBusy(lock.holder, lock.since)
	}
	var open v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &open, client.MatchingFields{indexOpenIntent: userIndex(s.user())}, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	for i := range open.Items {
		if r.sharesService(ctx, s, &open.Items[i]) {
			s.userIsBusy(client.ObjectKeyFromObject(&open.Items[i]), open.Items[i].Status.Intent.StartedAt.Time)
		}
	}
	return nil
}

// userIsBusy notes another AccessKey of the user with an open operation. The one that began first is named.
func (s *scope) userIsBusy(name types.NamespacedName, since time.Time) {
	s.in.UserBusy = true
	if s.in.UserBusyWith == "" || since.Before(s.in.UserBusySince) {
		s.in.UserBusyWith, s.in.UserBusySince = name.String(), since
	}
	// The scope in which a request was sent, and what that waited for before.
	if until := since.Add(2 * operationTime(s.connection)); until.After(s.in.UserBusyUntil) {
		s.in.UserBusyUntil = until
	}
}

// claims marks the keys that another AccessKey of the same service records.
func (r *Reconciler) claims(ctx context.Context, s *scope, keys []keyservice.Key) ([]plan.Key, error) {
	marked := make([]plan.Key, 0, len(keys))
	for _, key := range keys {
		var recording v1alpha1.AccessKeyList
		if err := r.Client.List(ctx, &recording, client.MatchingFields{indexRecordedKey: key.ID}, client.UnsafeDisableDeepCopy); err != nil {
			return nil, err
		}
		claimed := slices.ContainsFunc(recording.Items, func(other v1alpha1.AccessKey) bool {
			return recordsPair(&other, key) && r.sharesService(ctx, s, &other)
		})
		marked = append(marked, plan.Key{Key: key, Claimed: claimed})
	}
	return marked, nil
}

// recordsPair reports whether a status records this pair, and not one that was under the same ID before, or whether an open
// operation may have created it.
func recordsPair(ak *v1alpha1.AccessKey, key keyservice.Key) bool {
	if intent := ak.Status.Intent; intent != nil && intent.KeyID == key.ID && intent.Operation != v1alpha1.OperationRevoke {
		return true
	}
	return slices.ContainsFunc(plainKeys(recordedKeys(ak)), key.SamePair)
}

// sharesService reports whether another AccessKey is at the same service, or may be as long as its service is not identified.
// As above, the identity of a KeyService of another namespace only counts if it has the same address.
func (r *Reconciler) sharesService(ctx context.Context, s *scope, other *v1alpha1.AccessKey) bool {
	if other.UID == s.ak.UID {
		return false
	}
	service, err := r.serviceOf(ctx, other)
	if err != nil {
		return false
	}
	identity, namespace := service.GetStatus().Identity, service.GetNamespace()
	trusted := namespace == "" || namespace == s.name.Namespace || service.GetSpec().Address() == s.address
	return service.GetUID() == s.service || trusted && (identity == "" || identity == s.connection.Identity)
}
