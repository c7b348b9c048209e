// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"hash/fnv"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

const (
	// defaultOverlap is renewBefore without a ttl.
	defaultOverlap = 24 * time.Hour
	// defaultShare is renewBefore as a share of ttl: 1/3.
	defaultShare = 3
	// jitterShare bounds the jitter: 1/10 of the time between issue and renewal.
	jitterShare = 10
)

// Record is what the operator writes on a Secret about the pair in it: enough to find the status again when it is lost.
// It is part of the Secret's own write, so it can't disagree with the pair.
type Record struct {
	KeyID        string                 `json:"keyID"`
	AccessKeyID  string                 `json:"accessKeyID"`
	Revision     int64                  `json:"revision"`
	IssuedAt     metav1.Time            `json:"issuedAt"`
	Renewal      string                 `json:"renewal,omitempty"`
	PreviousKeys []v1alpha1.PreviousKey `json:"previousKeys,omitempty"`
	// Digest of the pair: see the controller's Secret code.
	Digest string `json:"digest"`
}

// Overlap is how long before the end of its ttl a pair is replaced, and so how long old and new both work.
func Overlap(spec *v1alpha1.AccessKeySpec) time.Duration {
	switch {
	case spec.RenewBefore != nil:
		return spec.RenewBefore.Duration
	case spec.TTL == nil:
		return defaultOverlap
	case spec.RenewBeforePercentage > 0:
		return spec.TTL.Duration / 100 * time.Duration(spec.RenewBeforePercentage)
	default:
		return spec.TTL.Duration / defaultShare
	}
}

// Schedule says when a pair issued then ends and when it is to be replaced; both zero without a ttl.
func Schedule(ak *v1alpha1.AccessKey, issuedAt time.Time) (expires, renewal time.Time) {
	if ak.Spec.TTL == nil {
		return time.Time{}, time.Time{}
	}
	overlap := Overlap(&ak.Spec)
	expires = issuedAt.Add(ak.Spec.TTL.Duration)
	return expires, expires.Add(-overlap).Add(-jitter(ak.UID, ak.Spec.TTL.Duration-overlap))
}

// jitter spreads the renewals of AccessKeys made at once. It depends on the UID only, so that no restart and no other
// pass comes to another time.
func jitter(uid types.UID, life time.Duration) time.Duration {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(uid)) // never fails
	fraction := float64(hash.Sum32()) / float64(1<<32)
	return time.Duration(fraction * float64(life) / jitterShare).Truncate(time.Second)
}

// NextSecretName is the Secret in which a pair waits until it works.
func NextSecretName(ak *v1alpha1.AccessKey) string { return NextOf(ak.SecretName()) }

// NextOf is the name of the Secret beside the one of this name.
func NextOf(secretName string) string { return secretName + "-next" }

// NextRevision is the number of the pair that an operation begun now is to produce.
func NextRevision(in Input) int64 {
	return max(in.AccessKey.Status.Revision, in.Secret.Record.Revision) + 1
}

// NextRecord describes a pair that was just made for the intent: the current key joins the previous ones, unless it was
// renewed in place, or is gone from the service.
func NextRecord(in Input, intent *v1alpha1.Intent, key keyservice.Key) Record {
	status := &in.AccessKey.Status
	record := Record{
		KeyID:       key.ID,
		AccessKeyID: key.AccessKeyID,
		Revision:    intent.Revision,
		IssuedAt:    intent.StartedAt,
		Renewal:     intent.Renewal,
		// A handle that the operator chooses can come again.
		PreviousKeys: slices.DeleteFunc(slices.Clone(status.PreviousKeys), func(p v1alpha1.PreviousKey) bool { return p.KeyID == key.ID }),
	}
	if status.KeyID != "" && status.KeyID != key.ID && in.listed(status.KeyID) && !in.usurped(status.KeyID) {
		expires, _ := Schedule(in.AccessKey, status.IssuedAt.Time)
		record.PreviousKeys = append(record.PreviousKeys, v1alpha1.PreviousKey{
			KeyID:       status.KeyID,
			AccessKeyID: status.AccessKeyID,
			IssuedAt:    status.IssuedAt,
			RevokeAt:    metav1.NewTime(earliest(in.Now.Add(Overlap(&in.AccessKey.Spec)), expires).Truncate(time.Second)),
		})
	}
	return record
}

// Apply writes the record into the status of ak and clears the intent that it answers. Previous keys that only the
// status knows stay: the record can be one that a person restored.
func (r Record) Apply(ak *v1alpha1.AccessKey) {
	status := &ak.Status
	status.KeyID, status.AccessKeyID = r.KeyID, r.AccessKeyID
	status.Revision, status.IssuedAt = r.Revision, r.IssuedAt
	known := slices.DeleteFunc(slices.Clone(status.PreviousKeys), func(p v1alpha1.PreviousKey) bool {
		return p.KeyID == r.KeyID || slices.ContainsFunc(r.PreviousKeys, func(q v1alpha1.PreviousKey) bool { return q.KeyID == p.KeyID })
	})
	status.PreviousKeys = append(slices.Clone(r.PreviousKeys), known...)
	status.SecretName = ak.SecretName()
	if r.Renewal != "" {
		status.LastHandledRenewal = r.Renewal
	}
	status.Intent = nil
}

// Drop removes a key from the record of status: revoked, or gone.
func Drop(status *v1alpha1.AccessKeyStatus, keyID string) {
	status.PreviousKeys = slices.DeleteFunc(status.PreviousKeys, func(p v1alpha1.PreviousKey) bool { return p.KeyID == keyID })
	if status.KeyID == keyID {
		status.KeyID, status.AccessKeyID, status.IssuedAt = "", "", metav1.Time{}
	}
}

// MarkDisabled notes that a previous key was disabled.
func MarkDisabled(status *v1alpha1.AccessKeyStatus, keyID string) {
	for i := range status.PreviousKeys {
		if status.PreviousKeys[i].KeyID == keyID {
			status.PreviousKeys[i].State = v1alpha1.KeyDisabled
		}
	}
}
