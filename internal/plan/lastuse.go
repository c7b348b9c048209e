// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

const (
	// LastUseUnsupported is a part of the message of Ready if the spec asks to revoke idle keys at a service that does not know them.
	LastUseUnsupported = "rotation.revokePrevious: WhenIdle has no effect, because the service does not tell when a key was last used"

	// askPeriod is how long the operator does not ask again for the last use of a key, unless a decision depends on it.
	askPeriod = time.Hour
	// askAgain is the same after a request that was not answered.
	askAgain = 10 * time.Minute
	// defaultIdleFor is idleFor without a value.
	defaultIdleFor = 24 * time.Hour
	// lateShare is the part of the life of a key at its end in which nobody should use it any more: 1/10.
	lateShare = 10
	// coarseShare is the part of the overlap by which a recorded last use may be out of date: 1/10.
	coarseShare = 10
)

// Use is what a process knows of the use of a previous key.
type Use struct {
	// AskedAt is when the service was asked; zero if it was not.
	AskedAt time.Time
	// Known reports whether the service answered then. A key whose use is not known counts as in use.
	Known bool
	// LastUsedAt is when the key was last used, in the operator's time; zero if it was never used, or if the service never answered.
	LastUsedAt time.Time
}

func revokesIdle(ak *v1alpha1.AccessKey) bool {
	return ak.Spec.Rotation != nil && ak.Spec.Rotation.RevokePrevious == v1alpha1.RevokeWhenIdle
}

func idleFor(ak *v1alpha1.AccessKey) time.Duration {
	if ak.Spec.Rotation.IdleFor == nil {
		return defaultIdleFor
	}
	return ak.Spec.Rotation.IdleFor.Duration
}

// overlapBegin is since when a previous key should no longer be used: since it was replaced, or enabled again.
func overlapBegin(previous *v1alpha1.PreviousKey) time.Time {
	return latest(previous.ReplacedAt.Time, previous.EnabledAt.Time)
}

// idleAt is when a previous key was idle for long enough, if it is not used until then; zero if that is not asked for.
func (in Input) idleAt(previous *v1alpha1.PreviousKey) time.Time {
	if !revokesIdle(in.AccessKey) || overlapBegin(previous).IsZero() {
		return time.Time{}
	}
	return latest(overlapBegin(previous), in.Uses[previous.KeyID].LastUsedAt).Add(idleFor(in.AccessKey))
}

// idle reports whether a previous key is revoked early, because nobody uses it. A suspended AccessKey revokes nothing early.
func (in Input) idle(previous *v1alpha1.PreviousKey) bool {
	at, use := in.idleAt(previous), in.Uses[previous.KeyID]
	return !at.IsZero() && in.Service.TellsLastUse && use.Known && !use.AskedAt.Before(at) && !quarantined(previous) && !in.suspended()
}

// Idle reports whether a previous key is revoked early, and since when nobody has used it.
func (in Input) Idle(keyID string) (since time.Time, idle bool) {
	previous := findPrevious(&in.AccessKey.Status, keyID)
	if previous == nil || !in.idle(previous) || !in.Now.Before(in.revokeAt(previous)) {
		return time.Time{}, false
	}
	return in.idleAt(previous).Add(-idleFor(in.AccessKey)), true
}

// lateFrom is when the end of a previous key's life begins in which nobody should use it any more: the last tenth of its life, but at
// most the second half of its overlap.
func (in Input) lateFrom(previous *v1alpha1.PreviousKey) time.Time {
	end := in.revokeAt(previous)
	return end.Add(-min(end.Sub(previous.IssuedAt.Time)/lateShare, end.Sub(overlapBegin(previous))/2))
}

// askAt is when the service is asked next for the last use of a previous key: after askPeriod or askAgain, and once when the key can have become
// idle, and in the middle of the end of its life.
func (in Input) askAt(previous *v1alpha1.PreviousKey) time.Time {
	use, end, period := in.Uses[previous.KeyID], in.revokeAt(previous), askPeriod
	asked := use.AskedAt
	if !asked.IsZero() && !use.Known {
		period = askAgain
	}
	at := latest(asked, overlapBegin(previous)).Add(period)
	for _, decision := range []time.Time{in.idleAt(previous), end.Add(-end.Sub(in.lateFrom(previous)) / 2)} {
		if asked.Before(decision) {
			at = earliest(at, decision)
		}
	}
	return at
}

// asks reports whether the service can be asked for the last use of a previous key.
func (in Input) asks(previous *v1alpha1.PreviousKey) bool {
	works := in.listed(previous.KeyID) && in.state(previous.KeyID) != keyservice.Disabled && in.state(previous.KeyID) != keyservice.Deleting
	return in.Service.TellsLastUse && in.Service.Refusal == "" && works && !quarantined(previous) && !overlapBegin(previous).IsZero() &&
		in.Now.Before(in.revokeAt(previous)) && !in.published(previous.KeyID)
}

// AskFor returns the IDs of the previous keys for whose last use the service has to be asked now.
func (in Input) AskFor() (ids []string) {
	for i := range in.AccessKey.Status.PreviousKeys {
		if previous := &in.AccessKey.Status.PreviousKeys[i]; in.asks(previous) && !in.Now.Before(in.askAt(previous)) {
			ids = append(ids, previous.KeyID)
		}
	}
	return ids
}

// nextAsk is when the service has to be asked next; zero if it has not.
func (in Input) nextAsk() time.Time {
	var next time.Time
	for i := range in.AccessKey.Status.PreviousKeys {
		if previous := &in.AccessKey.Status.PreviousKeys[i]; in.asks(previous) {
			next = earliest(next, in.askAt(previous))
		}
	}
	return next
}

// askLastUse asks before a key is revoked by what was known an hour ago.
func askLastUse(in Input) (Action, bool) {
	if len(in.AskFor()) == 0 {
		return none()
	}
	return Action{Verb: AskLastUse, Reason: v1alpha1.ReasonRevoking}, true
}

// RecordUse records the last use of a previous key, unless that is only a little later than what is recorded: a key that is used all
// the time must not cause a write all the time. It reports whether the use is the first one at the end of the key's life.
func (in Input) RecordUse(previous *v1alpha1.PreviousKey) (late bool) {
	used, recorded := seconds(in.Uses[previous.KeyID].LastUsedAt), previous.LastUsedAt
	if used.IsZero() {
		return false
	}
	late = in.usedLate(previous, used.Time) && !in.usedLate(previous, recorded.Time)
	coarse := max(in.revokeAt(previous).Sub(overlapBegin(previous))/coarseShare, askPeriod)
	if late || recorded.IsZero() || used.Sub(recorded.Time) >= coarse {
		previous.LastUsedAt = used
	}
	return late
}

func (in Input) usedLate(previous *v1alpha1.PreviousKey, at time.Time) bool {
	return !overlapBegin(previous).IsZero() && !at.Before(in.lateFrom(previous))
}

// UsedLate reports whether a previous key that still works was used at the end of its life: a consumer has not loaded the new pair.
func (in Input) UsedLate() bool {
	for i := range in.AccessKey.Status.PreviousKeys {
		if previous := &in.AccessKey.Status.PreviousKeys[i]; !quarantined(previous) && in.usedLate(previous, previous.LastUsedAt.Time) {
			return true
		}
	}
	return false
}
