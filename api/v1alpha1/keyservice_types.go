// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The kinds that a serviceRef can name.
const (
	// KindKeyService is the namespaced kind.
	KindKeyService = "KeyService"
	// KindClusterKeyService is the cluster-scoped kind.
	KindClusterKeyService = "ClusterKeyService"
)

// KeyServiceSpec says where a key service is and how the operator signs in.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="[has(self.qumulo), has(self.ionos), has(self.huawei), has(self.ontap), has(self.aws)].filter(x, x).size() == 1",message="name the service: set exactly one of qumulo, ionos, huawei, ontap and aws"
// +kubebuilder:validation:XValidation:rule="!(has(self.ionos) && has(self.allowedUsers))",message="allowedUsers has no effect on ionos, where every key belongs to the token's user: remove it",fieldPath=".allowedUsers"
type KeyServiceSpec struct {
	// qumulo is a Qumulo Core cluster.
	// +optional
	Qumulo *QumuloService `json:"qumulo,omitempty"`

	// ionos is IONOS Object Storage. Its keys belong to the token's user.
	// +optional
	IONOS *IONOSService `json:"ionos,omitempty"`

	// huawei is Huawei Cloud IAM, version 5.
	// +optional
	Huawei *HuaweiService `json:"huawei,omitempty"`

	// ontap is the S3 server of an SVM of a NetApp ONTAP cluster, 9.14.1 or newer.
	// +optional
	ONTAP *ONTAPService `json:"ontap,omitempty"`

	// aws is an AWS account, or a server that speaks the API of AWS IAM.
	// +optional
	AWS *AWSService `json:"aws,omitempty"`

	// tls says which certificates of the service to trust.
	// +optional
	TLS *TLS `json:"tls,omitempty"`

	// s3 is the data plane that the keys are for. It is published in the Secrets, and new pairs are verified there before they are
	// published: the operator lists the buckets with them. After a change, the Secrets are updated with the same pairs.
	// +optional
	S3 *S3 `json:"s3,omitempty"`

	// allowedUsers are globs (* any text, ? one character) on spec.user of the AccessKeys, as written: another spelling of a user
	// needs its own glob. AccessKeys of other users get no keys. Defaults to every user that the credentials can manage. Not for
	// IONOS, whose only user is the token's.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	AllowedUsers []string `json:"allowedUsers,omitempty"`

	// rateLimit bounds the requests that the operator sends to the service. It sends fewer while the service throttles.
	// +optional
	// +default={"qps": 20, "burst": 40}
	RateLimit RateLimit `json:"rateLimit,omitempty,omitzero"`

	// timeout of each request to the service, as a duration such as 45s. It includes the time that the request waits for the
	// rateLimit. From 1s to 5m. Defaults to 30s.
	// +optional
	// +default="30s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('5m')",message="timeout must be from 1s to 5m"
	Timeout *metav1.Duration `json:"timeout,omitempty"`
}

// QumuloService is a Qumulo Core cluster and the account that the operator uses there.
// +kubebuilder:validation:XValidation:rule="has(self.tokenSecretRef) != has(self.loginSecretRef)",message="set exactly one of tokenSecretRef (an access token) and loginSecretRef (username and password)"
type QumuloService struct {
	// url of the REST API, such as https://qumulo.example:8000.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHost() != ''",message="url must be a whole URL with scheme and host, such as https://qumulo.example:8000 (https only: credentials travel on it)"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || url(self).getEscapedPath() in ['', '/'] && url(self).getQuery().size() == 0",message="url must end after the host and the port: the operator adds the paths of the API, and a path prefix of a reverse proxy is not supported"
	URL string `json:"url,omitempty"`

	// tokenSecretRef is the Secret key that holds a bearer token (an access token of the cluster).
	// +optional
	TokenSecretRef *TokenReference `json:"tokenSecretRef,omitempty"`

	// loginSecretRef is a Secret with the keys username and password.
	// +optional
	LoginSecretRef *SecretReference `json:"loginSecretRef,omitempty"`
}

