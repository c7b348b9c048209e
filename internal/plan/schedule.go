// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"hash/fnv"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
)

const (
	// defaultOverlap is renewBefore without a ttl.
	defaultOverlap = 24 * time.Hour
	// defaultShare is renewBefore as a share of ttl: 1/3.
	defaultShare = 3
	// jitterShare bounds the jitter: 1/10 of the time between issue and renewal.
	jitterShare = 10
)

// Overlap returns how long before its expiry a pair is rotated, and therefore how long the old and the new pair both work.
func Overlap(spec *v1alpha1.AccessKeySpec) time.Duration {
	switch {
	case spec.RenewBefore != nil:
		return spec.RenewBefore.Duration
	case spec.TTL == nil:
		return defaultOverlap
	case spec.RenewBeforePercentage > 0:
		return spec.TTL.Duration / 100 * time.Duration(spec.RenewBeforePercentage)
	default:
		return spec.TTL.Duration / defaultShare
	}
}

// Schedule returns when a pair expires and when it can be rotated; both are zero if it does not expire. ends is when the service
// ends the pair by itself, zero if it does not: a ttl that was changed later does not change that.
func Schedule(ak *v1alpha1.AccessKey, issuedAt, ends time.Time) (expires, renewal time.Time) {
	expires, overlap := life(&ak.Spec, issuedAt, ends)
	if expires.IsZero() {
		return time.Time{}, time.Time{}
	}
	return expires, expires.Add(-overlap).Add(-Jitter(ak.UID, max(expires.Sub(issuedAt)-overlap, 0)))
}

// life returns when a pair expires, zero if it does not, and how long before that it can be rotated.
func life(spec *v1alpha1.AccessKeySpec, issuedAt, ends time.Time) (expires time.Time, overlap time.Duration) {
	overlap = Overlap(spec)
	if spec.TTL != nil {
		expires = issuedAt.Add(spec.TTL.Duration)
	}
	if !ends.IsZero() && (expires.IsZero() || ends.Before(expires)) {
		expires, overlap = ends, shorten(spec, overlap, max(ends.Sub(issuedAt), 0))
	}
	return expires, overlap
}

// shorten returns the overlap of a pair whose life is shorter than its ttl: the usual one, but at most the same share of the life,
// or a third of it.
func shorten(spec *v1alpha1.AccessKeySpec, overlap, life time.Duration) time.Duration {
	longest := life / defaultShare
	if spec.TTL != nil {
		share := float64(overlap) / float64(spec.TTL.Duration)
		longest = max(longest, time.Duration(share*float64(life)).Round(time.Second))
	}
	return min(overlap, longest)
}

// Schedule returns when the current pair expires and when it is rotated; both are zero if it does not expire.
func (in Input) Schedule() (expires, renewal time.Time) {
	schedule := in.schedule()
	return schedule.expires, schedule.renewal
}

// expires is when the current pair expires; zero if it does not.
func (in Input) expires() time.Time {
	expires, _ := life(&in.AccessKey.Spec, in.AccessKey.Status.IssuedAt.Time, in.Ends())
	return expires
}

// renewable is when the current pair can be rotated. Where the previous keys fill the quota, the rotation waits until one of them is
// revoked: its time was announced, too.
func (in Input) renewable() time.Time {
	expires, renewal := Schedule(in.AccessKey, in.AccessKey.Status.IssuedAt.Time, in.Ends())
	count, roomAt := in.overlapping()
	full := in.Service.KeysPerUser > 0 && count+1 >= in.Service.KeysPerUser
	if full && !in.Replaces() && renewal.Before(roomAt) && roomAt.Before(expires) {
		renewal = roomAt
	}
	return renewal
}

// Ends returns when the current pair ends whatever the spec says; zero if it does not: when the service ends it by itself, or else
// after the longest ttl that is granted. The offset of the service's clock varies, so a time that is close to what was announced for
// the pair is the announced one.
func (in Input) Ends() time.Time {
	status := &in.AccessKey.Status
	key, _ := in.find(status.KeyID)
	switch announced := status.ExpiresAt.Time; {
	case !key.ExpiresAt.IsZero() && key.ExpiresAt.Sub(announced).Abs() <= knownSkew:
		return announced
	case key.ExpiresAt.IsZero() && in.MaxTTL > 0 && status.KeyID != "" && !in.Service.EndsPairs:
		return status.IssuedAt.Add(in.MaxTTL)
	default:
		return key.ExpiresAt.Truncate(time.Second)
	}
}

// Expiry returns the next moment at which the current pair expires, or the service ends it; zero if there is none to come. The
// condition Ready changes then.
func (in Input) Expiry() time.Time {
	var next time.Time
	for _, at := range []time.Time{in.expires(), in.endOf(in.AccessKey.Status.KeyID)} {
		if at.After(in.Now) {
			next = earliest(next, at)
		}
	}
	return next
}

// Jitter spreads what AccessKeys do that were created, or failed, together: up to a tenth of a duration, in seconds. It depends
// only on the UID, so that every pass computes the same time.
func Jitter(uid types.UID, life time.Duration) time.Duration {
	return time.Duration(fraction(uid) * float64(life) / jitterShare).Truncate(time.Second)
}

// fraction is from 0 to 1, spread evenly over the UIDs.
func fraction(uid types.UID) float64 {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(uid)) // never fails
	return float64(hash.Sum32()) / float64(1<<32)
}

// renewal is when the current pair is rotated; zero if it does not expire.
func (in Input) renewal() time.Time {
	_, renewal := in.Schedule()
	return renewal
}

func (in Input) rotationDue() bool {
	renewal := in.renewal()
	return !renewal.IsZero() && !in.Now.Before(renewal)
}

// NextSecretName returns the name of the Secret in which a pair waits until it works. A pair that waits already stays where it is if
// spec.secretName changes.
func NextSecretName(ak *v1alpha1.AccessKey) string {
	if intent := ak.Status.Intent; intent != nil && intent.SecretName != "" {
		return intent.SecretName
	}
	return ak.SecretName() + "-next"
}
