// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plan decides what to do next with one AccessKey, and what to report about it. It is pure: it does no I/O and has no
// clock and no context. The controller reads the input, calls Next, carries out the action, and calls Ready.
package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// Input is everything that a decision depends on.
type Input struct {
	Now time.Time
	// Started is when this process began to work on AccessKeys.
	Started time.Time
	// AccessKey with its spec and status; never nil, never changed.
	AccessKey *v1alpha1.AccessKey
	// Live reports whether the AccessKey, its Secrets and Keys were just read live, or are certain for another reason: the write of an
	// intent fails if the AccessKey has changed. Otherwise Keys are the recorded keys that the last shared listing does not contradict.
	Live bool
	Keys []Key
	// Secret is the Secret with the wanted name.
	Secret Secret
	// Next is the Secret in which a pair waits until it works. It is usually absent.
	Next Secret
	// TemplateProblem is why the Secret cannot be rendered, and with what; empty if it can, or if it holds what was rendered.
	TemplateProblem string
	// Import is what the Secret holds that spec.importFrom names; only known in a live input, while the status records nothing.
	Import Import
	// Former is the Secret with a former name that holds the current pair; only known in a live input, after spec.secretName
	// changed.
	Former Secret
	// UserID is the service's canonical ID of the user; it is only needed in a live input.
	UserID  string
	Service Service
	// UserGone reports whether the service answered the shared listing that it knows no such user. A live input shows the keys of the
	// user that has the name now.
	UserGone bool
	// Uses is what this process knows of the use of the previous keys, by key ID.
	Uses map[string]Use
	// Granted reports whether the namespace may have keys of this user.
	Granted bool
	// MaxTTL is the longest ttl that is granted to the namespace for this user; zero if every ttl is.
	MaxTTL time.Duration
	// UserForbidden reports whether allowedUsers of the KeyService does not cover the user.
	UserForbidden bool
	// UserBusy reports whether another AccessKey of the same user has an open operation.
	UserBusy bool
	// UserBusyUntil is until when a request of such an operation can be carried out; zero if there is none.
	UserBusyUntil time.Time
	// UserBusyWith names that AccessKey ("team-a/backup"), and UserBusySince is when it started the operation.
	UserBusyWith  string
	UserBusySince time.Time
	// Probe is what the data plane last said to this process about the pair that waits, or else about the one in the Secret.
	Probe Probe
	// Held reports whether this process still has the pair of the open intent, because it could not write the Secret yet.
	Held bool
}

// Key is a key of the user at the service.
type Key struct {
	keyservice.Key
	// Claimed reports whether another AccessKey records the key.
	Claimed bool
}

// Service is what a decision needs to know about the KeyService.
type Service struct {
	// Identity names the service whatever its address; empty while it is not connected.
	Identity string
	// Namespaced reports whether it is a KeyService, not a ClusterKeyService.
	Namespaced bool
	// KeysPerUser is the quota; 0 means that there is none.
	KeysPerUser int
	// Overlap reports whether an old and a new key can work side by side.
	Overlap bool
	// Regenerates reports whether the service can generate a new pair in the same key.
	Regenerates bool
	// Quarantines reports whether the service can disable a key and enable it again.
	Quarantines bool
	// TellsLastUse reports whether the service tells when a key was last used.
	TellsLastUse bool
	// EndsPairs reports whether the service itself ends a pair at the end of its ttl.
	EndsPairs bool
	// ListLag is how long a new key can be missing from Keys.
	ListLag time.Duration
	// ActivatesLater reports whether a new pair has to wait in the next Secret until it works.
	ActivatesLater bool
	// DeletesUsers reports whether revoking a key that is gone can delete the user that the operator made for it.
	DeletesUsers bool
	// OperationTime is how long after its start a request of an operation can be carried out; zero for the usual time.
	OperationTime time.Duration
	// ReusesIDs reports whether the ID of a deleted key can become the ID of a new key.
	ReusesIDs bool
	// KeepsAccessKeyID reports whether the access key ID can stay the same when a key is regenerated.
	KeepsAccessKeyID bool
	// ClockKnown reports whether the service has sent its time. Its clock is ClockOffset ahead of the operator's.
	ClockKnown  bool
	ClockOffset time.Duration
	// Missing says that the KeyService, or a Secret or ConfigMap of it, does not exist; empty if all of them do.
	Missing string
	// InUse reports whether the KeyService and its Secrets carry the in-use finalizer, so that they outlive the keys.
	InUse bool
	// InUseProblem is why the API server does not accept the finalizer, in its words; empty if that is not the cause.
	InUseProblem string
	// IdentityChanged says that the KeyService leads to another service than the one that has the recorded keys, and what to do;
	// empty if it does not. Nothing that is listed or missing there says anything about the recorded keys.
	IdentityChanged string
	// Deleting reports whether the KeyService is being deleted.
	Deleting bool
	// ReadySince is when the KeyService became Ready, or was last connected with another spec or other credentials; zero if it is not Ready.
	ReadySince time.Time
	// DataPlane is the endpoint where pairs are verified; empty if there is none.
	DataPlane string
	// Refusal is why the service refuses the operator's credentials; empty if it accepts them or if that is unknown.
	Refusal string
}

