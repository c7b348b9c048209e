// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
)

// redacted stands for the secret access key where it is not to be shown. It has no characters that a format would quote.
const redacted keyservice.Secret = "REDACTED"

// exportFormats are the formats of a Secret.
var exportFormats = []v1alpha1.SecretFormat{
	v1alpha1.FormatAWSCredentialsFile, v1alpha1.FormatEnv, v1alpha1.FormatRclone, v1alpha1.FormatS3cfg, v1alpha1.FormatJSON, v1alpha1.FormatThanosObjstore,
	v1alpha1.FormatLokiStack, v1alpha1.FormatHarborRegistry, v1alpha1.FormatFluxBucket, v1alpha1.FormatLonghorn, v1alpha1.FormatCSIS3,
	v1alpha1.FormatPgBackRest, v1alpha1.FormatGitLabConnection, v1alpha1.FormatS3FS, v1alpha1.FormatMC,
}

func formatNames() []string {
	names := make([]string, 0, len(exportFormats))
	for _, format := range exportFormats {
		names = append(names, string(format))
	}
	return names
}

// exported is the pair of an AccessKey, and what it is rendered with.
type exported struct {
	accessKey *v1alpha1.AccessKey
	published *corev1.Secret
	s3        *v1alpha1.S3
}

// render returns what export prints. Without show, the secret access key is redacted.
func (e exported) render(o *exportOptions, show bool) ([]byte, error) {
	if o.key != "" {
		return e.renderKey(o.key, show)
	}
	i := slices.IndexFunc(exportFormats, func(format v1alpha1.SecretFormat) bool { return strings.EqualFold(string(format), o.format) })
	if i < 0 {
		return nil, usageError("--format is %q: it must be one of %s", o.format, strings.Join(formatNames(), ", "))
	}
	data, err := e.format(exportFormats[i], o.bucket, show)
	if err != nil {
		return nil, err
	}
	if len(data) == 1 {
		for _, content := range data {
			return withNewline(content), nil
		}
	}
	texts := map[string]string{} // the application reads several keys of a Secret
	for key, value := range data {
		texts[key] = string(value)
	}
	return yaml.Marshal(texts)
}

// format renders one format, and returns its data by key.
func (e exported) format(format v1alpha1.SecretFormat, bucket string, show bool) (map[string][]byte, error) {
	ak := e.accessKey.DeepCopy()
	template := &v1alpha1.SecretTemplate{Formats: []v1alpha1.SecretFormat{format}, IncludeDefaults: ptr.To(false), Bucket: bucket}
	if own := ak.Spec.SecretTemplate; own != nil && bucket == "" {
		template.Bucket = own.Bucket
	}
	if template.Bucket == "" && (format == v1alpha1.FormatThanosObjstore || format == v1alpha1.FormatLokiStack) {
		return nil, usageError("the format %s names a bucket: give it with --bucket", format)
	}
	ak.Spec.SecretTemplate = template
	data, err := e.data(ak, show)
	if err != nil {
		return nil, err
	}
	delete(data, v1alpha1.SecretKeyOwnAccessKeyID) // where the pair is in a Secret without the default keys
	delete(data, v1alpha1.SecretKeyOwnSecretAccessKey)
	return data, nil
}

// renderKey returns a value of the Secret. Without show, it is rendered anew, because the value can contain the secret in any form.
func (e exported) renderKey(key string, show bool) ([]byte, error) {
	value, there := e.published.Data[key]
	if !there {
		return nil, fmt.Errorf("Secret %s has no key %s; it has %s", e.published.Name, key, strings.Join(slices.Sorted(maps.Keys(e.published.Data)), ", ")) //nolint:staticcheck // Secret is a kind
	}
	if show {
		return value, nil
	}
	data, err := e.data(e.accessKey, false)
	if err != nil {
		return nil, err
	}
	value, rendered := data[key]
	if !rendered { // somebody else's data
		value = []byte(redacted.Reveal())
	}
	return withNewline(value), nil
}

// data renders the Secret of an AccessKey.
func (e exported) data(ak *v1alpha1.AccessKey, show bool) (map[string][]byte, error) {
	pair := secret.PairOf(e.published)
	if !show {
		pair.SecretAccessKey = redacted
	}
	content, err := secret.Template{AccessKey: ak, S3: e.s3, Ends: e.accessKey.Status.ExpiresAt.Time}.Render(pair, plan.RecordOf(ak, ""))
	return content.Data, err
}

func withNewline(content []byte) []byte {
	if len(content) == 0 || content[len(content)-1] != '\n' {
		return append(slices.Clone(content), '\n')
	}
	return content
}
