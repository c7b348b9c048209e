// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// errBusyElsewhere: another shard is at work for the user.
var errBusyElsewhere = fmt.Errorf("%w, in another shard", errUserBusy)

// busyElsewhere reports an operation of another shard's AccessKey for the same user. No lock is between the two. So each
// records its intent first and then reads, live, what the others record: whichever comes second sees the first. What can't
// be read counts as busy.
func (r *AccessKeyReconciler) busyElsewhere(ctx context.Context, p *pass) bool {
	if r.Shard == nil || p.ak.Spec.User == "" { // without a user the operator chooses the keys' IDs: see holderOf
		return false
	}
	var same v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &same, inBucket(indexUser, intentUser(p.ak)), client.UnsafeDisableDeepCopy); err != nil {
		return true
	}
	for i := range same.Items {
		if intentUser(&same.Items[i]) != intentUser(p.ak) || r.Shard.has(&same.Items[i]) || r.endpointOf(ctx, &same.Items[i]) != p.connection.Endpoint {
			continue
		}
		other := &v1alpha1.AccessKey{}
		err := r.Live.Get(ctx, client.ObjectKeyFromObject(&same.Items[i]), other)
		if client.IgnoreNotFound(err) != nil || err == nil && other.Status.Intent != nil && r.rival(ctx, p, other) {
			return true
		}
	}
	return false
}

// busyDelay is when to ask for a busy user again. Two AccessKeys that saw each other must not meet again and again.
func busyDelay(busy error, uid types.UID) time.Duration {
	if !errors.Is(busy, errBusyElsewhere) {
		return time.Second
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(uid)) // never fails
	return time.Second + time.Duration(hash.Sum32()%1000)*time.Millisecond
}
