// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package keyservice is what the operator knows of a key service: the keys of its users, what it can do, and how its
// errors are told apart. Each backend lives in a package of its own below this one.
package keyservice

import (
	"context"
	"time"
)

// Service manages the access keys of the users of one key service. Safe for concurrent use. Errors are or wrap *Error.
type Service interface {
	// Limits of this service, at its version.
	Limits() Limits
	// List returns every key of the user, foreign ones too. NotFound when the service knows no such user, unless its Create
	// would make the user too.
	List(ctx context.Context, user string) ([]Key, error)
	// Create makes one key and sends the request once. Kind Ambiguous means that the key may exist all the same.
	Create(ctx context.Context, user string, req CreateRequest) (Credential, error)
	// Delete revokes a key; an absent key is not an error. It may be repeated, and does not need the user to exist.
	Delete(ctx context.Context, user, keyID string) error
}

// AllLister lists the whole service in a few pages, so that a resync costs no call per key.
type AllLister interface {
	// ListAll returns every key of every user, by the key's owner in the service's own stable notation.
	ListAll(ctx context.Context) (map[string][]Key, error)
}

// Prober finds out whether the service answers and accepts the credentials.
type Prober interface {
	// Probe returns the service's name and version, such as "Qumulo Core 7.9.2.1".
	Probe(ctx context.Context) (version string, err error)
}

// Connector is a service whose version decides what it can do.
type Connector interface {
	// Connect asks for the version. Limits are those of the least version until it has succeeded; the methods that need
	// more connect by themselves. It may be repeated, and then notices an upgrade.
	Connect(ctx context.Context) error
}

// Regenerator gives a key a new pair in place: the old pair stops working. A lost answer is settled by renewing again.
type Regenerator interface {
	// Regenerate sends the request once. Kind Ambiguous means that the old pair may be gone. ttl as in CreateRequest.
	Regenerate(ctx context.Context, user, keyID string, ttl time.Duration) (Credential, error)
}

// Disabler can stop a key from working without deleting it.
type Disabler interface {
	// Disable may be repeated; an absent key is not an error.
	Disable(ctx context.Context, user, keyID string) error
}

// LastUsedReporter is a service that knows when a key was last used but does not tell in List: it costs a call per key.
type LastUsedReporter interface {
	// LastUsed is zero for a key that was never used. An error means that nothing is known, so that the key may be in use;
	// an absent key or user is one of kind NotFound.
	LastUsed(ctx context.Context, user, keyID string) (time.Time, error)
}

// UserResolver is a service where one user can be written in several ways.
type UserResolver interface {
	// ResolveUser returns the canonical ID of a user in a form that every method takes as a user ("auth_id:501"). It is
	// stable: it does not change when the user is renamed. NotFound when the service knows no such user.
	ResolveUser(ctx context.Context, user string) (id string, err error)
}

// Identifier is a service that says which one it is, so that one service under two addresses is recognised.
type Identifier interface {
	// Identity returns what names the service whatever its address ("qumulo/<cluster ID>"). Two services with the same
	// identity have the same users and keys.
	Identity(ctx context.Context) (string, error)
}

// HandleChooser is a service where the caller chooses the handle of a new key, so that one whose creation was not
// answered can be found again.
type HandleChooser interface {
	// ChooseID returns what the next key's ID will be. owner and revision identify the attempt, keys are the user's.
	ChooseID(user string, owner Owner, revision int64, keys []Key) string
}

// Owner is the AccessKey that a key is made for, for services that can carry a mark.
type Owner struct {
	// UID of the AccessKey.
	UID string
	// Namespace and Name of the AccessKey, for people.
	Namespace, Name string
}

// State of a key at the service.
type State string

// The states of a key.
const (
	// Active: the key works.
	Active State = "Active"
	// Pending: the key was made and does not work yet.
	Pending State = "Pending"
	// Disabled: the key is kept and does not work.
	Disabled State = "Disabled"
	// Deleting: the deletion was accepted and is not finished.
	Deleting State = "Deleting"
	// Failed: the service could not make the key; it can only be deleted.
	Failed State = "Failed"
)

