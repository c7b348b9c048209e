// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AWSService is an AWS account, or a server that speaks the API of AWS IAM, and how the operator signs in there.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="has(self.accountID) || has(self.url)",message="set accountID for AWS, or the url of another server that speaks the API of AWS IAM"
// +kubebuilder:validation:XValidation:rule="has(self.url) || !has(self.accountID) || self.accountID.matches('^[0-9]{12}$')",message="accountID must be the 12 digits of an AWS account, without hyphens",fieldPath=".accountID"
// +kubebuilder:validation:XValidation:rule="has(self.credentialsSecretRef) || !has(self.url)",message="set credentialsSecretRef: the operator does not prove the identity of its own Pod to the server at a url",fieldPath=".credentialsSecretRef"
// +kubebuilder:validation:XValidation:rule="has(self.url) || !has(self.stsURL)",message="stsURL belongs to a url: set url, or remove stsURL",fieldPath=".stsURL"
// +kubebuilder:validation:XValidation:rule="has(self.roleARN) || !has(self.externalID)",message="externalID is sent when the operator assumes a role: set roleARN, or remove externalID",fieldPath=".externalID"
type AWSService struct {
	// accountID is the 12 digits of the AWS account. Required without url. The operator checks that its credentials belong to this
	// account. With url, it is what the server calls the account, and defaults to what GetCallerIdentity answers.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9A-Za-z-]+$`
	AccountID string `json:"accountID,omitempty"`

	// region selects the partition of AWS (cn-north-1 for China, us-gov-west-1 for GovCloud) and the endpoint of STS. With url,
	// requests are signed for this region. Defaults to us-east-1.
	// +optional
	// +default="us-east-1"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9a-z]([0-9a-z-]*[0-9a-z])?$`
	Region string `json:"region,omitempty"`

	// url of another server that speaks the API of AWS IAM, or of a VPC endpoint, such as https://iam.example:7443. It may have a
	// path. Defaults to the IAM endpoint of the partition.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHost() != ''",message="url must be a whole URL with scheme and host, such as https://iam.example:7443 (https only: credentials travel on it)"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || self.matches('^[a-z]+://[^/?#]+(/[0-9A-Za-z._~-]+)*/?$')",message="url must end after a plain path: no query, no fragment, and no double slash or escaped characters, with which signatures differ"
	URL string `json:"url,omitempty"`

	// stsURL of the STS of the server at url. Defaults to url.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHost() != ''",message="stsURL must be a whole URL with scheme and host, such as https://sts.example:7443 (https only: credentials travel on it)"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || self.matches('^[a-z]+://[^/?#]+(/[0-9A-Za-z._~-]+)*/?$')",message="stsURL must end after a plain path: no query, no fragment, and no double slash or escaped characters, with which signatures differ"
	STSURL string `json:"stsURL,omitempty"`

	// credentialsSecretRef is a Secret with the keys access-key-id and secret-access-key, and session-token for temporary credentials.
	// Required on a KeyService, and with url. Without it, a ClusterKeyService uses the identity of the operator's Pod: EKS Pod
	// Identity, or a role for its service account (IRSA).
	// +optional
	CredentialsSecretRef *SecretReference `json:"credentialsSecretRef,omitempty"`

	// roleARN is the role that the operator assumes with its credentials, such as
	// arn:aws:iam::123456789012:role/accesskey-operator. Defaults to no role.
	// +optional
	// +kubebuilder:validation:MinLength=20
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^arn:[0-9a-z-]+:iam::[0-9A-Za-z-]*:role/\S+$`
	RoleARN string `json:"roleARN,omitempty"`

	// externalID that the trust policy of the role asks for.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=1224
	// +kubebuilder:validation:Pattern=`^[0-9A-Za-z_+=,.@:/-]+$`
	ExternalID string `json:"externalID,omitempty"`

	// keysPerUser is how many keys a user can have, for servers that do not tell it. Defaults to the quota of the account, and to 2
	// if the operator may not read that.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	KeysPerUser int32 `json:"keysPerUser,omitempty"`

	// activationDelay is how long a new key may be refused although it is listed as active, as a duration such as 15s. A new pair is
	// published after it. At most 5m. Defaults to 15s, and to 0s with url, or with the KeyService's s3, where the data plane itself
	// says when a pair works. The default is not written into the spec.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('5m')",message="activationDelay must be at most 5m"
	ActivationDelay *metav1.Duration `json:"activationDelay,omitempty"`
}
