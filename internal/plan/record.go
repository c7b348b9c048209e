// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// Record is what the operator writes on a Secret about the pair in it. It is part of the same write as the pair, so the two
// never disagree. An AccessKey that lost its status finds its keys again by the record.
type Record struct {
	// UID, Namespace and Name of the AccessKey.
	UID       types.UID `json:"uid"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	// Service is the identity of the key service, User the canonical ID of the user there.
	Service      string                 `json:"service"`
	User         string                 `json:"user,omitempty"`
	KeyID        string                 `json:"keyID"`
	AccessKeyID  string                 `json:"accessKeyID"`
	Revision     int64                  `json:"revision"`
	IssuedAt     metav1.Time            `json:"issuedAt"`
	IssueReason  v1alpha1.IssueReason   `json:"issueReason,omitempty"`
	Renewal      string                 `json:"renewal,omitempty"`
	PreviousKeys []v1alpha1.PreviousKey `json:"previousKeys,omitempty"`
	// Digest of the Secret's data.
	Digest string `json:"digest"`
}

// Describes reports whether two records are about the same pair of the same AccessKey.
func (r Record) Describes(other Record) bool {
	return r.UID == other.UID && r.Namespace == other.Namespace && r.Name == other.Name && r.KeyID == other.KeyID && r.AccessKeyID == other.AccessKeyID && r.Revision == other.Revision &&
		r.IssuedAt.Equal(&other.IssuedAt) && r.Digest == other.Digest && r.Service == other.Service && r.User == other.User
}

// PreviousAccessKeyID returns the access key ID of the newest previous key; empty if there is none.
func (r Record) PreviousAccessKeyID() string {
	var newest v1alpha1.PreviousKey
	for _, previous := range r.PreviousKeys {
		if newest.AccessKeyID == "" || newest.IssuedAt.Before(&previous.IssuedAt) {
			newest = previous
		}
	}
	return newest.AccessKeyID
}

// RecordOf returns the record of the current pair as the status has it, without the digest. service is the identity of the
// key service.
func RecordOf(ak *v1alpha1.AccessKey, service string) Record {
	status := &ak.Status
	return Record{
		UID: ak.UID, Namespace: ak.Namespace, Name: ak.Name, Service: service, User: status.UserID,
		KeyID: status.KeyID, AccessKeyID: status.AccessKeyID, Revision: status.Revision, IssuedAt: status.IssuedAt, IssueReason: status.IssueReason,
		Renewal: status.LastHandledRenewal, PreviousKeys: status.PreviousKeys,
	}
}

// NextRevision returns the revision of the pair that an operation produces which is started now.
func NextRevision(in Input) int64 {
	if in.recordsNothing() { // the status may have been lost
		return in.Secret.Record.revision() + 1
	}
	return in.AccessKey.Status.Revision + 1
}

// revision returns the revision of a record that somebody may have changed.
func (r Record) revision() int64 {
	const most = 1 << 53 // what JSON carries exactly
	if r.Revision < 0 || r.Revision > most {
		return 0
	}
	return r.Revision
}

// recordable returns a record that somebody may have changed, or that another version wrote, as far as the status can record it. A pair
// that claims to be issued in the future would not be rotated.
func (r Record) recordable(now time.Time) Record {
	const maxName = 253 // of a Secret
	r.IssuedAt, r.Renewal = earlier(r.IssuedAt, now), asToken(r.Renewal)
	r.PreviousKeys = slices.Clone(r.PreviousKeys)
	for i := range r.PreviousKeys {
		previous := &r.PreviousKeys[i]
		previous.IssuedAt = earlier(previous.IssuedAt, now)
		if previous.RevokeAt.IsZero() {
			previous.RevokeAt = previous.IssuedAt
		}
		previous.IssueReason, previous.ReplaceReason = orNone(previous.IssueReason), orNone(previous.ReplaceReason)
		if previous.State != v1alpha1.KeyDisabled {
			previous.State = ""
		}
		if len(previous.SecretName) > maxName {
			previous.SecretName = ""
		}
	}
	return r
}

// orNone returns a reason that the API has, or none.
func orNone(reason v1alpha1.IssueReason) v1alpha1.IssueReason {
	switch reason {
	case v1alpha1.IssuedNew, v1alpha1.IssuedScheduled, v1alpha1.IssuedRequested, v1alpha1.IssuedCompromised, v1alpha1.IssuedRestored, v1alpha1.IssuedRenamed,
		v1alpha1.IssuedAdopted, v1alpha1.IssuedImported:
		return reason
	default:
		return ""
	}
}

// earlier returns a time that is not in the future, and not absent.
func earlier(recorded metav1.Time, now time.Time) metav1.Time {
	if recorded.IsZero() || recorded.After(now) {
		return seconds(now)
	}
	return recorded
}

// NextRecord describes a pair that was just created for the intent. The current key becomes a previous key, unless it was
// regenerated, or the service no longer has it and no Secret with a former name has to be deleted.
func NextRecord(in Input, intent *v1alpha1.Intent, key keyservice.Key) Record {
	ak, status := in.AccessKey, &in.AccessKey.Status
	record := Record{
		UID: ak.UID, Namespace: ak.Namespace, Name: ak.Name, Service: in.Service.Identity, User: in.UserID,
		KeyID: key.ID, AccessKeyID: key.AccessKeyID, Revision: intent.Revision, IssuedAt: intent.StartedAt, IssueReason: intent.Reason, Renewal: intent.Renewal,
		// An ID that the operator chooses can be used again.
		PreviousKeys: slices.DeleteFunc(slices.Clone(status.PreviousKeys), func(p v1alpha1.PreviousKey) bool { return p.KeyID == key.ID }),
	}
	exists := in.listed(status.KeyID) && !in.replacedExternally(status.KeyID)
	if status.KeyID != "" && status.KeyID != key.ID && (exists || status.SecretName != ak.SecretName()) {
		record.PreviousKeys = append(record.PreviousKeys, in.previous(intent))
	}
	return record
}

// Produced returns the key of the open intent whose pair is in a Secret. The record on the Secret only says which key it is:
// anyone who may edit Secrets can write the rest.
func (in Input) Produced(holds Secret) keyservice.Key {
	key, _ := in.find(holds.Record.KeyID)
	key.AccessKeyID = cmp.Or(key.AccessKeyID, holds.Record.AccessKeyID)
	return key.Key
}

// previous returns the current key as a previous key whose overlap begins now. A key that is rotated at its renewalTime works
// until it expires, as announced. One that is rotated earlier, on request or because its pair was lost, works for an overlap.
// A compromised one has no overlap.
func (in Input) previous(intent *v1alpha1.Intent) v1alpha1.PreviousKey {
	status := &in.AccessKey.Status
	revokeAt, renewal := in.Schedule()
	switch {
	case in.compromised(status.KeyID):
		revokeAt = in.Now
	case renewal.IsZero(), in.Now.Before(renewal):
		revokeAt = earliest(in.Now.Add(Overlap(&in.AccessKey.Spec)), revokeAt)
	}
	previous := v1alpha1.PreviousKey{
		KeyID:         status.KeyID,
		AccessKeyID:   status.AccessKeyID,
		IssuedAt:      status.IssuedAt,
		IssueReason:   status.IssueReason,
		ReplacedAt:    intent.StartedAt,
		ReplaceReason: intent.Reason,
		RevokeAt:      seconds(revokeAt),
	}
	if status.SecretName != in.AccessKey.SecretName() {
		previous.SecretName = status.SecretName
	}
	return previous
}

// Apply writes the record into the status of ak and clears the intent that it answers, unless an earlier request of the operation
// can still be carried out. Previous keys that only the status knows stay, because the record can be one that a person restored.
// Pairs that are recorded no more move to the history.
func (r Record) Apply(ak *v1alpha1.AccessKey) {
	status, before := &ak.Status, ak.Status.DeepCopy()
	status.KeyID, status.AccessKeyID, status.UserID = r.KeyID, r.AccessKeyID, r.User
	status.Revision, status.IssuedAt, status.IssueReason = r.Revision, r.IssuedAt, r.IssueReason
	status.ExpiresAt, status.RenewalTime = metav1.Time{}, metav1.Time{} // of the pair before
	if r.KeyID == "" {
		status.IssuedAt, status.IssueReason = metav1.Time{}, ""
	}
	known := slices.DeleteFunc(slices.Clone(status.PreviousKeys), func(p v1alpha1.PreviousKey) bool {
		return p.KeyID == r.KeyID || slices.ContainsFunc(r.PreviousKeys, func(q v1alpha1.PreviousKey) bool { return q.KeyID == p.KeyID })
	})
	status.PreviousKeys = append(slices.Clone(r.PreviousKeys), known...)
	status.SecretName = ak.SecretName()
	if r.Renewal != "" {
		status.LastHandledRenewal = r.Renewal
	}
	if intent := status.Intent; intent != nil {
		status.Verification, intent.Verification = intent.Verification, nil
	} else if before.AccessKeyID != r.AccessKeyID {
		status.Verification = nil
	}
	if status.Intent != nil && status.Intent.LateUntil.IsZero() {
		status.Intent = nil
	}
	rememberReplaced(ak, before)
}

// FormerSecret returns the Secret with a former name in which the pair of a key was published, and that of no other recorded
// key; empty if there is none.
func FormerSecret(ak *v1alpha1.AccessKey, keyID string) string {
	names := map[string]string{} // by key
	for i := range ak.Status.PreviousKeys {
		names[ak.Status.PreviousKeys[i].KeyID] = ak.Status.PreviousKeys[i].SecretName
	}
	if ak.Status.KeyID != "" {
		names[ak.Status.KeyID] = ak.Status.SecretName
	}
	name := names[keyID]
	delete(names, keyID)
	if name == ak.SecretName() || slices.Contains(slices.Collect(maps.Values(names)), name) {
		return ""
	}
	return name
}

// Secrets returns the names of all Secrets that hold pairs of the AccessKey.
func Secrets(ak *v1alpha1.AccessKey) []string {
	names := []string{ak.SecretName(), cmp.Or(ak.Status.SecretName, ak.SecretName())}
	for i := range ak.Status.PreviousKeys {
		names = append(names, cmp.Or(ak.Status.PreviousKeys[i].SecretName, ak.SecretName()))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// MarkDisabled records that a previous key was disabled.
func MarkDisabled(status *v1alpha1.AccessKeyStatus, keyID string) {
	for i := range status.PreviousKeys {
		if status.PreviousKeys[i].KeyID == keyID {
			status.PreviousKeys[i].State = v1alpha1.KeyDisabled
		}
	}
}