// Key is one access key as the service lists it, without its secret.
type Key struct {
	// ID is the service's handle of the key: what Delete takes.
	ID string
	// AccessKeyID is the public half of the pair. The same as ID where the service knows no other handle.
	AccessKeyID string
	// CreatedAt by the service's clock; zero where it does not say.
	CreatedAt time.Time
	// ExpiresAt is the service's own end of the key; zero without one.
	ExpiresAt time.Time
	// LastUsedAt as far as the service knows; zero where it does not, or never.
	LastUsedAt time.Time
	// State at the service; empty counts as Active.
	State State
	// OwnerUID is the UID of the AccessKey that the key's mark names; empty without a mark of the operator.
	OwnerUID string
}

// SamePair reports that the other is not just the same place: where an ID is one (ONTAP), the access key ID tells which
// pair is in it. A pair whose access key ID is not known counts as the same.
func (k Key) SamePair(other Key) bool {
	return k.ID == other.ID && (k.AccessKeyID == other.AccessKeyID || k.AccessKeyID == "" || other.AccessKeyID == "")
}

// Credential is a key with its secret: what a create answers, once.
type Credential struct {
	Key
	SecretAccessKey Secret
}

// CreateRequest says what the new key should carry, where the service can carry it.
type CreateRequest struct {
	// ID is what ChooseID returned; empty for services that choose for themselves.
	ID string
	// Owner goes into the key's mark.
	Owner Owner
	// TTL is the life of the pair for services with an expiry of their own; 0 means that it does not end.
	TTL time.Duration
}

// Limits are the numbers that a service holds its users to.
type Limits struct {
	// KeysPerUser is how many keys one user can have, inactive ones included.
	KeysPerUser int
	// MaxTTL is the longest native expiry; 0 where there is none.
	MaxTTL time.Duration
	// DeletesLater: Delete is accepted at once and done later; until then the key is listed as Deleting.
	DeletesLater bool
	// ActivatesLater: a new key does not work at once; until it does it is Pending.
	ActivatesLater bool
	// ReusesIDs: an ID is a place, which the next key can take, so that a deletion that lands late takes that one.
	ReusesIDs bool
	// ListLag is how long a new key can be missing from List and ListAll.
	ListLag time.Duration
}

// Capabilities are a Service's limits and optional abilities as plain data, for the planner and for status.
type Capabilities struct {
	KeysPerUser  int
	MaxTTL       time.Duration
	DeletesLater bool
	// ActivatesLater: a new pair has to wait before it is published.
	ActivatesLater bool
	// ReusesIDs: an ID can come again.
	ReusesIDs bool
	// ListLag is how long a new key can be missing from what the service lists.
	ListLag time.Duration
	// Overlap: an old and a new key can work side by side.
	Overlap bool
	// Regenerates: the service implements Regenerator.
	Regenerates bool
	// Disables: the service implements Disabler.
	Disables bool
	// ListsAll: the service implements AllLister.
	ListsAll bool
}

// CapabilitiesOf asks s once what it can do.
func CapabilitiesOf(s Service) Capabilities {
	limits := s.Limits()
	_, renews := s.(Regenerator)
	_, disables := s.(Disabler)
	_, listsAll := s.(AllLister)
	return Capabilities{
		KeysPerUser:    limits.KeysPerUser,
		MaxTTL:         limits.MaxTTL,
		DeletesLater:   limits.DeletesLater,
		ActivatesLater: limits.ActivatesLater,
		ReusesIDs:      limits.ReusesIDs,
		ListLag:        limits.ListLag,
		Overlap:        limits.KeysPerUser > 1,
		Regenerates:    renews,
		Disables:       disables,
		ListsAll:       listsAll,
	}
}
