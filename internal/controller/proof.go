// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

const (
	// proofSecret holds the key that the operator signs its records with, in the operator's own namespace.
	proofSecret = "accesskey-operator-proof"
	// proofKey is the Secret's key of it; proofKeySize its length, bytes.
	proofKey     = "key"
	proofKeySize = 32
)

// Signer proves that the operator wrote what it finds in a status or on a Secret, both of which others may be allowed to
// write: only what it recorded itself may lead it to a key at the service.
type Signer struct {
	// Key is secret, and the same for all replicas of the operator.
	Key []byte
	// TrustUnproven accepts what another key signed, or none, and so has it signed anew: after the key was lost.
	TrustUnproven bool
}

// LoadSigner reads the key from the operator's namespace, and makes it there the first time.
func LoadSigner(ctx context.Context, live client.Reader, kube client.Client, namespace string) (Signer, error) {
	fresh := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: proofSecret},
		Data:       map[string][]byte{proofKey: make([]byte, proofKeySize)},
	}
	_, _ = rand.Read(fresh.Data[proofKey]) // never fails
	found := &corev1.Secret{}
	err := live.Get(ctx, client.ObjectKeyFromObject(fresh), found)
	if apierrors.IsNotFound(err) {
		if err = kube.Create(ctx, fresh); err == nil {
			return Signer{Key: fresh.Data[proofKey]}, nil
		}
		if apierrors.IsAlreadyExists(err) { // another replica was faster
			err = live.Get(ctx, client.ObjectKeyFromObject(fresh), found)
		}
	}
	if err != nil {
		return Signer{}, fmt.Errorf("reading or making Secret %s/%s: %w", namespace, proofSecret, err)
	}
	if len(found.Data[proofKey]) < proofKeySize {
		return Signer{}, fmt.Errorf("Secret %s/%s has no %q of at least %d bytes; restore it from a backup, or delete it and start the manager once with --trust-unproven", //nolint:staticcheck // Secret is a kind
			namespace, proofSecret, proofKey, proofKeySize)
	}
	return Signer{Key: found.Data[proofKey]}, nil
}

// record as it stands on a Secret.
type signedRecord struct {
	plan.Record
	Proof string `json:"proof"`
}

// signRecord encodes a record for a Secret of the AccessKey with this UID.
func (s Signer) signRecord(owner types.UID, record plan.Record) (string, error) {
	signed := signedRecord{Record: record}
	var err error
	if signed.Proof, err = s.sign("record", owner, record); err != nil {
		return "", err
	}
	encoded, err := json.Marshal(signed)
	return string(encoded), err
}

// recordOf a Secret, if the operator wrote it for the AccessKey that owns the Secret.
func (s Signer) recordOf(secret *corev1.Secret) (plan.Record, bool) {
	var signed signedRecord
	owner := ownerOf(secret)
	if owner == nil || json.Unmarshal([]byte(secret.Annotations[v1alpha1.RecordAnnotation]), &signed) != nil || signed.KeyID == "" {
		return plan.Record{}, false
	}
	proof, err := s.sign("record", owner.UID, signed.Record)
	return signed.Record, err == nil && s.judge(proof, signed.Proof) == plan.Proven
}

// signStatus is the proof of what the status of ak records; empty if that is nothing.
func (s Signer) signStatus(ak *v1alpha1.AccessKey) (string, error) {
	recorded := recordedIn(&ak.Status)
	if recorded.KeyID == "" && len(recorded.PreviousKeys) == 0 && recorded.Intent == nil {
		return "", nil
	}
	return s.sign("status", ak.UID, recorded)
}

// proofOf tells whether the operator wrote the status of ak.
func (s Signer) proofOf(ak *v1alpha1.AccessKey) plan.Proof {
	proof, err := s.signStatus(ak)
	if err != nil {
		return plan.Forged
	}
	return s.judge(proof, ak.Status.Proof)
}

func (s Signer) judge(want, got string) plan.Proof {
	keyID, _, _ := strings.Cut(want, ".")
	otherKeyID, _, signed := strings.Cut(got, ".")
	switch {
	case want == "" || s.TrustUnproven || hmac.Equal([]byte(want), []byte(got)):
		return plan.Proven
	case signed && otherKeyID != keyID:
		return plan.SignedByAnother
	default:
		return plan.Forged
	}
}

// sign returns "<ID of the key>.<HMAC-SHA256>", both base64. what keeps one kind of record from being used as another.
func (s Signer) sign(what string, owner types.UID, content any) (string, error) {
	encoded, err := json.Marshal([]any{what, owner, content})
	if err != nil {
		return "", fmt.Errorf("encoding the %s to sign: %w", what, err)
	}
	keyID := sha256.Sum256(s.Key)
	mac := hmac.New(sha256.New, s.Key)
	mac.Write(encoded)
	return base64.RawURLEncoding.EncodeToString(keyID[:6]) + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// recordedIn is the part of a status that leads to keys at the service. All else is news for people.
func recordedIn(status *v1alpha1.AccessKeyStatus) v1alpha1.AccessKeyStatus {
	return v1alpha1.AccessKeyStatus{
		KeyID: status.KeyID, AccessKeyID: status.AccessKeyID, IssuedAt: status.IssuedAt, Revision: status.Revision,
		SecretName: status.SecretName, PreviousKeys: status.PreviousKeys, Intent: status.Intent, LastHandledRenewal: status.LastHandledRenewal,
	}
}

// distrust leaves of a status what leads to no key.
func distrust(status *v1alpha1.AccessKeyStatus) {
	*status = v1alpha1.AccessKeyStatus{ObservedGeneration: status.ObservedGeneration, Failures: status.Failures, Conditions: status.Conditions}
}
