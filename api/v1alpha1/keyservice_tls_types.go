// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "slices"

// CAKind is the kind of an object that holds PEM certificates.
// +kubebuilder:validation:Enum=Secret;ConfigMap
type CAKind string

// The kinds of objects that hold PEM certificates.
const (
	// CASecret is a Secret.
	CASecret CAKind = "Secret"
	// CAConfigMap is a ConfigMap, such as one of trust-manager, or one into which OpenShift injects its authorities.
	CAConfigMap CAKind = "ConfigMap"
)

// CASource names a key of a Secret or a ConfigMap that holds PEM certificates.
type CASource struct {
	// kind of the object: Secret or ConfigMap. A change of a ConfigMap is noticed by the next check of the service.
	// +required
	Kind CAKind `json:"kind,omitempty"`

	// name of the object: in the KeyService's namespace, or for a ClusterKeyService in the operator's.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key in the object. Defaults to ca.crt.
	// +optional
	// +default="ca.crt"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// CAReference names a key of a Secret that holds PEM certificates.
type CAReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key in the Secret. Defaults to ca.crt.
	// +optional
	// +default="ca.crt"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// TLS says which certificates of the service to trust.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="[has(self.caBundle), has(self.caRef), has(self.caSecretRef), has(self.insecureSkipVerify) && self.insecureSkipVerify].filter(x, x).size() <= 1",message="set at most one of caBundle, caRef, caSecretRef and insecureSkipVerify"
type TLS struct {
	// caBundle is one or more PEM certificates to trust instead of the system's.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=131072
	// +kubebuilder:validation:XValidation:rule="self.contains('-----BEGIN CERTIFICATE-----')",message="caBundle must hold PEM certificates (-----BEGIN CERTIFICATE-----)"
	CABundle string `json:"caBundle,omitempty"`

	// caRef is the key of a Secret or a ConfigMap that holds them.
	// +optional
	CARef *CASource `json:"caRef,omitempty"`

	// caSecretRef is the same as caRef with the kind Secret.
	// +optional
	CASecretRef *CAReference `json:"caSecretRef,omitempty"`

	// serverName is the name that the service's certificate must have. Defaults to the host of the url.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[0-9A-Za-z._:-]+$`
	ServerName string `json:"serverName,omitempty"`

	// insecureSkipVerify accepts any certificate. For tests only: whoever can answer gets the operator's credentials.
	// +optional
	InsecureSkipVerify *bool `json:"insecureSkipVerify,omitempty"`
}

// CA returns where the certificates to trust are; nil if no object has them.
func (t *TLS) CA() *CASource {
	switch {
	case t == nil:
		return nil
	case t.CASecretRef != nil:
		return &CASource{Kind: CASecret, Name: t.CASecretRef.Name, Key: t.CASecretRef.Key}
	default:
		return t.CARef
	}
}

// DataPlaneTLS returns which certificates of the data plane to trust.
func (s *KeyServiceSpec) DataPlaneTLS() *TLS {
	if s.S3 != nil && s.S3.TLS != nil {
		return s.S3.TLS
	}
	return s.TLS
}

// CAs returns where the certificates to trust are: those of the key service, and those of the data plane.
func (s *KeyServiceSpec) CAs() []CASource {
	var sources []CASource
	for _, tls := range []*TLS{s.TLS, s.DataPlaneTLS()} {
		if ca := tls.CA(); ca != nil && !slices.Contains(sources, *ca) {
			sources = append(sources, *ca)
		}
	}
	return sources
}

// HasConfigMapCA reports whether a ConfigMap has certificates to trust.
func (s *KeyServiceSpec) HasConfigMapCA() bool {
	return slices.ContainsFunc(s.CAs(), func(ca CASource) bool { return ca.Kind == CAConfigMap })
}
