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

// begun is when the intent was: measured, or as recorded.
func (in Input) begun(intent *v1alpha1.Intent) time.Time {
	if in.Begun.IsZero() {
		return intent.StartedAt.Time
	}
	return in.Begun
}

// landedBy is when the request of the intent can no longer be under way.
func (in Input) landedBy(intent *v1alpha1.Intent) time.Time { return in.begun(intent).Add(settleAfter) }

// byWallClock is a measured moment by the wall clock as it is set now.
func (in Input) byWallClock(measured time.Time) time.Time {
	return in.Now.Round(0).Add(-in.Now.Sub(measured))
}
