// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AccessKeyStatus is what the operator knows of the pair. It is the operator's record of the keys that it made.
// +kubebuilder:validation:MinProperties=1
type AccessKeyStatus struct {
	// observedGeneration is the generation of the spec that the last pass worked on.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// accessKeyID is the public half of the current pair.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	AccessKeyID string `json:"accessKeyID,omitempty"`

	// keyID is the service's handle of the current key; often the same as accessKeyID.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"keyID,omitempty"`

	// issuedAt is when the current pair was asked for.
	// +optional
	IssuedAt metav1.Time `json:"issuedAt,omitempty,omitzero"`

	// expiresAt is when the current pair has to be gone: issuedAt and ttl. Absent without a ttl.
	// +optional
	ExpiresAt metav1.Time `json:"expiresAt,omitempty,omitzero"`

	// renewalTime is when the next pair will be made. Absent without a ttl.
	// +optional
	RenewalTime metav1.Time `json:"renewalTime,omitempty,omitzero"`

	// revision counts the pairs issued.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Revision int64 `json:"revision,omitempty"`

	// secretName is the Secret that holds the current pair.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// previousKeys still work, each until its revokeAt.
	// +optional
	// +listType=map
	// +listMapKey=keyID
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	PreviousKeys []PreviousKey `json:"previousKeys,omitempty"`

	// intent is an operation at the service that was begun and whose end is not recorded yet.
	// +optional
	Intent *Intent `json:"intent,omitempty"`

	// failures in a row of the current operation; absent when the last one succeeded.
	// +optional
	Failures *Failures `json:"failures,omitempty"`

	// lastHandledRenewal is the value of the annotation accesskey.dev/renew that the operator last acted on.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	LastHandledRenewal string `json:"lastHandledRenewal,omitempty"`

	// proof is the operator's signature of what this status records. A status that somebody else wrote is not trusted.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Proof string `json:"proof,omitempty"`

	// conditions are Ready, Synced and, only while true, Reconciling and Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// KeyState is what became of a previous key.
// +kubebuilder:validation:Enum=Active;Disabled
type KeyState string

const (
	// KeyActive works.
	KeyActive KeyState = "Active"
	// KeyDisabled was stopped, and is to be deleted.
	KeyDisabled KeyState = "Disabled"
)

// PreviousKey is a replaced key in its overlap.
type PreviousKey struct {
	// keyID is the service's handle of the key.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"keyID,omitempty"`

	// accessKeyID is the public half of the pair.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	AccessKeyID string `json:"accessKeyID,omitempty"`

	// issuedAt is when the pair was asked for.
	// +required
	IssuedAt metav1.Time `json:"issuedAt,omitempty,omitzero"`

	// revokeAt is when the key will be revoked.
	// +required
	RevokeAt metav1.Time `json:"revokeAt,omitempty,omitzero"`

	// state is Active, or Disabled between the two steps of a revocation where the service has both.
	// +optional
	State KeyState `json:"state,omitempty"`
}

// Operation is a call that can't be replayed.
// +kubebuilder:validation:Enum=Create;Regenerate;Revoke
type Operation string

const (
	// OperationCreate makes a new key.
	OperationCreate Operation = "Create"
	// OperationRegenerate gives a key a new pair in place.
	OperationRegenerate Operation = "Regenerate"
	// OperationRevoke deletes a key from a place in which the next one will be, so that a deletion that lands late would take that.
	OperationRevoke Operation = "Revoke"
)

// Intent is written before an operation that can't be replayed, so that a crash or a lost answer leaves a trace to
// settle from.
type Intent struct {
	// operation that was begun.
	// +required
	Operation Operation `json:"operation,omitempty"`

	// revision that the operation is to produce; of a deletion, the last one that there was.
	// +required
	// +kubebuilder:validation:Minimum=1
	Revision int64 `json:"revision,omitempty"`

	// startedAt is when the operation was begun.
	// +required
	StartedAt metav1.Time `json:"startedAt,omitempty,omitzero"`

	// keyID is the handle that the operator chose for the new key, or the key to renew or to delete. Absent where the service chooses.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"keyID,omitempty"`

	// knownKeyIDs are the keys that the user had just before.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	KnownKeyIDs []string `json:"knownKeyIDs,omitempty"`

	// candidateKeyIDs are the keys that could each be the one that this intent made; set only when there is more than
	// one (Stalled, AmbiguousKeys). A person decides by deleting the orphan at the service; the rest is then left alone.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	CandidateKeyIDs []string `json:"candidateKeyIDs,omitempty"`

	// renewal is the value of the annotation accesskey.dev/renew that this operation answers.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Renewal string `json:"renewal,omitempty"`
}

// Failures keep the back-off across restarts.
type Failures struct {
	// count of failures in a row.
	// +required
	// +kubebuilder:validation:Minimum=1
	Count int32 `json:"count,omitempty"`

	// lastTime is when the last one happened.
	// +required
	LastTime metav1.Time `json:"lastTime,omitempty,omitzero"`

	// nextAttempt is when the operation will be tried again.
	// +required
	NextAttempt metav1.Time `json:"nextAttempt,omitempty,omitzero"`
}