// IONOSService is IONOS Object Storage and the user that the operator is there.
type IONOSService struct {
	// url of the Object Storage Management API.
	// +optional
	// +default="https://s3.ionos.com"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHost() != ''",message="url must be a whole URL with scheme and host, such as https://s3.ionos.com (https only: credentials travel on it)"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || url(self).getEscapedPath() in ['', '/'] && url(self).getQuery().size() == 0",message="url must end after the host and the port: the operator adds the paths of the API, and a path prefix of a reverse proxy is not supported"
	URL string `json:"url,omitempty"`

	// tokenSecretRef is the Secret key that holds a bearer token of the IONOS Authentication API.
	// +required
	TokenSecretRef TokenReference `json:"tokenSecretRef,omitzero"`
}

// HuaweiService is an account of Huawei Cloud and the access key that the operator signs with.
type HuaweiService struct {
	// url of the IAM endpoint, such as https://iam.eu-west-101.myhuaweicloud.eu.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHost() != ''",message="url must be a whole URL with scheme and host, such as https://iam.eu-west-101.myhuaweicloud.eu (https only: credentials travel on it)"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || url(self).getEscapedPath() in ['', '/'] && url(self).getQuery().size() == 0",message="url must end after the host and the port: the operator adds the paths of the API, and a path prefix of a reverse proxy is not supported"
	URL string `json:"url,omitempty"`

	// domainID is the ID of the account.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	DomainID string `json:"domainID,omitempty"`

	// credentialsSecretRef is a Secret with the keys access-key-id and secret-access-key.
	// +required
	CredentialsSecretRef SecretReference `json:"credentialsSecretRef,omitzero"`
}

// ONTAPService is the S3 server of an SVM and the account that the operator uses there.
type ONTAPService struct {
	// url of the management LIF of the cluster or the SVM, such as https://cluster.example.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHost() != ''",message="url must be a whole URL with scheme and host, such as https://cluster.example (https only: credentials travel on it)"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || url(self).getEscapedPath() in ['', '/'] && url(self).getQuery().size() == 0",message="url must end after the host and the port: the operator adds the paths of the API, and a path prefix of a reverse proxy is not supported"
	URL string `json:"url,omitempty"`

	// svm is the name or the UUID of the SVM.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SVM string `json:"svm,omitempty"`

	// credentialsSecretRef is a Secret with the keys username and password.
	// +required
	CredentialsSecretRef SecretReference `json:"credentialsSecretRef,omitzero"`
}

// SecretReference names a Secret: in the KeyService's namespace, or for a ClusterKeyService in the operator's.
type SecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// TokenReference names a key of a Secret that holds a token.
type TokenReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key in the Secret. Defaults to token.
	// +optional
	// +default="token"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// S3 is the data plane that the keys are for.
// +kubebuilder:validation:XValidation:rule="!has(self.pathStyle) || self.pathStyle || !self.endpoint.matches('^https?://([0-9.]+(:|/|$)|[[])')",message="with an IP address as endpoint, a bucket cannot be part of the host name: set pathStyle to true",fieldPath=".pathStyle"
type S3 struct {
	// endpoint such as https://s3.example:9000. Published as AWS_ENDPOINT_URL_S3.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != ''",message="endpoint must be a whole URL with scheme and host, such as https://s3.example:9000"
	Endpoint string `json:"endpoint,omitempty"`

	// region such as us-east-1. Published as AWS_REGION and AWS_DEFAULT_REGION.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Region string `json:"region,omitempty"`

	// pathStyle says how clients address a bucket: true for https://s3.example/bucket, false for https://bucket.s3.example. It is
	// published by the secretTemplate.formats that have such a setting.
	// +optional
	// +default=true
	PathStyle *bool `json:"pathStyle,omitempty"`

	// tls says which certificates of the data plane to trust when pairs are verified. Defaults to the tls of the KeyService.
	// +optional
	TLS *TLS `json:"tls,omitempty"`
}

