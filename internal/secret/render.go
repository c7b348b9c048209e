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

// pairKeys are the data keys of a pair.
type pairKeys struct{ accessKeyID, secretAccessKey string }

// The data keys of the pair in a Secret without the default keys, and in one with them.
var (
	ownPairKeys     = pairKeys{v1alpha1.SecretKeyOwnAccessKeyID, v1alpha1.SecretKeyOwnSecretAccessKey}
	defaultPairKeys = pairKeys{v1alpha1.SecretKeyAccessKeyID, v1alpha1.SecretKeySecretAccessKey}
)

// in reports whether data has both keys.
func (k pairKeys) in(data map[string][]byte) bool {
	_, id := data[k.accessKeyID]
	_, key := data[k.secretAccessKey]
	return id && key
}

// pairKeysOf returns where a Secret has its pair: under the keys that the operator wrote, or, if the ownership is lost, that are
// there. No template writes the operator's own keys, so they come first. Others may have put another pair there.
func pairKeysOf(secret *corev1.Secret) pairKeys {
	written := ownKeys(secret)
	for _, is := range []func(pairKeys) bool{
		func(keys pairKeys) bool { return keys.in(written) },
		func(keys pairKeys) bool {
			return keys.in(secret.Data) && string(secret.Data[keys.accessKeyID]) == secret.Annotations[v1alpha1.AccessKeyIDAnnotation]
		},
		func(keys pairKeys) bool { return keys.in(secret.Data) },
	} {
		for _, keys := range []pairKeys{ownPairKeys, defaultPairKeys} {
			if is(keys) {
				return keys
			}
		}
	}
	return defaultPairKeys
}

// PairOf returns the pair in a Secret. It is empty if the Secret does not contain one.
func PairOf(secret *corev1.Secret) Pair {
	keys := pairKeysOf(secret)
	return Pair{AccessKeyID: string(secret.Data[keys.accessKeyID]), SecretAccessKey: keyservice.Secret(secret.Data[keys.secretAccessKey])}
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

	pair Pair
	// around has the names of the default keys beside the pair.
	around map[string]string
}

// Render renders the Secret for a pair and completes the record with the digest of the data. The error is ErrTemplate if the
// templates cannot be rendered.
func (t Template) Render(pair Pair, record plan.Record) (Content, error) {
	data, err := t.data(pair, record)
	if err != nil {
		return Content{}, err
	}
	content := Content{
		Type: t.secretType(), Labels: t.labels(), Annotations: t.annotations(record), Data: data, Record: record, TemplateDigest: t.Digest(record),
		pair: pair, around: t.s3Data(),
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
	for kind, texts := range map[string]map[string]string{
		"label": t.labels(), "annotation": t.annotations(record), "data": t.s3Data(), "template": t.templateInputs(record),
	} {
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
	if expires := t.expiresAt(record); expires != "" {
		annotations[v1alpha1.ExpiresAtAnnotation] = expires
	}
	return annotations
}

// expiresAt returns when a pair expires; empty if it does not.
func (t Template) expiresAt(record plan.Record) string {
	expires, _ := plan.Schedule(t.AccessKey, record.IssuedAt.Time, t.Ends)
	if expires.IsZero() {
		return ""
	}
	return expires.UTC().Format(time.RFC3339)
}

// data returns the whole data of the Secret.
func (t Template) data(pair Pair, record plan.Record) (map[string][]byte, error) {
	data, err := execute(t.sources(), t.values(pair, record))
	if err != nil {
		return nil, keyservice.NewRedactor(pair.SecretAccessKey).Error(err)
	}
	keys := t.pairKeys()
	data[keys.accessKeyID], data[keys.secretAccessKey] = []byte(pair.AccessKeyID), []byte(pair.SecretAccessKey.Reveal())
	for key, value := range t.s3Data() {
		data[key] = []byte(value)
	}
	return data, nil
}

// pairKeys returns where the Secret is to have its pair.
func (t Template) pairKeys() pairKeys {
	if t.AccessKey.DefaultKeys() {
		return defaultPairKeys
	}
	return ownPairKeys
}

// dataKeys has the keys of all data that the Secret may have.
func (t Template) dataKeys() map[string][]byte {
	keys := map[string][]byte{t.pairKeys().accessKeyID: nil, t.pairKeys().secretAccessKey: nil}
	for key := range t.s3Data() {
		keys[key] = nil
	}
	for key := range t.sources() {
		keys[key] = nil
	}
	return keys
}

// s3Data returns the default data beside the pair.
func (t Template) s3Data() map[string]string {
	data := map[string]string{}
	if t.S3 == nil || !t.AccessKey.DefaultKeys() {
		return data
	}
	data[v1alpha1.SecretKeyEndpoint] = t.S3.Endpoint
	if t.S3.Region != "" {
		data[v1alpha1.SecretKeyRegion], data[v1alpha1.SecretKeyDefaultRegion] = t.S3.Region, t.S3.Region
	}
	return data
}
