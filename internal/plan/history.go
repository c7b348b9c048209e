// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// maxHistory is how many revoked keys the status remembers. It keeps further ones that spec.compromisedKeyIDs names, so that an
// ID can stay in that list.
const maxHistory = 10

// IssueReason returns why an action issues a pair. A pair that follows a key that was revoked for it was issued for the reason
// of that.
func (in Input) IssueReason(action Action) v1alpha1.IssueReason {
	history := in.AccessKey.Status.History
	switch {
	case action.Verb == ImportPair:
		return v1alpha1.IssuedImported
	case action.Reason != v1alpha1.ReasonIssuing:
		return issueReasons[action.Reason]
	case in.recordsNothing():
		return v1alpha1.IssuedNew
	case len(history) > 0:
		return cmp.Or(history[0].ReplaceReason, v1alpha1.IssuedRestored)
	default:
		return v1alpha1.IssuedRestored
	}
}

// issueReasons by the reason of the action.
var issueReasons = map[string]v1alpha1.IssueReason{
	v1alpha1.ReasonRotating:    v1alpha1.IssuedScheduled,
	v1alpha1.ReasonRenewing:    v1alpha1.IssuedRequested,
	v1alpha1.ReasonCompromised: v1alpha1.IssuedCompromised,
	v1alpha1.ReasonRestoring:   v1alpha1.IssuedRestored,
	v1alpha1.ReasonRenaming:    v1alpha1.IssuedRenamed,
}

// RotationCause returns why a pair is issued by an action, or by the open operation that the action settles; empty if neither issues one.
func (in Input) RotationCause(action Action) v1alpha1.IssueReason {
	cause, intent := in.IssueReason(action), in.AccessKey.Status.Intent
	if intent != nil && (cause != "" || action.Reason == v1alpha1.ReasonSettling) {
		return cmp.Or(intent.Reason, cause)
	}
	return cause
}

// RevokeReason returns why an action revokes a recorded key, or forgets one. accepted reports whether the service has accepted
// the deletion of a key that is forgotten.
func (in Input) RevokeReason(action Action, accepted bool) v1alpha1.RevokeReason {
	switch {
	case in.compromised(action.KeyID):
		return v1alpha1.RevokedCompromised
	case action.Verb == Forget && !accepted:
		return v1alpha1.RevokedGone
	case in.deleting():
		return v1alpha1.RevokedDeleted
	case action.Reason == v1alpha1.ReasonRevoking:
		if _, idle := in.Idle(action.KeyID); idle {
			return v1alpha1.RevokedIdle
		}
		return v1alpha1.RevokedOverlapEnded
	case action.KeyID == in.AccessKey.Status.KeyID && in.Replaces():
		return v1alpha1.RevokedInPlace
	default:
		return v1alpha1.RevokedMadeRoom
	}
}

// Drop moves a key from the status to its history. If the current key is dropped, its replacement is still to be issued, for
// a reason.
func Drop(ak *v1alpha1.AccessKey, keyID string, why v1alpha1.RevokeReason, replacedFor v1alpha1.IssueReason, now time.Time) {
	status := &ak.Status
	var gone []v1alpha1.RevokedKey
	status.PreviousKeys = slices.DeleteFunc(status.PreviousKeys, func(p v1alpha1.PreviousKey) bool {
		if p.KeyID == keyID {
			gone = append(gone, revokedPrevious(p))
		}
		return p.KeyID == keyID
	})
	if keyID != "" && status.KeyID == keyID {
		current := revokedCurrent(status)
		current.ReplaceReason = replacedFor
		gone = append(gone, current)
		status.KeyID, status.AccessKeyID, status.IssuedAt, status.IssueReason = "", "", metav1.Time{}, ""
	}
	for i := range gone {
		gone[i].RevokedAt, gone[i].RevokeReason = seconds(now), why
		remember(ak, gone[i])
	}
}

// rememberReplaced moves the pairs to the history that the status before a new pair recorded, and the status after it does not.
func rememberReplaced(ak *v1alpha1.AccessKey, before *v1alpha1.AccessKeyStatus) {
	status := &ak.Status
	gone := []v1alpha1.RevokedKey{}
	for i := range before.PreviousKeys {
		gone = append(gone, revokedPrevious(before.PreviousKeys[i]))
	}
	if before.KeyID != "" && before.Revision != status.Revision { // two pairs can have the same IDs, and be of the same second
		current := revokedCurrent(before)
		current.ReplacedAt, current.ReplaceReason = status.IssuedAt, status.IssueReason
		gone = append(gone, current)
	}
	for _, key := range gone {
		if slices.ContainsFunc(status.PreviousKeys, func(p v1alpha1.PreviousKey) bool { return p.KeyID == key.KeyID }) {
			continue
		}
		key.RevokedAt, key.RevokeReason = status.IssuedAt, v1alpha1.RevokedGone
		switch {
		case ak.Compromised(key.KeyID, key.AccessKeyID):
			key.RevokeReason = v1alpha1.RevokedCompromised
		case key.KeyID == status.KeyID && status.KeyID == before.KeyID:
			key.RevokeReason = v1alpha1.RevokedInPlace
		}
		remember(ak, key)
	}
}

// DropUnpublished adds a compromised pair to the history that was revoked before it was published: the person who named it expects that.
func DropUnpublished(ak *v1alpha1.AccessKey, next Record, reason v1alpha1.IssueReason, now time.Time) {
	remember(ak, v1alpha1.RevokedKey{
		KeyID: next.KeyID, AccessKeyID: next.AccessKeyID, IssuedAt: next.IssuedAt, IssueReason: reason, RevokedAt: seconds(now), RevokeReason: v1alpha1.RevokedCompromised,
	})
}

func revokedCurrent(status *v1alpha1.AccessKeyStatus) v1alpha1.RevokedKey {
	return v1alpha1.RevokedKey{KeyID: status.KeyID, AccessKeyID: status.AccessKeyID, IssuedAt: status.IssuedAt, IssueReason: status.IssueReason}
}

func revokedPrevious(p v1alpha1.PreviousKey) v1alpha1.RevokedKey {
	return v1alpha1.RevokedKey{
		KeyID: p.KeyID, AccessKeyID: p.AccessKeyID, IssuedAt: p.IssuedAt, IssueReason: p.IssueReason, ReplacedAt: p.ReplacedAt, ReplaceReason: p.ReplaceReason,
	}
}

// remember adds a key to the history, newest first.
func remember(ak *v1alpha1.AccessKey, gone v1alpha1.RevokedKey) {
	kept := []v1alpha1.RevokedKey{gone}
	for _, key := range ak.Status.History {
		named := slices.ContainsFunc(ak.Spec.CompromisedKeyIDs, key.Is)
		if len(kept) < maxHistory || named {
			kept = append(kept, key)
		}
	}
	ak.Status.History = kept[:min(len(kept), maxHistory+maxCompromised)]
}

// maxCompromised is how many IDs spec.compromisedKeyIDs can have.
const maxCompromised = 32