// RateLimit bounds the requests to a service.
// +kubebuilder:validation:MinProperties=1
type RateLimit struct {
	// qps is how many requests a second are sent in the long run.
	// +optional
	// +default=20
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	QPS int32 `json:"qps,omitempty"`

	// burst is how many requests may be sent at once after a quiet time.
	// +optional
	// +default=40
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Burst int32 `json:"burst,omitempty"`
}

// KeyService is a key service for the AccessKeys of its namespace.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ks
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="Keys per user",type=integer,JSONPath=`.status.limits.keysPerUser`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
type KeyService struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec says where the service is and how the operator signs in.
	// +required
	// +kubebuilder:validation:XValidation:rule="!has(self.aws) || has(self.aws.credentialsSecretRef)",message="set credentialsSecretRef: only a ClusterKeyService, which administrators create, may use the identity of the operator's Pod",fieldPath=".aws.credentialsSecretRef"
	Spec KeyServiceSpec `json:"spec,omitzero"`

	// status is what the operator found there.
	// +optional
	// +default={"observedGeneration": -1}
	Status KeyServiceStatus `json:"status,omitempty,omitzero"`
}

// KeyServiceList is a list of KeyServices.
// +kubebuilder:object:root=true
type KeyServiceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KeyService `json:"items"`
}

// GenericKeyService is what KeyService and ClusterKeyService have in common.
// +kubebuilder:object:generate=false
type GenericKeyService interface {
	client.Object
	// GetSpec returns the common part of the spec.
	GetSpec() *KeyServiceSpec
	// GetStatus returns the status.
	GetStatus() *KeyServiceStatus
}

var (
	_ GenericKeyService = (*KeyService)(nil)
	_ GenericKeyService = (*ClusterKeyService)(nil)
)

// GetSpec implements GenericKeyService.
func (s *KeyService) GetSpec() *KeyServiceSpec { return &s.Spec }

// GetStatus implements GenericKeyService.
func (s *KeyService) GetStatus() *KeyServiceStatus { return &s.Status }

// Address returns the URL of the service. It is empty for AWS itself, whose accounts the identity distinguishes.
func (s *KeyServiceSpec) Address() string {
	switch {
	case s.Qumulo != nil:
		return s.Qumulo.URL
	case s.IONOS != nil:
		return s.IONOS.URL
	case s.Huawei != nil:
		return s.Huawei.URL
	case s.ONTAP != nil:
		return s.ONTAP.URL
	case s.AWS != nil:
		return s.AWS.URL
	default:
		return ""
	}
}

// SecretNames returns the names of the Secrets to which the spec refers, each once.
func (s *KeyServiceSpec) SecretNames() []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range s.credentialNames() {
		add(name)
	}
	for _, ca := range s.CAs() {
		if ca.Kind == CASecret {
			add(ca.Name)
		}
	}
	return names
}

// credentialNames returns the names of the Secrets that hold credentials.
func (s *KeyServiceSpec) credentialNames() []string {
	switch {
	case s.Qumulo != nil:
		var names []string
		if token := s.Qumulo.TokenSecretRef; token != nil {
			names = append(names, token.Name)
		}
		if login := s.Qumulo.LoginSecretRef; login != nil {
			names = append(names, login.Name)
		}
		return names
	case s.IONOS != nil:
		return []string{s.IONOS.TokenSecretRef.Name}
	case s.Huawei != nil:
		return []string{s.Huawei.CredentialsSecretRef.Name}
	case s.ONTAP != nil:
		return []string{s.ONTAP.CredentialsSecretRef.Name}
	case s.AWS != nil && s.AWS.CredentialsSecretRef != nil:
		return []string{s.AWS.CredentialsSecretRef.Name}
	default:
		return nil
	}
}
