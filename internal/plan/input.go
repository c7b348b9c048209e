// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plan decides what to do next with one AccessKey. It is pure: no I/O, no clock, no context. The controller
// observes, asks Next, and carries the answer out.
package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// Input is all that a decision depends on.
type Input struct {
	Now time.Time
	// Begun is when the open intent was begun, by the clock of Now as it is set today; zero: as recorded.
	Begun time.Time
	// Issued is when the recorded keys were issued, by ID, by the clock of Now as it is set today; without it as recorded.
	Issued map[string]time.Time
	// AccessKey with its spec and status; never nil, never changed.
	AccessKey *v1alpha1.AccessKey
	// Live: the AccessKey, the Secret and Keys were read just now, past every cache. Without it Keys are the recorded
	// keys that the last resync does not deny.
	Live bool
	Keys []Key
	// Secret is what the Secret of the wanted name holds.
	Secret Secret
	// Next is what the Secret holds in which a pair waits until it works; Absent mostly.
	Next Secret
	// FormerSecrets are Secrets of this AccessKey under names that it no longer wants.
	FormerSecrets []FormerSecret
	Service       Service
	// Granted: the namespace may have keys of this user.
	Granted bool
	// Proof tells whether the operator wrote the status; what somebody else wrote is no longer in it.
	Proof Proof
	// UserBusy: another AccessKey of the same user has an operation open.
	UserBusy bool
	// UserBusyUntil is until when a request of such an operation may be under way; zero if none is.
	UserBusyUntil time.Time
}

// Proof tells who wrote a record.
type Proof string

// The answers to that.
const (
	// Proven: the operator, or there is nothing to prove.
	Proven Proof = ""
	// Forged: somebody else.
	Forged Proof = "Forged"
	// SignedByAnother: an operator, with another key than this one's, or somebody who claims to be one.
	SignedByAnother Proof = "SignedByAnother"
)

// Key is a key of the user at the service.
type Key struct {
	keyservice.Key
	// Claimed: another AccessKey records or publishes it.
	Claimed bool
	// ContestedUntil: until then another AccessKey may still be about to publish it; zero if none is.
	ContestedUntil time.Time
}

// Service is what matters of the KeyService.
type Service struct {
	// KeysPerUser is the quota; 0 for none.
	KeysPerUser int
	// Overlap: an old and a new key can work side by side.
	Overlap bool
	// Regenerates: a key can be given a new pair in place.
	Regenerates bool
	// ActivatesLater: a new pair waits in the next Secret until it works.
	ActivatesLater bool
	// ReusesIDs: an ID is a place that the next key can take.
	ReusesIDs bool
	// ClockKnown: its clock is ClockBehind behind the operator's.
	ClockKnown  bool
	ClockBehind time.Duration
	// Held: it and its Secrets carry the in-use finalizer, so that they outlive the keys.
	Held bool
	// Deleting: it makes no more keys.
	Deleting bool
	// ReadySince is when it last became Ready; zero if it is not.
	ReadySince time.Time
	// Refusal is why it does not accept the operator's credentials; empty if it does, or if that is not known.
	Refusal string
}

// SecretState tells what is under the wanted name.
type SecretState string

// The states of a Secret.
const (
	// SecretAbsent: there is none.
	SecretAbsent SecretState = "Absent"
	// SecretForeign: this AccessKey does not control it, or it is on its way out.
	SecretForeign SecretState = "Foreign"
	// SecretEdited: it is ours, but does not hold what was published.
	SecretEdited SecretState = "Edited"
	// SecretIntact: it holds the pair that Record describes.
	SecretIntact SecretState = "Intact"
)

// Secret is what a Secret holds, without the material.
type Secret struct {
	State SecretState
	// Record of what was published last; zero unless Intact.
	Record Record
	// UpToDate: type, labels, annotations and everything in the data beside the pair are as wanted.
	UpToDate bool
}

// FormerSecret is a Secret under a former name and the pair in it.
type FormerSecret struct {
	Name               string
	KeyID, AccessKeyID string
}

// Verb is what to do.
type Verb string

// The verbs. Those that end in something irreversible come from a live input only.
const (
	// Wait for Until, or for an event.
	Wait Verb = "Wait"
	// Block: a person is needed.
	Block Verb = "Block"
	// Look: read everything live and ask again, because what follows can't be undone.
	Look Verb = "Look"
	// Protect: put the finalizer on the AccessKey.
	Protect Verb = "Protect"
	// Create a key, publish it, record it.
	Create Verb = "Create"
	// Regenerate gives a key of ours a new pair in place, publishes and records it.
	Regenerate Verb = "Regenerate"
	// Publish the pair that waits in the next Secret, and record it.
	Publish Verb = "Publish"
	// Adopt: record in status what the Secret's record says.
	Adopt Verb = "Adopt"
	// ClearIntent: the open intent made nothing.
	ClearIntent Verb = "ClearIntent"
	// MarkAmbiguous: note the candidates in the intent, since a person has to decide.
	MarkAmbiguous Verb = "MarkAmbiguous"
	// DeleteOrphan: delete the key that the open intent made, and whose secret is lost.
	DeleteOrphan Verb = "DeleteOrphan"
	// Revoke a recorded key.
	Revoke Verb = "Revoke"
	// Forget a recorded key that is gone from the service.
	Forget Verb = "Forget"
	// UpdateSecret brings the Secret up to date around the same pair.
	UpdateSecret Verb = "UpdateSecret"
	// DropSecret deletes a Secret under a former name.
	DropSecret Verb = "DropSecret"
	// Release: take the finalizer off the AccessKey.
	Release Verb = "Release"
)

// Action is the answer. It is comparable.
type Action struct {
	Verb Verb
	// Reason is a reason of Reconciling or Stalled.
	Reason string
	// KeyID of Regenerate, Revoke, Forget and DeleteOrphan.
	KeyID string
	// Name of DropSecret.
	Name string
	// Detail for the person who reads the condition.
	Detail string
	// Until is when to ask again at the latest, for Wait and Block; zero if nothing is due.
	Until time.Time
}
