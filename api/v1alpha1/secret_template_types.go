// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The default keys of a published Secret. The AWS SDKs read them from the environment.
const (
	// SecretKeyAccessKeyID holds the public half of the pair.
	SecretKeyAccessKeyID = "AWS_ACCESS_KEY_ID"
	// SecretKeySecretAccessKey holds the secret half of the pair.
	SecretKeySecretAccessKey = "AWS_SECRET_ACCESS_KEY"
	// SecretKeyEndpoint holds the KeyService's s3.endpoint, if it is set.
	SecretKeyEndpoint = "AWS_ENDPOINT_URL_S3"
	// SecretKeyRegion holds the KeyService's s3.region, if it is set.
	SecretKeyRegion = "AWS_REGION"
	// SecretKeyDefaultRegion holds the same region for clients that do not read SecretKeyRegion: boto3 and restic.
	SecretKeyDefaultRegion = "AWS_DEFAULT_REGION"
)

// The keys that hold the pair in a Secret without the default keys. They are not names of variables, so no consumer takes them
// from the environment.
const (
	// SecretKeyOwnAccessKeyID holds the public half of the pair.
	SecretKeyOwnAccessKeyID = "access-key-id"
	// SecretKeyOwnSecretAccessKey holds the secret half of the pair.
	SecretKeyOwnSecretAccessKey = "secret-access-key"
)

// SecretTemplate describes the type, the metadata and the data of the Secret.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.data) || !has(self.formats) || [['AWSCredentialsFile', 'cloud'], ['Env', 'aws.env'], ['Rclone', 'rclone.conf'], ['S3cfg', '.s3cfg'], ['JSON', 'credentials.json'], ['ThanosObjstore', 'objstore.yml'], ['LokiStack', 'access_key_id'], ['LokiStack', 'access_key_secret'], ['LokiStack', 'bucketnames'], ['LokiStack', 'endpoint'], ['LokiStack', 'region'], ['HarborRegistry', 'REGISTRY_STORAGE_S3_ACCESSKEY'], ['HarborRegistry', 'REGISTRY_STORAGE_S3_SECRETKEY'], ['FluxBucket', 'accesskey'], ['FluxBucket', 'secretkey'], ['Longhorn', 'AWS_ACCESS_KEY_ID'], ['Longhorn', 'AWS_SECRET_ACCESS_KEY'], ['Longhorn', 'AWS_ENDPOINTS'], ['Longhorn', 'VIRTUAL_HOSTED_STYLE'], ['CSIS3', 'accessKeyID'], ['CSIS3', 'secretAccessKey'], ['CSIS3', 'endpoint'], ['CSIS3', 'region'], ['PgBackRest', 's3.conf'], ['GitLabConnection', 'connection'], ['S3FS', 'passwd-s3fs'], ['MC', 'MC_HOST_s3']].all(p, !(p[0] in self.formats && p[1] in self.data))",message="a key of data is also a key of one of the formats: remove it from data, or leave the format out"
// +kubebuilder:validation:XValidation:rule="!has(self.data) || has(self.includeDefaults) && !self.includeDefaults || ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_ENDPOINT_URL_S3', 'AWS_REGION', 'AWS_DEFAULT_REGION'].all(k, !(k in self.data))",message="a key of data is also a default key (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_DEFAULT_REGION): remove it from data, or set includeDefaults to false"
// +kubebuilder:validation:XValidation:rule="!has(self.formats) || has(self.bucket) || !('ThanosObjstore' in self.formats || 'LokiStack' in self.formats)",message="the formats ThanosObjstore and LokiStack name a bucket: set bucket"
type SecretTemplate struct {
	// type of the Secret. Defaults to Opaque. Immutable.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!self.contains('kubernetes.io/')",message="secretTemplate.type must not be one of Kubernetes' own types, which ask for other data"
	Type string `json:"type,omitempty"`

	// labels of the Secret. The keys and values follow the rules of Kubernetes.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('accesskey.dev/') && k != 'app.kubernetes.io/managed-by')",message="labels under accesskey.dev/ and app.kubernetes.io/managed-by are the operator's own"
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'))",message="the key of a label is a name, such as team or example.com/team: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit; the prefix is a DNS name in lower case"
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.size() - k.indexOf('/') <= 64)",message="the key of a label has at most 63 characters, and its prefix before the '/' at most 253"
	Labels map[string]LabelValue `json:"labels,omitempty"`

	// annotations of the Secret. The keys follow the rules of Kubernetes.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('accesskey.dev/'))",message="annotations under accesskey.dev/ are the operator's own"
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?([.][A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'))",message="the key of an annotation is a name, such as team or example.com/team: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit; the prefix is a DNS name"
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.size() - k.indexOf('/') <= 64)",message="the key of an annotation has at most 63 characters, and its prefix before the '/' at most 253"
	// +kubebuilder:validation:XValidation:rule="self.map(k, k.size() + self[k].size()).sum() <= 245760",message="annotations must have at most 240 KiB in total: a Secret holds 256 KiB of them, and the operator adds its own"
	Annotations map[string]string `json:"annotations,omitempty"`

	// data of the Secret beside the default keys: a Go template for each key. An empty result leaves the key out. docs/formats.md
	// lists the fields and functions.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[-._a-zA-Z0-9]+$') && k.size() <= 253 && k != '.' && !k.startsWith('..'))",message="a key of data has at most 253 letters, digits, '-', '_' and '.', and does not begin with '..'"
	// +kubebuilder:validation:XValidation:rule="!('access-key-id' in self) && !('secret-access-key' in self)",message="access-key-id and secret-access-key are the operator's own: set includeDefaults to false to have the pair under these keys"
	Data map[string]DataTemplate `json:"data,omitempty"`

	// formats are what consumers read, written to the Secret beside the default keys. docs/formats.md has their data keys.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Formats []SecretFormat `json:"formats,omitempty"`

	// bucket is the bucket that the formats ThanosObjstore and LokiStack name; templates have it as .Bucket.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._-]*$`
	Bucket string `json:"bucket,omitempty"`

	// includeDefaults says whether the Secret has the default keys, which begin with AWS_. Defaults to true. If it is false, the
	// pair is under access-key-id and secret-access-key instead.
	// +optional
	IncludeDefaults *bool `json:"includeDefaults,omitempty"`
}

