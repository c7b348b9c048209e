// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AccessKeyStatus is the operator's record of the keys that it created. Only the operator writes it; the installation includes
// a ValidatingAdmissionPolicy that rejects other writers.
// +kubebuilder:validation:MinProperties=1
type AccessKeyStatus struct {
	// observedGeneration is the generation of the spec that was reconciled last; -1 before the first time.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// accessKeyID is the public half of the current pair.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	AccessKeyID string `json:"accessKeyID,omitempty"`

	// keyID is the service's ID of the current key; often the same as accessKeyID.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"keyID,omitempty"`

	// userID is the service's canonical ID of spec.user. Locks and claims use it, so that two spellings of a user are one user.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	UserID string `json:"userID,omitempty"`

	// issuedAt is when the current pair was requested.
	// +optional
	IssuedAt metav1.Time `json:"issuedAt,omitempty,omitzero"`

	// expiresAt is when the current pair ends: issuedAt plus ttl, or earlier where the service ends it earlier. Absent without a
	// ttl, unless the service ends the pair.
	// +optional
	ExpiresAt metav1.Time `json:"expiresAt,omitempty,omitzero"`

	// renewalTime is when the next pair will be issued. Absent without a ttl.
	// +optional
	RenewalTime metav1.Time `json:"renewalTime,omitempty,omitzero"`

	// issueReason says why the current pair was issued.
	// +optional
	IssueReason IssueReason `json:"issueReason,omitempty"`

	// revision counts the pairs issued.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Revision int64 `json:"revision,omitempty"`

	// secretName is the Secret that holds the current pair.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// secretResourceVersion is the resourceVersion of the Secret when its content was last known to be as published.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	SecretResourceVersion string `json:"secretResourceVersion,omitempty"`

	// secretDigest is a digest of the data that was published.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	SecretDigest string `json:"secretDigest,omitempty"`

	// secretTemplateDigest is a digest of everything that the Secret was rendered from, except for the pair.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	SecretTemplateDigest string `json:"secretTemplateDigest,omitempty"`

	// previousKeys still work, each until its revokeAt. A key in quarantine is disabled and stays until its deleteAt.
	// +optional
	// +listType=map
	// +listMapKey=keyID
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	PreviousKeys []PreviousKey `json:"previousKeys,omitempty"`

	// history are the last ten pairs that are gone, newest first, and further ones that spec.compromisedKeyIDs names.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=42
	History []RevokedKey `json:"history,omitempty"`

	// verification is what is known about the current pair at the data plane (s3 of the KeyService). Absent until the data plane was
	// asked.
	// +optional
	Verification *VerificationStatus `json:"verification,omitempty"`

	// intent is an operation at the service that was started and whose outcome is not recorded yet.
	// +optional
	Intent *Intent `json:"intent,omitempty"`

	// failures counts the consecutive failures of the current operation; absent after a success.
	// +optional
	Failures *Failures `json:"failures,omitempty"`

	// repairs counts the repairs in a row of a Secret that somebody keeps changing or deleting; absent once the Secret has stayed
	// as published for an hour.
	// +optional
	Repairs *Failures `json:"repairs,omitempty"`

	// lastHandledRenewal is the value of the annotation accesskey.dev/renew that the operator last acted on.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	LastHandledRenewal string `json:"lastHandledRenewal,omitempty"`

	// restart is the last restart of the workloads in spec.rolloutRestartTargets.
	// +optional
	Restart *Restart `json:"restart,omitempty"`

	// lastHandledEnable is the value of the annotation accesskey.dev/enable that the operator last answered.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	LastHandledEnable string `json:"lastHandledEnable,omitempty"`

	// conditions are Ready, Synced, Verified (only with s3 of the KeyService) and, only while true, Reconciling and Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// RecordsPair reports whether the status records a pair with this access key ID.
func (s *AccessKeyStatus) RecordsPair(accessKeyID string) bool {
	return s.AccessKeyID == accessKeyID || slices.ContainsFunc(s.PreviousKeys, func(p PreviousKey) bool { return p.AccessKeyID == accessKeyID })
}

// KeyState is the state of a previous key.
// +kubebuilder:validation:Enum=Active;Disabled
type KeyState string

const (
	// KeyActive works.
	KeyActive KeyState = "Active"
	// KeyDisabled was disabled: it is in quarantine until deleteAt, or about to be deleted.
	KeyDisabled KeyState = "Disabled"
)

// PreviousKey is a rotated key in its overlap, or in quarantine after it.
type PreviousKey struct {
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

	// replacedAt is when the next pair was requested.
	// +optional
	ReplacedAt metav1.Time `json:"replacedAt,omitempty,omitzero"`

	// replaceReason says why the next pair was issued.
	// +optional
	ReplaceReason IssueReason `json:"replaceReason,omitempty"`

	// revokeAt is when the key will be revoked, unless spec.compromisedKeyIDs names it. Of a key in quarantine, it is when the key
	// was disabled.
	// +required
	RevokeAt metav1.Time `json:"revokeAt,omitempty,omitzero"`

	// state is Active, or Disabled in quarantine, and between the two steps of a revocation where the service has both.
	// +optional
	State KeyState `json:"state,omitempty"`

	// deleteAt is when the quarantine of the key ends and it is deleted; absent if it is not in quarantine.
	// +optional
	DeleteAt metav1.Time `json:"deleteAt,omitempty,omitzero"`

	// enabledAt is when the annotation accesskey.dev/enable ended the quarantine of the key; absent if it did not.
	// +optional
	EnabledAt metav1.Time `json:"enabledAt,omitempty,omitzero"`

	// lastUsedAt is when the key was last used, as far as the service told: at most an hour ago, or a tenth of the overlap. Absent if
	// the service does not tell that, or if the key was never used.
	// +optional
	LastUsedAt metav1.Time `json:"lastUsedAt,omitempty,omitzero"`

	// secretName is the Secret under a former spec.secretName that still holds this pair. It is deleted with the key.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`
}

// Operation is a request that cannot be replayed.
// +kubebuilder:validation:Enum=Create;Regenerate;Revoke
type Operation string

const (
	// OperationCreate creates a key.
	OperationCreate Operation = "Create"
	// OperationRegenerate generates a new pair in the same key.
	OperationRegenerate Operation = "Regenerate"
	// OperationRevoke deletes a key whose ID can be used again. A deletion that is carried out late would delete the next key.
	OperationRevoke Operation = "Revoke"
)

// Intent is written before an operation that cannot be replayed, so that it can be settled after a crash or a lost response.
type Intent struct {
	// operation that was started.
	// +required
	Operation Operation `json:"operation,omitempty"`

	// revision of the pair that the operation produces; for a deletion, the last revision.
	// +required
	// +kubebuilder:validation:Minimum=1
	Revision int64 `json:"revision,omitempty"`

	// reason says why the pair is issued; absent for a deletion.
	// +optional
	Reason IssueReason `json:"reason,omitempty"`

	// startedAt is when the operation was started.
	// +required
	StartedAt metav1.Time `json:"startedAt,omitempty,omitzero"`

	// keyID is the ID that the operator chose for the new key, or the key to regenerate or delete. Where the service chooses the ID,
	// it is absent until the pair waits for its verification.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"keyID,omitempty"`

	// knownKeyIDs are the keys that the user had just before the operation.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	KnownKeyIDs []string `json:"knownKeyIDs,omitempty"`

	// lateUntil is until when an earlier request of this operation, whose response was lost, can still be carried out. It would
	// end the pair that was issued since, so the intent stays open until then. Absent if there is no such request.
	// +optional
	LateUntil metav1.Time `json:"lateUntil,omitempty,omitzero"`

	// secretName is the Secret in which the pair of this operation waits until it works: <secretName>-next, by the spec.secretName of
	// that time. Absent otherwise.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// verification is what is known about the pair of this operation at the data plane, while the pair waits. Absent otherwise.
	// +optional
	Verification *VerificationStatus `json:"verification,omitempty"`

	// candidateKeyIDs are the keys that this operation may have created; set only when there is more than one
	// (Stalled/AmbiguousKeys). Delete the orphan at the service to decide; the operator leaves the other keys alone.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	CandidateKeyIDs []string `json:"candidateKeyIDs,omitempty"`

	// renewal is the value of the annotation accesskey.dev/renew that caused this operation.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Renewal string `json:"renewal,omitempty"`
}

// Failures count attempts in a row, and keep the back-off across restarts.
type Failures struct {
	// count of consecutive failures.
	// +required
	// +kubebuilder:validation:Minimum=1
	Count int32 `json:"count,omitempty"`

	// lastTime is when the last one happened.
	// +required
	LastTime metav1.Time `json:"lastTime,omitempty,omitzero"`

	// nextAttempt is when the operation will be retried.
	// +required
	NextAttempt metav1.Time `json:"nextAttempt,omitempty,omitzero"`
}
