// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package keyservice defines what a key service is to the operator: the keys of its users, what the service can do, and the
// kinds of its errors. Each backend has a package of its own below this one.
package keyservice

import (
	"context"
	"time"
)

// Service manages the access keys of the users of one key service. Safe for concurrent use. Errors are or wrap *Error.
type Service interface {
	// Limits returns the limits of this service, at its version.
	Limits() Limits
	// List returns every key of the user, including foreign keys. The error is NotFound if the service knows no such user,
	// unless Create would make the user.
	List(ctx context.Context, user string) ([]Key, error)
	// Create makes one key and sends the request once. Kind Ambiguous means that the key may exist nevertheless.
	Create(ctx context.Context, user string, req CreateRequest) (Credential, error)
	// Delete revokes a key. It may be repeated, and an absent key is not an error. The user need not exist if it is given by
	// the ID that ResolveUser returns. A name that does not resolve is an error, because the user may have been renamed.
	Delete(ctx context.Context, user, keyID string) error
}

// AllLister lists the whole service in a few pages, so that a resync costs no call per key.
type AllLister interface {
	// ListAll returns every key of every user, by the owner in the service's own stable notation.
	ListAll(ctx context.Context) (map[string][]Key, error)
}

// Prober finds out whether the service answers and accepts the credentials.
type Prober interface {
	// Probe returns the service's name and version, such as "Qumulo Core 7.9.2.1".
	Probe(ctx context.Context) (version string, err error)
}

// Connector is a service whose version decides what it can do.
type Connector interface {
	// Connect reads the version. Until it succeeds, Limits returns those of the lowest version. Methods that need the version
	// connect by themselves. Connect may be repeated, and then notices an upgrade.
	Connect(ctx context.Context) error
}

// Regenerator gives a key a new pair in place, and the old pair stops working. If the answer is lost, regenerating again
// settles it.
type Regenerator interface {
	// Regenerate sends the request once. Kind Ambiguous means that the old pair may be gone. ttl is as in CreateRequest.
	Regenerate(ctx context.Context, user, keyID string, ttl time.Duration) (Credential, error)
}

// Disabler can stop a key from working without deleting it.
type Disabler interface {
	// Disable may be repeated, and an absent key is not an error.
	Disable(ctx context.Context, user, keyID string) error
}

// Enabler can let a key work again that was disabled.
type Enabler interface {
	// Enable may be repeated. An absent key or user is an error of kind NotFound.
	Enable(ctx context.Context, user, keyID string) error
}

// LastUsedReporter is a service that knows when a key was last used, and needs a call per key to say so.
type LastUsedReporter interface {
	// LastUsed returns zero for a key that was never used. An error means that nothing is known, and that the key may be in
	// use. An absent key or user is an error of kind NotFound.
	LastUsed(ctx context.Context, user, keyID string) (time.Time, error)
}

// UserResolver is a service that accepts several spellings of one user.
type UserResolver interface {
	// ResolveUser returns the canonical ID of a user, in a form that every method accepts ("auth_id:501"). The ID does not
	// change when the user is renamed. The error is NotFound if the service knows no such user.
	ResolveUser(ctx context.Context, user string) (id string, err error)
}

// Identifier is a service that says which one it is, so that one service at two addresses is recognized.
type Identifier interface {
	// Identity returns the name of the service, which does not depend on its address ("qumulo/<cluster ID>"). Services with
	// the same identity have the same users and keys.
	Identity(ctx context.Context) (string, error)
}

// HandleChooser is a service whose caller chooses the ID of a new key, and so finds a key again whose creation was not
// answered.
type HandleChooser interface {
	// ChooseID returns the ID of the next key; empty if the service chooses it at its version. keys are the user's. owner and
	// revision identify the attempt: a Regenerator gets the same ID for the same attempt, any other service a new one each time.
	ChooseID(user string, owner Owner, revision int64, keys []Key) string
}

// Owner is the AccessKey that a key is made for. Services that can mark a key store it there.
type Owner struct {
	// UID of the AccessKey.
	UID string
	// Namespace and Name of the AccessKey, for human readers.
	Namespace, Name string
}

// State of a key at the service.
type State string

// The states of a key.
const (
	// Active: the key works.
	Active State = "Active"
	// Pending: the key exists and does not work yet.
	Pending State = "Pending"
	// Disabled: the key exists and was stopped from working.
	Disabled State = "Disabled"
	// Deleting: the deletion was accepted and is not finished.
	Deleting State = "Deleting"
	// Failed: the service could not make the key; it can only be deleted.
	Failed State = "Failed"
)