// DataTemplate is the Go template of one value of a Secret.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=8192
type DataTemplate string

// SecretFormat is what one consumer reads.
// +kubebuilder:validation:Enum=AWSCredentialsFile;Env;Rclone;S3cfg;JSON;ThanosObjstore;LokiStack;HarborRegistry;FluxBucket;Longhorn;CSIS3;PgBackRest;GitLabConnection;S3FS;MC
type SecretFormat string

// The formats.
const (
	// FormatAWSCredentialsFile is the credentials file of the AWS SDKs, as Velero reads it.
	FormatAWSCredentialsFile SecretFormat = "AWSCredentialsFile"
	// FormatEnv is a file of environment variables.
	FormatEnv SecretFormat = "Env"
	// FormatRclone is a configuration file of rclone.
	FormatRclone SecretFormat = "Rclone"
	// FormatS3cfg is a configuration file of s3cmd.
	FormatS3cfg SecretFormat = "S3cfg"
	// FormatJSON is a JSON object as the AWS SDKs read it from a credential_process.
	FormatJSON SecretFormat = "JSON"
	// FormatThanosObjstore is a configuration of the object storage client of Thanos.
	FormatThanosObjstore SecretFormat = "ThanosObjstore"
	// FormatLokiStack is the keys that the Loki operator reads.
	FormatLokiStack SecretFormat = "LokiStack"
	// FormatHarborRegistry is the keys that the Helm chart of Harbor reads.
	FormatHarborRegistry SecretFormat = "HarborRegistry"
	// FormatFluxBucket is the keys that a Bucket of Flux reads.
	FormatFluxBucket SecretFormat = "FluxBucket"
	// FormatLonghorn is the keys that the backup target of Longhorn reads.
	FormatLonghorn SecretFormat = "Longhorn"
	// FormatCSIS3 is the keys that csi-s3 reads.
	FormatCSIS3 SecretFormat = "CSIS3"
	// FormatPgBackRest is a configuration file of pgBackRest, as the Postgres operators of Crunchy Data and Percona read it.
	FormatPgBackRest SecretFormat = "PgBackRest"
	// FormatGitLabConnection is the connection that the Helm chart of GitLab reads.
	FormatGitLabConnection SecretFormat = "GitLabConnection"
	// FormatS3FS is a password file of s3fs.
	FormatS3FS SecretFormat = "S3FS"
	// FormatMC is the variable that the MinIO client reads.
	FormatMC SecretFormat = "MC"
)

// DefaultKeys reports whether the Secret has the default keys.
func (k *AccessKey) DefaultKeys() bool {
	template := k.Spec.SecretTemplate
	return template == nil || template.IncludeDefaults == nil || *template.IncludeDefaults
}

// LabelValue is the value of a label.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="self.matches('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$')",message="the value of a label has letters, digits, '-', '_' and '.', and begins and ends with a letter or digit"
type LabelValue string
