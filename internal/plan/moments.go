// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// renewal is when the current pair is to be replaced; zero without a ttl.
func (in Input) renewal() time.Time {
	status := &in.AccessKey.Status
	_, renewal := Schedule(in.AccessKey, in.issuedAt(status.KeyID, status.IssuedAt.Time))
	return renewal
}

// issuedAt is when a recorded key was issued. If the clock was set since, it is the earlier of what the status says and
// what the time that has passed says: no key is to live longer because a clock was set back.
func (in Input) issuedAt(id string, recorded time.Time) time.Time {
	return earliest(recorded, in.Issued[id])
}

// landedBy is when the request of the intent can no longer be under way.
func (in Input) landedBy(intent *v1alpha1.Intent) time.Time {
	if in.Begun.IsZero() {
		return intent.StartedAt.Add(settleAfter)
	}
	return in.Begun.Add(settleAfter)
}

// ended: the service has ended the pair by itself. When is told by its clock, which need not agree with this one, so of a
// recorded pair only how long it was to live is taken from it, and that not if the clocks disagreed when it was issued.
func (in Input) ended(key Key) bool {
	if key.ExpiresAt.IsZero() {
		return false
	}
	issued, measured := in.Issued[key.ID]
	if !measured || !in.listsRecorded(key.ID) {
		return !in.Now.Before(key.ExpiresAt)
	}
	life := key.ExpiresAt.Sub(in.recordedIssue(key.ID))
	if life <= 0 && in.AccessKey.Spec.TTL != nil {
		life = in.AccessKey.Spec.TTL.Duration
	}
	return !in.Now.Before(issued.Add(life))
}

// recordedIssue is when a recorded key was issued, as the status says.
func (in Input) recordedIssue(id string) time.Time {
	status := &in.AccessKey.Status
	for i := range status.PreviousKeys {
		if status.PreviousKeys[i].KeyID == id {
			return status.PreviousKeys[i].IssuedAt.Time
		}
	}
	return status.IssuedAt.Time
}
