// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// ownership classifies a key at a service by whose it is.
type ownership string

const (
	// ownershipManaged: an AccessKey records the key.
	ownershipManaged ownership = "managed"
	// ownershipOrphaned: the operator made the key, and no AccessKey records it.
	ownershipOrphaned ownership = "orphaned"
	// ownershipForeign: the operator did not make the key.
	ownershipForeign ownership = "foreign"
	// ownershipUnknown: what was seen does not tell.
	ownershipUnknown ownership = "unknown"
)

// The roles of a managed key.
const (
	roleCurrent    = "current"
	rolePrevious   = "previous"
	roleQuarantine = "quarantine"
	roleNew        = "new"
)

// revokedJustNow is how long a service may list a key after the operator revoked it.
const revokedJustNow = 5 * time.Minute

// owner is whose a key is, and why.
type owner struct {
	ownership ownership
	// accessKey is the AccessKey that records the key, or for which it was made.
	accessKey types.NamespacedName
	// role of a managed key.
	role   string
	detail string
}

// evidence is everything that tells whose the keys of a service are.
type evidence struct {
	// accessKeys are those that may be of the service, as they were before and after the keys were listed.
	accessKeys []v1alpha1.AccessKey
	// records are those on the Secrets that were seen.
	records []secretRecord
	// everywhere: the AccessKeys of all namespaces were seen.
	everywhere bool
	// marks: each key of the operator carries its mark.
	marks bool
	now   time.Time
}

// secretRecord is the record on a Secret.
type secretRecord struct {
	secret types.NamespacedName
	plan.Record
}

// ownerRules tell whose a key is. The first rule that answers decides.
var ownerRules = []func(evidence, string, keyservice.Key) (owner, bool){
	recorded,      // the status of an AccessKey has the pair
	beingMade,     // an open operation makes the key, or may have made it
	beingDeleted,  // the service accepted its deletion
	replacedPair,  // the status has the ID, with another pair
	revokedBefore, // the status says that the pair was revoked
	onSecret,      // the record on a Secret has the pair
	marked,        // the key carries the operator's mark
	unmarked,      // nothing leads to the operator
}

// classify tells whose a key of a user is.
func (e evidence) classify(user string, key keyservice.Key) owner {
	for _, rule := range ownerRules {
		if found, ok := rule(e, user, key); ok {
			return found
		}
	}
	return owner{ownership: ownershipUnknown}
}

func recorded(e evidence, _ string, key keyservice.Key) (owner, bool) {
	for i := range e.accessKeys {
		ak := &e.accessKeys[i]
		current := keyservice.Key{ID: ak.Status.KeyID, AccessKeyID: ak.Status.AccessKeyID}
		if key.SamePair(current) {
			return managed(ak, roleCurrent, endOf(ak)), true
		}
		for _, previous := range ak.Status.PreviousKeys {
			if !key.SamePair(keyservice.Key{ID: previous.KeyID, AccessKeyID: previous.AccessKeyID}) {
				continue
			}
			if !previous.DeleteAt.IsZero() {
				return managed(ak, roleQuarantine, "deleted at "+stamp(previous.DeleteAt.Time)), true
			}
			return managed(ak, rolePrevious, "revoked at "+stamp(previous.RevokeAt.Time)), true
		}
	}
	return owner{}, false
}

func managed(ak *v1alpha1.AccessKey, role, detail string) owner {
	if !ak.DeletionTimestamp.IsZero() {
		detail = "the AccessKey is being deleted"
	}
	return owner{ownership: ownershipManaged, accessKey: nameOf(ak), role: role, detail: detail}
}

// endOf says when the current pair of an AccessKey is rotated; empty if that is not planned.
func endOf(ak *v1alpha1.AccessKey) string {
	if ak.Status.RenewalTime.IsZero() {
		return ""
	}
	return "rotated at " + stamp(ak.Status.RenewalTime.Time)
}

func beingMade(e evidence, user string, key keyservice.Key) (owner, bool) {
	for i := range e.accessKeys {
		ak, intent := &e.accessKeys[i], e.accessKeys[i].Status.Intent
		if intent == nil || intent.Operation == v1alpha1.OperationRevoke {
			continue
		}
		if intent.KeyID == key.ID {
			return managed(ak, roleNew, "being created"), true
		}
		unknownBefore := intent.KeyID == "" && sameUser(ak, user) && !slices.Contains(intent.KnownKeyIDs, key.ID)
		if unknownBefore || slices.Contains(intent.CandidateKeyIDs, key.ID) {
			return owner{ownership: ownershipUnknown, accessKey: nameOf(ak), detail: "an open operation of the AccessKey may have created it"}, true
		}
	}
	return owner{}, false
}