// Key is one access key as the service lists it, without its secret.
type Key struct {
	// ID is the service's handle of the key, which Delete accepts.
	ID string
	// AccessKeyID is the public half of the pair. It is the ID too, unless the service has another handle.
	AccessKeyID string
	// CreatedAt is by the service's clock; zero if the service does not say.
	CreatedAt time.Time
	// ExpiresAt is when the service ends the key by itself; zero if it does not.
	ExpiresAt time.Time
	// LastUsedAt is zero if the key was never used, or if List does not say.
	LastUsedAt time.Time
	// State at the service; empty counts as Active.
	State State
	// Message is what the service says about the state, as an excerpt without secrets; empty if it says nothing.
	Message string
	// OwnerUID is the UID of the AccessKey in the operator's mark; empty without a mark.
	OwnerUID string
}

// SamePair reports whether the other key has the same ID and the same pair. An ID can be a slot (ONTAP), and then the access
// key ID tells the pairs apart. An unknown access key ID counts as the same.
func (k Key) SamePair(other Key) bool {
	return k.ID == other.ID && (k.AccessKeyID == other.AccessKeyID || k.AccessKeyID == "" || other.AccessKeyID == "")
}

// Credential is a key with its secret, which a service shows once.
type Credential struct {
	Key
	SecretAccessKey Secret
	// MadeUser: Create made the user, too. A user that was deleted is then in none of its former groups and policies.
	MadeUser bool
}

// CreateRequest describes the new key. A service leaves out what it cannot store.
type CreateRequest struct {
	// ID is what ChooseID returned; empty for services that choose the ID themselves.
	ID string
	// Owner is stored in the key's mark.
	Owner Owner
	// TTL is the lifetime of the pair, for services with native expiry; 0 means that it does not end.
	TTL time.Duration
}

// Limits are the limits of a service and the delays that its users see.
type Limits struct {
	// KeysPerUser is how many keys one user can have, including inactive ones.
	KeysPerUser int
	// MaxTTL is the longest native expiry; 0 without native expiry.
	MaxTTL time.Duration
	// DeletesLater: Delete is accepted at once and carried out later. Until then the key is listed as Deleting.
	DeletesLater bool
	// ActivatesLater: a new key does not work at once. Until it does, it is Pending.
	ActivatesLater bool
	// ReusesIDs: an ID is a slot that the next key can take, so that a late deletion would delete the next key.
	ReusesIDs bool
	// KeepsAccessKeyID: the access key ID can stay the same when a key is regenerated, so that a list does not show whether it was.
	KeepsAccessKeyID bool
	// ListLag is how long a new key can be missing from List and ListAll.
	ListLag time.Duration
	// WorksOn is how long a key can go on working after Delete or Disable; 0 if it ends at once.
	WorksOn time.Duration
	// DeletesUsers: Delete also deletes the user that Create made, with its last key. It is called for a key that is gone, too.
	DeletesUsers bool
	// Marks: each key that Create makes carries the mark of its owner, so that a key without a mark was made by somebody else.
	Marks bool
}

// Capabilities are a Service's limits and optional abilities as plain data, for the planner and for status.
type Capabilities struct {
	KeysPerUser  int
	MaxTTL       time.Duration
	DeletesLater bool
	// ActivatesLater: a new pair must not be published at once.
	ActivatesLater bool
	// ReusesIDs: another key can get the ID of a deleted one.
	ReusesIDs bool
	// KeepsAccessKeyID: lists do not show whether a key was regenerated.
	KeepsAccessKeyID bool
	// ListLag is how long a new key can be missing from lists.
	ListLag time.Duration
	// WorksOn is how long a deleted or disabled key can go on working.
	WorksOn time.Duration
	// DeletesUsers: deleting a key that is gone can delete its user.
	DeletesUsers bool
	// Overlap: an old and a new key can work side by side.
	Overlap bool
	// Regenerates: the service implements Regenerator.
	Regenerates bool
	// Disables: the service implements Disabler.
	Disables bool
	// Enables: the service implements Enabler.
	Enables bool
	// TellsLastUse: the service implements LastUsedReporter.
	TellsLastUse bool
	// ListsAll: the service implements AllLister.
	ListsAll bool
}

// CapabilitiesOf returns what s can do.
func CapabilitiesOf(s Service) Capabilities {
	limits := s.Limits()
	_, regenerates := s.(Regenerator)
	_, disables := s.(Disabler)
	_, enables := s.(Enabler)
	_, tellsLastUse := s.(LastUsedReporter)
	_, listsAll := s.(AllLister)
	return Capabilities{
		KeysPerUser:      limits.KeysPerUser,
		MaxTTL:           limits.MaxTTL,
		DeletesLater:     limits.DeletesLater,
		ActivatesLater:   limits.ActivatesLater,
		ReusesIDs:        limits.ReusesIDs,
		KeepsAccessKeyID: limits.KeepsAccessKeyID,
		DeletesUsers:     limits.DeletesUsers,
		ListLag:          limits.ListLag,
		WorksOn:          limits.WorksOn,
		Overlap:          limits.KeysPerUser > 1,
		Regenerates:      regenerates,
		Disables:         disables,
		Enables:          enables,
		TellsLastUse:     tellsLastUse,
		ListsAll:         listsAll,
	}
}
