// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IssueReason says why a pair was issued.
// +kubebuilder:validation:Enum=New;Scheduled;Requested;Compromised;Restored;Renamed;Adopted;Imported
type IssueReason string

const (
	// IssuedNew is the first pair.
	IssuedNew IssueReason = "New"
	// IssuedScheduled was issued because the renewalTime of the pair before had come.
	IssuedScheduled IssueReason = "Scheduled"
	// IssuedRequested was requested by the annotation accesskey.dev/renew.
	IssuedRequested IssueReason = "Requested"
	// IssuedCompromised was issued because spec.compromisedKeyIDs named the pair before.
	IssuedCompromised IssueReason = "Compromised"
	// IssuedRestored was issued because the Secret or the key of the pair before was lost.
	IssuedRestored IssueReason = "Restored"
	// IssuedRenamed was issued because spec.secretName changed.
	IssuedRenamed IssueReason = "Renamed"
	// IssuedAdopted was issued to an earlier AccessKey, and taken over from its Secret.
	IssuedAdopted IssueReason = "Adopted"
	// IssuedImported was issued by a person, and taken over from the Secret that spec.importFrom names.
	IssuedImported IssueReason = "Imported"
)

// RevokeReason says why a key was revoked.
// +kubebuilder:validation:Enum=OverlapEnded;Idle;Compromised;InPlace;MadeRoom;Deleted;Gone
type RevokeReason string

const (
	// RevokedOverlapEnded is a key whose revokeAt had come.
	RevokedOverlapEnded RevokeReason = "OverlapEnded"
	// RevokedIdle is a key that nobody had used for rotation.idleFor.
	RevokedIdle RevokeReason = "Idle"
	// RevokedCompromised is a key that spec.compromisedKeyIDs named.
	RevokedCompromised RevokeReason = "Compromised"
	// RevokedInPlace is a pair that was replaced in place, without an overlap.
	RevokedInPlace RevokeReason = "InPlace"
	// RevokedMadeRoom is a key that was revoked early, because a new key had no room beside it.
	RevokedMadeRoom RevokeReason = "MadeRoom"
	// RevokedDeleted is a key whose AccessKey was being deleted.
	RevokedDeleted RevokeReason = "Deleted"
	// RevokedGone is a key that the service no longer had.
	RevokedGone RevokeReason = "Gone"
)

// RevokedKey is a published pair that no longer exists at the service.
type RevokedKey struct {
	// keyID is the service's ID of the key.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"keyID,omitempty"`

	// accessKeyID is the public half of the pair.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	AccessKeyID string `json:"accessKeyID,omitempty"`

	// issuedAt is when the pair was requested.
	// +required
	IssuedAt metav1.Time `json:"issuedAt,omitempty,omitzero"`

	// issueReason says why the pair was issued.
	// +optional
	IssueReason IssueReason `json:"issueReason,omitempty"`

	// replacedAt is when the next pair was requested. Absent if this pair was revoked before that.
	// +optional
	ReplacedAt metav1.Time `json:"replacedAt,omitempty,omitzero"`

	// replaceReason says why the next pair was issued.
	// +optional
	ReplaceReason IssueReason `json:"replaceReason,omitempty"`

	// revokedAt is when the key was revoked, or was found to be gone.
	// +required
	RevokedAt metav1.Time `json:"revokedAt,omitempty,omitzero"`

	// revokeReason says why the key was revoked.
	// +required
	RevokeReason RevokeReason `json:"revokeReason,omitempty"`
}

// Is reports whether an ID is the key ID or the access key ID of the pair.
func (k *RevokedKey) Is(id string) bool { return id == k.KeyID || id == k.AccessKeyID }

// Compromised reports whether spec.compromisedKeyIDs names a recorded pair. An ID counts once: after the pair that it named was
// revoked, it does not stand for another pair in the same key, or for a key that got the ID again.
func (k *AccessKey) Compromised(keyID, accessKeyID string) bool {
	return keyID != "" && slices.ContainsFunc(k.Spec.CompromisedKeyIDs, func(id string) bool {
		return (id == keyID || id == accessKeyID) && !slices.ContainsFunc(k.Status.History, func(gone RevokedKey) bool {
			return gone.Is(id) && gone.RevokeReason == RevokedCompromised
		})
	})
}

// UnknownCompromisedKeyIDs returns the IDs in spec.compromisedKeyIDs of which the status records no key, present or past.
func (k *AccessKey) UnknownCompromisedKeyIDs() (ids []string) {
	for _, id := range k.Spec.CompromisedKeyIDs {
		known := id == k.Status.KeyID || id == k.Status.AccessKeyID ||
			slices.ContainsFunc(k.Status.PreviousKeys, func(p PreviousKey) bool { return id == p.KeyID || id == p.AccessKeyID }) ||
			slices.ContainsFunc(k.Status.History, func(gone RevokedKey) bool { return gone.Is(id) })
		if !known {
			ids = append(ids, id)
		}
	}
	return ids
}
