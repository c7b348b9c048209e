// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package secret renders, inspects and writes the Secrets in which AccessKeys publish their pairs.
package secret

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// Pair is an access key ID and its secret access key.
type Pair struct {
	AccessKeyID     string
	SecretAccessKey keyservice.Secret
}

// PairOf returns the pair in a Secret. It is empty if the Secret does not contain one.
func PairOf(secret *corev1.Secret) Pair {
	return Pair{
		AccessKeyID:     string(secret.Data[v1alpha1.SecretKeyAccessKeyID]),
		SecretAccessKey: keyservice.Secret(secret.Data[v1alpha1.SecretKeySecretAccessKey]),
	}
}

// Template is everything that a Secret is rendered from, except for the pair.
type Template struct {
	AccessKey *v1alpha1.AccessKey
	// Service is the identity of the key service; empty while it is not connected.
	Service string
	// S3 of the KeyService; nil if it has none.
	S3 *v1alpha1.S3
	// Ends is when the service ends the pair by itself; zero if it does not.
	Ends time.Time
	// Verified is the resourceVersion of the Secret that this process last found intact; it can be newer than the one in the
	// status.
	Verified string
}

// Content is a rendered Secret.
type Content struct {
	Type                corev1.SecretType
	Labels, Annotations map[string]string
	Data                map[string][]byte
	// Record is the record in the annotations, with the digest of the data.
	Record plan.Record
	// TemplateDigest identifies what the Secret was rendered from, except for the pair.
	TemplateDigest string
}

// Render renders the Secret for a pair and completes the record with the digest of the data.
func (t Template) Render(pair Pair, record plan.Record) (Content, error) {
	content := Content{
		Type: t.secretType(), Labels: t.labels(), Annotations: t.annotations(record), Data: t.data(pair), Record: record, TemplateDigest: t.Digest(record),
	}
	content.Record.Digest = digest(content.Data)
	encoded, err := json.Marshal(content.Record)
	if err != nil {
		return Content{}, fmt.Errorf("encoding the record of Secret %s: %w", t.AccessKey.SecretName(), err)
	}
	content.Annotations[v1alpha1.RecordAnnotation] = string(encoded)
	return content, nil
}

// Digest identifies everything that the Secret of a pair is rendered from, except for the pair itself.
func (t Template) Digest(record plan.Record) string {
	values := map[string][]byte{"uid": []byte(t.AccessKey.UID), "type": []byte(t.secretType())}
	for kind, texts := range map[string]map[string]string{"label": t.labels(), "annotation": t.annotations(record), "data": t.s3Data()} {
		for key, value := range texts {
			values[kind+"/"+key] = []byte(value)
		}
	}
	return digest(values)
}

func (t Template) secretType() corev1.SecretType {
	if template := t.AccessKey.Spec.SecretTemplate; template != nil && template.Type != "" {
		return corev1.SecretType(template.Type)
	}
	return corev1.SecretTypeOpaque
}

func (t Template) labels() map[string]string {
	labels := map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	if template := t.AccessKey.Spec.SecretTemplate; template != nil {
		for key, value := range template.Labels {
			labels[key] = string(value)
		}
	}
	return labels
}

// annotations returns all annotations except for the record.
func (t Template) annotations(record plan.Record) map[string]string {
	annotations := map[string]string{v1alpha1.AccessKeyIDAnnotation: record.AccessKeyID}
	if template := t.AccessKey.Spec.SecretTemplate; template != nil {
		maps.Copy(annotations, template.Annotations)
	}
	if expires, _ := plan.Schedule(t.AccessKey, record.IssuedAt.Time, t.Ends); !expires.IsZero() {
		annotations[v1alpha1.ExpiresAtAnnotation] = expires.UTC().Format(time.RFC3339)
	}
	return annotations
}

func (t Template) data(pair Pair) map[string][]byte {
	data := map[string][]byte{
		v1alpha1.SecretKeyAccessKeyID:     []byte(pair.AccessKeyID),
		v1alpha1.SecretKeySecretAccessKey: []byte(pair.SecretAccessKey.Reveal()),
	}
	for key, value := range t.s3Data() {
		data[key] = []byte(value)
	}
	return data
}

// s3Data returns the data beside the pair.
func (t Template) s3Data() map[string]string {
	data := map[string]string{}
	if t.S3 == nil {
		return data
	}
	data[v1alpha1.SecretKeyEndpoint] = t.S3.Endpoint
	if t.S3.Region != "" {
		data[v1alpha1.SecretKeyRegion] = t.S3.Region
	}
	return data
}
