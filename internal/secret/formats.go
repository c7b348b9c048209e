// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import "accesskey.dev/operator/api/v1alpha1"

// Templates that several formats share.
const (
	accessKeyID     = `{{ .AccessKeyID }}`
	secretAccessKey = `{{ .SecretAccessKey }}`
	endpointURL     = `{{ .Endpoint.URL }}`
	region          = `{{ .Region }}`
)

// formats are the templates of each format by data key. Formats that share a data key have the same template for it. The rules of
// the CRD have the same list of data keys.
var formats = map[v1alpha1.SecretFormat]map[string]string{
	// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html; Velero reads it from the key cloud (velero-plugin-for-aws, README).
	v1alpha1.FormatAWSCredentialsFile: {"cloud": `[default]
aws_access_key_id={{ iniValue .AccessKeyID }}
aws_secret_access_key={{ iniValue .SecretAccessKey }}
`},

	// Variables as in https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html, quoted for a POSIX shell.
	v1alpha1.FormatEnv: {"aws.env": `AWS_ACCESS_KEY_ID={{ shellValue .AccessKeyID }}
AWS_SECRET_ACCESS_KEY={{ shellValue .SecretAccessKey }}
{{- with .Endpoint }}
AWS_ENDPOINT_URL_S3={{ shellValue .URL }}
{{- end }}
{{- with .Region }}
AWS_REGION={{ shellValue . }}
AWS_DEFAULT_REGION={{ shellValue . }}
{{- end }}
`},

	// https://rclone.org/s3/ and https://rclone.org/docs/#configuration-file. The remote is s3.
	v1alpha1.FormatRclone: {"rclone.conf": `[s3]
type = s3
provider = {{ if .Endpoint }}Other{{ else }}AWS{{ end }}
access_key_id = {{ iniValue .AccessKeyID }}
secret_access_key = {{ iniValue .SecretAccessKey }}
{{- with .Endpoint }}
endpoint = {{ iniValue .URL }}
{{- end }}
{{- if and .Endpoint (not .PathStyle) }}
force_path_style = false
{{- end }}
{{- with .Region }}
region = {{ iniValue . }}
{{- end }}
`},

	// S3/Config.py of s3cmd. A host_bucket without %(bucket)s leads to path-style requests.
	v1alpha1.FormatS3cfg: {".s3cfg": `[default]
access_key = {{ iniValue .AccessKeyID }}
secret_key = {{ iniValue .SecretAccessKey }}
host_base = {{ iniValue .Endpoint.HostPort }}
host_bucket = {{ if not .PathStyle }}%(bucket)s.{{ end }}{{ iniValue .Endpoint.HostPort }}
use_https = {{ if .Endpoint.TLS }}True{{ else }}False{{ end }}
{{- with .Region }}
bucket_location = {{ iniValue . }}
{{- end }}
`},

	// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html. The SDKs ignore Endpoint and Region, and read
	// the file again at Expiration.
	v1alpha1.FormatJSON: {"credentials.json": `{
  "Version": 1,
  "AccessKeyId": {{ toJson .AccessKeyID }},
  "SecretAccessKey": {{ toJson .SecretAccessKey }}
{{- with .ExpiresAt }},
  "Expiration": {{ toJson . }}
{{- end }}
{{- with .Endpoint }},
  "Endpoint": {{ toJson .URL }}
{{- end }}
{{- with .Region }},
  "Region": {{ toJson . }}
{{- end }}
}
`},

	// https://github.com/thanos-io/objstore, README, section S3. JSON strings are YAML strings.
	v1alpha1.FormatThanosObjstore: {"objstore.yml": `type: S3
config:
  bucket: {{ toJson .Bucket }}
  endpoint: {{ toJson .Endpoint.HostPort }}
{{- with .Region }}
  region: {{ toJson . }}
{{- end }}
  access_key: {{ toJson .AccessKeyID }}
  secret_key: {{ toJson .SecretAccessKey }}
  insecure: {{ not .Endpoint.TLS }}
  bucket_lookup_type: {{ ternary "path" "virtual-hosted" .PathStyle }}
`},

	// grafana/loki, operator/internal/manifests/storage/var.go.
	v1alpha1.FormatLokiStack: {
		"access_key_id": accessKeyID, "access_key_secret": secretAccessKey, "bucketnames": `{{ .Bucket }}`, "endpoint": endpointURL, "region": region,
	},

	// goharbor/harbor-helm, values.yaml, persistence.imageChartStorage.s3.existingSecret.
	v1alpha1.FormatHarborRegistry: {"REGISTRY_STORAGE_S3_ACCESSKEY": accessKeyID, "REGISTRY_STORAGE_S3_SECRETKEY": secretAccessKey},

	// fluxcd/source-controller, docs/spec/v1/buckets.md, Secret reference.
	v1alpha1.FormatFluxBucket: {"accesskey": accessKeyID, "secretkey": secretAccessKey},

	// longhorn/website, set-backup-target.md.
	v1alpha1.FormatLonghorn: {
		v1alpha1.SecretKeyAccessKeyID: accessKeyID, v1alpha1.SecretKeySecretAccessKey: secretAccessKey, "AWS_ENDPOINTS": endpointURL,
		"VIRTUAL_HOSTED_STYLE": `{{ if not .PathStyle }}true{{ end }}`,
	},

	// yandex-cloud/k8s-csi-s3, README.md.
	v1alpha1.FormatCSIS3: {"accessKeyID": accessKeyID, "secretAccessKey": secretAccessKey, "endpoint": endpointURL, "region": region},

	// https://pgbackrest.org/configuration.html#section-repository; CrunchyData/postgres-operator and percona-postgresql-operator mount
	// the file from the Secret in backups.pgbackrest.configuration.
	v1alpha1.FormatPgBackRest: {"s3.conf": `[global]
repo1-s3-key={{ iniValue .AccessKeyID }}
repo1-s3-key-secret={{ iniValue .SecretAccessKey }}
`},

	// https://docs.gitlab.com/charts/charts/globals.html#connection and examples/objectstorage/rails.s3.yaml of the chart.
	v1alpha1.FormatGitLabConnection: {"connection": `provider: AWS
{{- with .Region }}
region: {{ toJson . }}
{{- end }}
aws_access_key_id: {{ toJson .AccessKeyID }}
aws_secret_access_key: {{ toJson .SecretAccessKey }}
{{- with .Endpoint }}
endpoint: {{ toJson .URL }}
path_style: {{ $.PathStyle }}
{{- end }}
`},

	// s3fs-fuse/s3fs-fuse, README.md.
	v1alpha1.FormatS3FS: {"passwd-s3fs": `{{ iniValue .AccessKeyID }}:{{ iniValue .SecretAccessKey }}
`},

	// minio/mc, cmd/config.go: a URL whose user and password are decoded. The alias is s3.
	v1alpha1.FormatMC: {"MC_HOST_s3": `http{{ if .Endpoint.TLS }}s{{ end }}://` +
		`{{ iniValue .AccessKeyID | urlquery }}:{{ iniValue .SecretAccessKey | urlquery }}@{{ .Endpoint.HostPort }}`},
}