func beingDeleted(_ evidence, _ string, key keyservice.Key) (owner, bool) {
	return owner{ownership: ownershipUnknown, detail: "the service is deleting it"}, key.State == keyservice.Deleting
}

func replacedPair(e evidence, _ string, key keyservice.Key) (owner, bool) {
	for i := range e.accessKeys {
		if slices.Contains(e.accessKeys[i].RecordedKeyIDs(), key.ID) {
			return owner{ownership: ownershipForeign, accessKey: nameOf(&e.accessKeys[i]), detail: "its pair was replaced externally"}, true
		}
	}
	return owner{}, false
}

func revokedBefore(e evidence, _ string, key keyservice.Key) (owner, bool) {
	for i := range e.accessKeys {
		ak := &e.accessKeys[i]
		for _, gone := range ak.Status.History {
			if !key.SamePair(keyservice.Key{ID: gone.KeyID, AccessKeyID: gone.AccessKeyID}) {
				continue
			}
			found := owner{ownership: ownershipOrphaned, accessKey: nameOf(ak), detail: "the AccessKey recorded its revocation at " + stamp(gone.RevokedAt.Time) + ", but the service still has it"}
			if e.now.Before(gone.RevokedAt.Add(revokedJustNow)) {
				found.ownership, found.detail = ownershipUnknown, "revoked at "+stamp(gone.RevokedAt.Time)+"; the service may list it for a while"
			}
			return found, true
		}
	}
	return owner{}, false
}

func onSecret(e evidence, _ string, key keyservice.Key) (owner, bool) {
	for _, record := range e.records {
		has := key.SamePair(keyservice.Key{ID: record.KeyID, AccessKeyID: record.AccessKeyID}) ||
			slices.ContainsFunc(record.PreviousKeys, func(previous v1alpha1.PreviousKey) bool {
				return key.SamePair(keyservice.Key{ID: previous.KeyID, AccessKeyID: previous.AccessKeyID})
			})
		if has {
			return e.lost(types.NamespacedName{Namespace: record.Namespace, Name: record.Name}, fmt.Sprintf("recorded on Secret %s", record.secret)), true
		}
	}
	return owner{}, false
}

func marked(e evidence, _ string, key keyservice.Key) (owner, bool) {
	if key.OwnerUID == "" {
		return owner{}, false
	}
	i := slices.IndexFunc(e.accessKeys, func(ak v1alpha1.AccessKey) bool { return string(ak.UID) == key.OwnerUID })
	if i < 0 {
		return e.lost(types.NamespacedName{}, "carries the mark of an AccessKey with the UID "+key.OwnerUID), true
	}
	return e.lost(nameOf(&e.accessKeys[i]), "carries the mark of the AccessKey"), true
}

// lost returns the owner of a key that the operator made and no AccessKey that was seen records. It is only an orphan if no AccessKey that was not seen can record it.
func (e evidence) lost(accessKey types.NamespacedName, why string) owner {
	if !e.everywhere {
		return owner{ownershipUnknown, accessKey, "", why + "; an AccessKey of a namespace that was not seen may record it"}
	}
	return owner{ownershipOrphaned, accessKey, "", why + ", and no AccessKey of this cluster records it"}
}

func unmarked(e evidence, _ string, _ keyservice.Key) (owner, bool) {
	switch {
	case e.marks:
		return owner{ownership: ownershipForeign, detail: "carries no mark of the operator"}, true
	case !e.everywhere:
		return owner{ownership: ownershipUnknown, detail: "no AccessKey that was seen records it"}, true
	default:
		return owner{ownership: ownershipUnknown, detail: "no AccessKey records it, and this service cannot mark keys"}, true
	}
}

// sameUser reports whether an AccessKey is of a user, by the service's own notation or by its spec.
func sameUser(ak *v1alpha1.AccessKey, user string) bool {
	return user == cmp.Or(ak.Status.UserID, ak.Spec.User) || user == ak.Spec.User
}

func nameOf(ak *v1alpha1.AccessKey) types.NamespacedName {
	return types.NamespacedName{Namespace: ak.Namespace, Name: ak.Name}
}
