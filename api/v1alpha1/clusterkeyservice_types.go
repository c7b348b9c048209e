// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ClusterKeyServiceSpec is a KeyServiceSpec and who may use it.
// +kubebuilder:validation:MinProperties=1
type ClusterKeyServiceSpec struct {
	KeyServiceSpec `json:",inline"`

	// grants say which namespaces may have keys of which users. Without one nobody may.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Grants []Grant `json:"grants,omitempty"`
}

// Grant lets the AccessKeys of some namespaces have keys of some users.
type Grant struct {
	// namespaceSelector picks the namespaces by their labels; {} picks all.
	// +required
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// users are globs (* any text, ? one character) on spec.user as written: another spelling of a user needs its own
	// glob.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Users []string `json:"users,omitempty"`

	// maxTTL is the longest ttl of the AccessKeys that this grant covers, as a duration such as 2160h. With it, an AccessKey without
	// a ttl is not covered either. At least 1m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m')",message="maxTTL must be at least 1m, which is the shortest ttl"
	MaxTTL *metav1.Duration `json:"maxTTL,omitempty"`
}

// ClusterKeyService is a key service for the AccessKeys of the namespaces that it grants. Its Secrets are in the
// operator's namespace.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=cks
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="Keys per user",type=integer,JSONPath=`.status.limits.keysPerUser`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
type ClusterKeyService struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec says where the service is, how the operator signs in, and who may use it.
	// +required
	Spec ClusterKeyServiceSpec `json:"spec,omitzero"`

	// status is what the operator found there.
	// +optional
	// +default={"observedGeneration": -1}
	Status KeyServiceStatus `json:"status,omitempty,omitzero"`
}

// ClusterKeyServiceList is a list of ClusterKeyServices.
// +kubebuilder:object:root=true
type ClusterKeyServiceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ClusterKeyService `json:"items"`
}

// GetSpec implements GenericKeyService.
func (s *ClusterKeyService) GetSpec() *KeyServiceSpec { return &s.Spec.KeyServiceSpec }

// GetStatus implements GenericKeyService.
func (s *ClusterKeyService) GetStatus() *KeyServiceStatus { return &s.Status }
