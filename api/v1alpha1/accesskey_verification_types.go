// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OnTimeout says what happens to a new pair that the data plane still rejects after the timeout.
// +kubebuilder:validation:Enum=Hold;Publish
type OnTimeout string

const (
	// OnTimeoutHold keeps the pair back until the data plane accepts it.
	OnTimeoutHold OnTimeout = "Hold"
	// OnTimeoutPublish publishes the pair nevertheless.
	OnTimeoutPublish OnTimeout = "Publish"
)

// Verification says how long a new pair waits until the data plane accepts it, and what happens then.
// +kubebuilder:validation:MinProperties=1
type Verification struct {
	// timeout is how long a new pair waits at most until the data plane accepts it, as a duration such as 2m. At most 1h; 0s does not
	// wait. Defaults to 2m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('1h')",message="timeout must be at most 1h"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// onTimeout says what happens to a pair that the data plane still rejects then: Hold keeps it back until the data plane accepts
	// it, and Publish publishes it nevertheless. By default it is held while the Secret holds an older pair that works, and published
	// otherwise. A pair about which the data plane cannot be asked is published in any case.
	// +optional
	OnTimeout OnTimeout `json:"onTimeout,omitempty"`
}

// VerificationResult is what the data plane last said about a pair.
// +kubebuilder:validation:Enum=Accepted;Rejected;Unknown
type VerificationResult string

const (
	// VerificationAccepted means that the pair opened the data plane.
	VerificationAccepted VerificationResult = "Accepted"
	// VerificationRejected means that the data plane does not know the pair, or not yet.
	VerificationRejected VerificationResult = "Rejected"
	// VerificationUnknown means that the data plane gave no answer about the pair.
	VerificationUnknown VerificationResult = "Unknown"
)

// Waits reports whether the pair of an operation waits until the data plane accepts it. Its key is known, so the operation is not in
// the way of other operations of the user.
func (i *Intent) Waits() bool {
	return i != nil && i.KeyID != "" && i.LateUntil.IsZero() && i.Verification != nil && i.Verification.Result != VerificationAccepted
}

// VerificationStatus is what is known about a pair at the data plane.
type VerificationStatus struct {
	// result is what the data plane last said: Accepted, Rejected, or Unknown if it was never able to say.
	// +required
	Result VerificationResult `json:"result,omitempty"`

	// since is when the data plane was first asked about the pair.
	// +required
	Since metav1.Time `json:"since,omitempty,omitzero"`
}
