// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

// userLocks keep two AccessKeys of one user from creating at once: after a crash their keys could not be told apart. A
// lock is held until the intent is recorded as settled, so it outlives the pass. After a restart the open intents in the
// cache stand for the locks.
type userLocks struct {
	mu      sync.Mutex
	holders map[string]types.NamespacedName
}

func (l *userLocks) acquire(user string, holder types.NamespacedName) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holders == nil {
		l.holders = map[string]types.NamespacedName{}
	}
	if current, held := l.holders[user]; held && current != holder {
		return false
	}
	l.holders[user] = holder
	return true
}

// forget releases what an AccessKey held that is gone.
func (l *userLocks) forget(holder types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.holders, func(_ string, current types.NamespacedName) bool { return current == holder })
}

func (l *userLocks) heldByOther(user string, holder types.NamespacedName) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	current, held := l.holders[user]
	return held && current != holder
}

// userBusy reports an operation of another AccessKey for the same user.
func (r *AccessKeyReconciler) userBusy(ctx context.Context, p *pass) (bool, error) {
	if r.users.heldByOther(p.userKey(), client.ObjectKeyFromObject(p.ak)) {
		return true, nil
	}
	var open v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &open, client.MatchingFields{indexOpenIntent: intentUser(p.ak)}); err != nil {
		return false, err
	}
	return slices.ContainsFunc(open.Items, func(other v1alpha1.AccessKey) bool {
		return other.UID != p.ak.UID && r.endpointOf(ctx, &other) == p.connection.Endpoint
	}), nil
}

// claims marks the keys that another AccessKey of the same service records or publishes.
func (r *AccessKeyReconciler) claims(ctx context.Context, p *pass, keys []keyservice.Key) ([]plan.Key, error) {
	marked := make([]plan.Key, 0, len(keys))
	for _, key := range keys {
		claimed, err := r.claimedByOther(ctx, p, key.ID)
		if err != nil {
			return nil, err
		}
		marked = append(marked, plan.Key{Key: key, Claimed: claimed})
	}
	return marked, nil
}

func (r *AccessKeyReconciler) claimedByOther(ctx context.Context, p *pass, keyID string) (bool, error) {
	var recording v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &recording, client.MatchingFields{indexRecordedKey: keyID}); err != nil {
		return false, err
	}
	for i := range recording.Items {
		if other := &recording.Items[i]; other.UID != p.ak.UID && r.endpointOf(ctx, other) == p.connection.Endpoint {
			return true, nil
		}
	}
	var publishing corev1.SecretList
	if err := r.Cache.List(ctx, &publishing, client.MatchingFields{indexPublishedKey: keyID}); err != nil {
		return false, err
	}
	for i := range publishing.Items {
		owner := ownerOf(&publishing.Items[i])
		if owner == nil || owner.UID == p.ak.UID {
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

// endpointOf the service that an AccessKey refers to, empty if it is not there.
func (r *AccessKeyReconciler) endpointOf(ctx context.Context, ak *v1alpha1.AccessKey) string {
	service, err := r.serviceOf(ctx, ak)
	if err != nil {
		return ""
	}
	return connect.Endpoint(service.GetSpec())
}

// intentUser is what two AccessKeys that could get into each other's way have in common, whatever their KeyService.
func intentUser(ak *v1alpha1.AccessKey) string { return "user/" + strings.TrimSpace(ak.Spec.User) }
