// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// adopt lets an AccessKey continue where a former one ended: after a restore, a move to another cluster, or a deletion with
// Retain. The record on the Secret leads to the keys. Anyone who may edit Secrets can write such a record, so it only counts
// for a KeyService of the same namespace, whose credentials are in the same Secrets, or for a key that carries the mark of
// this AccessKey, or for a pair that opens the data plane.
func adopt(in Input) (Action, bool) {
	switch {
	case !in.recordsNothing(), in.Secret.State == SecretAbsent, in.Secret.State == SecretForeign:
		return none()
	case !in.Live:
		return Action{Verb: ReadLive, Reason: v1alpha1.ReasonSettling}, true
	case in.Secret.Record.KeyID == "", !in.recordIsOurs(in.Secret.Record):
		return none()
	}
	record, adopted := in.Secret.Record, in.Adopted()
	switch {
	case in.unclaimed(record.KeyID, record.AccessKeyID) && !in.mayAdopt(record.KeyID) && !in.deleting():
		return in.notAdoptable(record), true
	case adopted.KeyID == "" && len(adopted.PreviousKeys) == 0:
		return none() // an old backup: the Secret is taken over with a new pair
	}
	if action, ok := finalizers(in, v1alpha1.ReasonSettling); ok && !in.deleting() {
		return action, true
	}
	return Action{Verb: Adopt, Reason: v1alpha1.ReasonSettling}, true
}

// notAdoptable stalls an AccessKey whose Secret holds a pair of an earlier AccessKey that it may not have. First it asks the data plane
// whether the Secret holds the pair of the key in its record.
func (in Input) notAdoptable(record Record) Action {
	if denied, ok := in.denial(); ok {
		return denied
	}
	var again time.Time
	if in.Service.DataPlane != "" && in.Secret.State == SecretIntact {
		again = in.probedAt(record.AccessKeyID).Add(adoptionProbe)
		if !in.Now.Before(again) {
			return Action{Verb: Verify, Reason: v1alpha1.ReasonSettling, KeyID: record.KeyID}
		}
	}
	return Action{
		Verb:   Stall,
		Reason: v1alpha1.ReasonAdoptionNotVerified,
		Detail: sentence(fmt.Sprintf("Secret %s holds access key %s of an earlier AccessKey, and it cannot be verified that this namespace may take it over from a ClusterKeyService; "+
			"delete the Secret to get a new pair, and revoke access key %s at the service if nobody uses it", in.AccessKey.SecretName(), ShortID(record.AccessKeyID), ShortID(record.AccessKeyID)),
			in.Probe.Message),
		Until: again,
	}
}

// Adopted returns the record on the Secret, reduced to the keys that this AccessKey may adopt. Keys that carry the mark of the
// former AccessKey are added. If the current key of the record may not be adopted, KeyID is empty.
func (in Input) Adopted() Record {
	record := in.Secret.Record.recordable(in.Now)
	adopted := record
	adopted.KeyID, adopted.AccessKeyID, adopted.PreviousKeys, adopted.Revision = "", "", nil, record.revision()
	adopted.IssueReason = v1alpha1.IssuedAdopted
	if in.unclaimed(record.KeyID, record.AccessKeyID) && in.mayAdopt(record.KeyID) {
		adopted.KeyID, adopted.AccessKeyID = record.KeyID, record.AccessKeyID
	}
	for _, previous := range record.PreviousKeys {
		if len(adopted.PreviousKeys) < maxPreviousKeys && in.unclaimed(previous.KeyID, previous.AccessKeyID) && in.mayAdopt(previous.KeyID) && !adopted.has(previous.KeyID) {
			adopted.PreviousKeys = append(adopted.PreviousKeys, previous)
		}
	}
	in.adoptMarked(&adopted)
	return adopted
}

// NotAdopted returns the access key IDs of the record whose keys the service has, and which this AccessKey may not adopt.
func (in Input) NotAdopted() (accessKeyIDs []string) {
	record := in.Secret.Record
	for _, previous := range append(record.PreviousKeys, v1alpha1.PreviousKey{KeyID: record.KeyID, AccessKeyID: record.AccessKeyID}) {
		if in.unclaimed(previous.KeyID, previous.AccessKeyID) && !in.mayAdopt(previous.KeyID) {
			accessKeyIDs = append(accessKeyIDs, previous.AccessKeyID)
		}
	}
	return accessKeyIDs
}

// has reports whether the record names a key.
func (r Record) has(keyID string) bool {
	return r.KeyID == keyID || slices.ContainsFunc(r.PreviousKeys, func(p v1alpha1.PreviousKey) bool { return p.KeyID == keyID })
}

// adoptMarked adds the keys that carry the mark of the former AccessKey.
func (in Input) adoptMarked(adopted *Record) {
	for _, key := range in.Keys {
		if adopted.has(key.ID) || key.Claimed || key.State == keyservice.Deleting || key.OwnerUID == "" || key.OwnerUID != string(adopted.UID) ||
			!in.mayAdopt(key.ID) {
			continue
		}
		if adopted.KeyID == "" { // its pair is lost, so it is rotated at once
			adopted.KeyID, adopted.AccessKeyID = key.ID, key.AccessKeyID
			continue
		}
		adopted.PreviousKeys = append(adopted.PreviousKeys, v1alpha1.PreviousKey{
			KeyID: key.ID, AccessKeyID: key.AccessKeyID, IssuedAt: adopted.IssuedAt,
			RevokeAt: seconds(in.Now.Add(Overlap(&in.AccessKey.Spec))),
		})
	}
}

// mayAdopt reports whether a record counts as evidence that a key is of a former AccessKey, and this AccessKey may have keys of
// the user.
func (in Input) mayAdopt(keyID string) bool {
	return (in.Service.Namespaced || in.proven(keyID)) && in.Permitted() || in.marked(keyID)
}

// proven reports whether the data plane accepted the pair in the Secret, and the service lists it under this ID. Anyone who has a pair that
// works needs no operator to use it.
func (in Input) proven(keyID string) bool {
	record, probe := in.Secret.Record, in.Probe
	key, ok := in.find(keyID)
	return ok && in.Secret.State == SecretIntact && keyID == record.KeyID && probe.Result == v1alpha1.VerificationAccepted &&
		probe.AccessKeyID != "" && probe.AccessKeyID == record.AccessKeyID && probe.AccessKeyID == key.AccessKeyID
}

// unclaimed reports whether the service has a pair that no other AccessKey records.
func (in Input) unclaimed(keyID, accessKeyID string) bool {
	key, ok := in.find(keyID)
	return ok && in.lists(keyID, accessKeyID) && !key.Claimed && key.State != keyservice.Deleting
}
