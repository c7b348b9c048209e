// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// DigestSecret is the cache's transform for Secrets: the data is replaced by its digests, so that an edit is noticed and no
// secret material stays in memory. They go into the selfLink, which the API server neither stores nor sends any more:
// client-go can apply a transform twice to one object, and what has no Data left is done. A map would take several times the
// memory.
func DigestSecret(object any) (any, error) {
	secret, ok := object.(*corev1.Secret)
	if !ok {
		return object, nil
	}
	// It can hold the data once more, and data that is gone. Others may be reading an object that is done.
	if _, ok := secret.Annotations[corev1.LastAppliedConfigAnnotation]; ok { //nolint:staticcheck // to delete is to write, even what is not there
		delete(secret.Annotations, corev1.LastAppliedConfigAnnotation)
	}
	if len(secret.Data) == 0 {
		return object, nil
	}
	pair := pairDigest(digest(secret.Data[v1alpha1.SecretKeyAccessKeyID]), digest(secret.Data[v1alpha1.SecretKeySecretAccessKey]))
	secret.SetSelfLink(pair + " " + plainDigest(secret.Data))
	secret.Data, secret.ManagedFields = nil, nil
	if maps.Equal(secret.Labels, onlyManaged) {
		secret.Labels = onlyManaged // one for all
	}
	return secret, nil
}

// onlyManaged are the labels of a Secret whose AccessKey asks for none. Not to be changed.
var onlyManaged = map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}

func digested(secret *corev1.Secret) *corev1.Secret {
	if secret == nil {
		return nil
	}
	secret = secret.DeepCopy()
	_, _ = DigestSecret(secret) // never fails
	return secret
}

// digest is the SHA-256 of a value, hex.
func digest(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}

// pairDigest identifies a pair by the digests of its halves.
func pairDigest(idDigest, secretDigest string) string { return digest([]byte(idDigest + secretDigest)) }

// plainDigest is that of what a Secret holds beside the pair.
func plainDigest[V ~string | ~[]byte](data map[string]V) string {
	sum := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if key != v1alpha1.SecretKeyAccessKeyID && key != v1alpha1.SecretKeySecretAccessKey {
			_, _ = fmt.Fprintf(sum, "%q=%q\n", key, data[key]) // never fails
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func ownerOf(secret *corev1.Secret) *metav1.OwnerReference {
	owner := metav1.GetControllerOf(secret)
	if owner == nil || owner.Kind != "AccessKey" {
		return nil
	}
	return owner
}

// secretOf tells the planner what a Secret with digested data holds; nil is no Secret.
func (s Signer) secretOf(ak *v1alpha1.AccessKey, secret *corev1.Secret, s3 *v1alpha1.S3) plan.Secret {
	if secret == nil {
		return plan.Secret{State: plan.SecretAbsent}
	}
	// One that is on its way out can be neither kept nor replaced yet.
	if !metav1.IsControlledBy(secret, ak) || !secret.DeletionTimestamp.IsZero() {
		return plan.Secret{State: plan.SecretForeign}
	}
	record, ok := s.recordOf(secret)
	pair, plain, _ := strings.Cut(secret.GetSelfLink(), " ")
	if !ok || record.Digest != pair {
		return plan.Secret{State: plan.SecretEdited}
	}
	return plan.Secret{State: plan.SecretIntact, Record: record, UpToDate: plain == plainDigest(plainData(s3)) && upToDate(ak, secret, record)}
}

// upToDate: the labels and annotations are as they are to be.
func upToDate(ak *v1alpha1.AccessKey, secret *corev1.Secret, record plan.Record) bool {
	annotations := plainAnnotations(ak, record)
	return secret.Annotations[v1alpha1.ExpiresAtAnnotation] == annotations[v1alpha1.ExpiresAtAnnotation] &&
		contains(secret.Labels, secretLabels(ak)) && contains(secret.Annotations, annotations)
}

func contains(all, wanted map[string]string) bool {
	for key, value := range wanted {
		if actual, ok := all[key]; !ok || actual != value {
			return false
		}
	}
	return true
}

// plainData is what the Secret holds beside the pair.
func plainData(s3 *v1alpha1.S3) map[string]string {
	data := map[string]string{}
	if s3 == nil {
		return data
	}
	data[v1alpha1.SecretKeyEndpoint] = s3.Endpoint
	if s3.Region != "" {
		data[v1alpha1.SecretKeyRegion] = s3.Region
	}
	return data
}

func secretLabels(ak *v1alpha1.AccessKey) map[string]string {
	labels := map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	if ak.Spec.SecretTemplate != nil {
		maps.Copy(labels, ak.Spec.SecretTemplate.Labels)
	}
	return labels
}

// plainAnnotations are all but the record.
func plainAnnotations(ak *v1alpha1.AccessKey, record plan.Record) map[string]string {
	annotations := map[string]string{v1alpha1.AccessKeyIDAnnotation: record.AccessKeyID}
	if ak.Spec.SecretTemplate != nil {
		maps.Copy(annotations, ak.Spec.SecretTemplate.Annotations)
	}
	if expires, _ := plan.Schedule(ak, record.IssuedAt.Time); !expires.IsZero() {
		annotations[v1alpha1.ExpiresAtAnnotation] = expires.UTC().Format(time.RFC3339)
	}
	return annotations
}

// fillSecret brings everything in secret but the pair up to date.
func (s Signer) fillSecret(secret *corev1.Secret, ak *v1alpha1.AccessKey, s3 *v1alpha1.S3, record plan.Record) error {
	encoded, err := s.signRecord(ak.UID, record)
	if err != nil {
		return fmt.Errorf("encoding the record of Secret %s: %w", secret.Name, err)
	}
	secret.Labels = merged(secret.Labels, secretLabels(ak))
	delete(secret.Annotations, v1alpha1.ExpiresAtAnnotation)
	secret.Annotations = merged(secret.Annotations, plainAnnotations(ak, record))
	secret.Annotations[v1alpha1.RecordAnnotation] = encoded
	data := map[string][]byte{
		v1alpha1.SecretKeyAccessKeyID:     secret.Data[v1alpha1.SecretKeyAccessKeyID],
		v1alpha1.SecretKeySecretAccessKey: secret.Data[v1alpha1.SecretKeySecretAccessKey],
	}
	for key, value := range plainData(s3) {
		data[key] = []byte(value)
	}
	secret.Data = data
	return nil
}

func merged(into, from map[string]string) map[string]string {
	if into == nil {
		into = map[string]string{}
	}
	maps.Copy(into, from)
	return into
}

// putPair puts a new pair into secret and its digest into the record.
func putPair(secret *corev1.Secret, credential keyservice.Credential, record *plan.Record) {
	id, material := []byte(credential.AccessKeyID), []byte(credential.SecretAccessKey.Reveal())
	secret.Data = map[string][]byte{v1alpha1.SecretKeyAccessKeyID: id, v1alpha1.SecretKeySecretAccessKey: material}
	record.Digest = pairDigest(digest(id), digest(material))
}

// newSecret is an empty Secret of an AccessKey.
func newSecret(ak *v1alpha1.AccessKey, name string) *corev1.Secret {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       ak.Namespace,
			Name:            name,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(ak, v1alpha1.GroupVersion.WithKind("AccessKey"))},
		},
		Type: corev1.SecretTypeOpaque,
	}
	if ak.Spec.SecretTemplate != nil && ak.Spec.SecretTemplate.Type != "" {
		secret.Type = corev1.SecretType(ak.Spec.SecretTemplate.Type)
	}
	return secret
}
