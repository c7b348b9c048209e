// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// KeyServiceStatus is what the operator found at the service.
// +kubebuilder:validation:MinProperties=1
type KeyServiceStatus struct {
	// observedGeneration is the generation of the spec that was checked last; -1 before the first time.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// version that the service reports, such as "Qumulo Core 7.9.2.1".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Version string `json:"version,omitempty"`

	// identity names the service whatever its address, such as "ontap/<cluster UUID>/<SVM UUID>". Services with the same
	// identity have the same users and keys. It does not change while AccessKeys have keys at the service.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Identity string `json:"identity,omitempty"`

	// limits of the service at its version.
	// +optional
	Limits *ServiceLimits `json:"limits,omitempty"`

	// refusedCredentials is present while the service refuses the operator's credentials.
	// +optional
	RefusedCredentials *RefusedCredentials `json:"refusedCredentials,omitempty"`

	// conditions are just Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// RefusedCredentials says how often in a row the service refused the operator's credentials, and when the operator sends them
// again. A restart of the operator does not bring that forward.
type RefusedCredentials struct {
	// count of refusals in a row.
	// +required
	// +kubebuilder:validation:Minimum=1
	Count int32 `json:"count,omitempty"`

	// nextAttempt is when the operator sends the credentials again, unless the spec or the Secrets change before.
	// +required
	NextAttempt metav1.Time `json:"nextAttempt,omitempty,omitzero"`

	// version of what was refused: the generation of the spec and the resourceVersions of the Secrets.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Version string `json:"version,omitempty"`

	// message is what the service said.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`
}

// ServiceLimits are what the service can do at its version.
type ServiceLimits struct {
	// keysPerUser is how many keys a user can have.
	// +required
	// +kubebuilder:validation:Minimum=1
	KeysPerUser int32 `json:"keysPerUser,omitempty"`

	// overlap tells whether an old and a new key can work side by side.
	// +required
	Overlap *bool `json:"overlap,omitempty"`

	// regenerate tells whether the service can give a key a new pair in place.
	// +required
	Regenerate *bool `json:"regenerate,omitempty"`

	// disable tells whether the service can stop a key without deleting it, and let it work again.
	// +required
	Disable *bool `json:"disable,omitempty"`

	// lastUse tells whether the service knows when a key was last used.
	// +optional
	LastUse *bool `json:"lastUse,omitempty"`

	// maxTTL is the longest expiry that the service keeps by itself; absent where it keeps none.
	// +optional
	MaxTTL *metav1.Duration `json:"maxTTL,omitempty"`
}