// SecretState says what is known about a Secret.
type SecretState string

// The states of a Secret.
const (
	// SecretAbsent: there is no such Secret.
	SecretAbsent SecretState = "Absent"
	// SecretForeign: the Secret belongs to somebody else, or is being deleted.
	SecretForeign SecretState = "Foreign"
	// SecretUnverified: only the metadata is known, and it does not tell what the Secret holds.
	SecretUnverified SecretState = "Unverified"
	// SecretEdited: the Secret does not hold what was published.
	SecretEdited SecretState = "Edited"
	// SecretIntact: the Secret holds the pair that Record describes.
	SecretIntact SecretState = "Intact"
)

// Secret is what the planner knows about a Secret. It contains no secret material.
type Secret struct {
	State SecretState
	// Owner is another object that controls a foreign Secret, such as "AccessKey restore"; empty if none does.
	Owner string
	// Record of the pair in the Secret. In an edited Secret it is what the Secret claims.
	Record Record
	// Adoptable reports whether no AccessKey that exists controls the Secret, and it carries a record. While the Secret is
	// unverified, it reports that this AccessKey does not control it.
	Adoptable bool
	// UpToDate reports whether type, labels, annotations and the data beside the pair are as wanted, as far as the API server's
	// policies let them.
	UpToDate bool
	// Rendered reports whether the Secret was last written from the template as it is now, so that what is not up to date was
	// changed by somebody else.
	Rendered bool
	// Copy reports whether the operator wrote the current pair into the Secret, and the status still records another name.
	Copy bool
	// Writer last wrote what the operator publishes in the Secret; only known in a live input.
	Writer Writer
}

// Writer is a field manager of a Secret beside the operator; zero if there is none.
type Writer struct {
	Manager string
	// Applies reports whether it declares its fields by server-side apply, and so will write them again.
	Applies bool
}

// Verb says what to do.
type Verb string

// The verbs. Those that do something irreversible are only chosen on a live input.
const (
	// Wait until Until, or for an event.
	Wait Verb = "Wait"
	// Stall until a person acts.
	Stall Verb = "Stall"
	// ReadLive reads everything live and decides again, because the next step is irreversible.
	ReadLive Verb = "ReadLive"
	// AskLastUse asks the service when the previous keys of AskFor were last used, and decides again.
	AskLastUse Verb = "AskLastUse"
	// AddFinalizer adds the finalizer to the AccessKey.
	AddFinalizer Verb = "AddFinalizer"
	// Create creates a key, publishes it and records it.
	Create Verb = "Create"
	// Regenerate generates a new pair in a key, publishes it and records it.
	Regenerate Verb = "Regenerate"
	// Verify asks the data plane about a pair; then the input is decided again.
	Verify Verb = "Verify"
	// Promote publishes the pair that waits in the next Secret, and records it.
	Promote Verb = "Promote"
	// PublishHeld publishes the pair of the open intent that this process still has.
	PublishHeld Verb = "PublishHeld"
	// RecordPublished records the pair in the Secret that the open intent produced.
	RecordPublished Verb = "RecordPublished"
	// Adopt takes over the Secret and records the keys in its record.
	Adopt Verb = "Adopt"
	// VerifyImport asks the data plane about the pair that spec.importFrom names; then the input is decided again.
	VerifyImport Verb = "VerifyImport"
	// ImportPair publishes the pair that spec.importFrom names, and records it.
	ImportPair Verb = "ImportPair"
	// ClearIntent clears the open intent, which created nothing.
	ClearIntent Verb = "ClearIntent"
	// MarkAmbiguous writes the candidates into the intent, so that a person can decide.
	MarkAmbiguous Verb = "MarkAmbiguous"
	// DeleteOrphan deletes a key that the operator created and whose secret is lost.
	DeleteOrphan Verb = "DeleteOrphan"
	// Revoke revokes a recorded key.
	Revoke Verb = "Revoke"
	// Disable disables a previous key, which stays in quarantine.
	Disable Verb = "Disable"
	// Enable enables a previous key in quarantine for one more overlap.
	Enable Verb = "Enable"
	// Forget removes a key from the status that the service no longer has.
	Forget Verb = "Forget"
	// UpdateSecret updates the Secret around the same pair.
	UpdateSecret Verb = "UpdateSecret"
	// Move writes the current pair to the Secret with the wanted name, and deletes the one with the former name.
	Move Verb = "Move"
	// DropNext deletes the next Secret.
	DropNext Verb = "DropNext"
	// Retain keeps the Secret and the keys, and removes the finalizer from the AccessKey.
	Retain Verb = "Retain"
	// RemoveFinalizer removes the finalizer from the AccessKey.
	RemoveFinalizer Verb = "RemoveFinalizer"
)

// Action is the answer of Next. It is comparable.
type Action struct {
	Verb Verb
	// Reason is a reason of Reconciling or Stalled.
	Reason string
	// KeyID of Regenerate, VerifyImport, ImportPair, Revoke, Disable, Enable, Forget, DeleteOrphan, Promote and Verify.
	KeyID string
	// Detail for the condition's message; of DeleteOrphan, why the service could not create the key, empty if it could.
	Detail string
	// Until is when to decide again at the latest, for Wait and Stall; zero if nothing is due.
	Until time.Time
}
