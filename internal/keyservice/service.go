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
	// List returns every key of the user, foreign ones too. NotFound when the service knows no such user.
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

// Key is one access key as the service lists it, without its secret.
type Key struct {
	// ID is the service's handle of the key: what Delete takes.
	ID string
	// AccessKeyID is the public half of the pair. The same as ID where the service knows no other handle.
	AccessKeyID string
	// CreatedAt by the service's clock; zero where it does not say.
	CreatedAt time.Time
}

// Credential is a key with its secret: what a create answers, once.
type Credential struct {
	Key
	SecretAccessKey Secret
}

// CreateRequest says what the new key should carry, where the service can carry it.
type CreateRequest struct {
	// TTL is the life of the pair for services with an expiry of their own; 0 means that it does not end.
	TTL time.Duration
}

// Limits are the numbers that a service holds its users to.
type Limits struct {
	// KeysPerUser is how many keys one user can have, inactive ones included.
	KeysPerUser int
}

// Capabilities are a Service's limits and optional abilities as plain data, for the planner and for status.
type Capabilities struct {
	KeysPerUser int
	// Overlap: an old and a new key can work side by side.
	Overlap bool
	// ListsAll: the service implements AllLister.
	ListsAll bool
}

// CapabilitiesOf asks s once what it can do.
func CapabilitiesOf(s Service) Capabilities {
	limits := s.Limits()
	_, listsAll := s.(AllLister)
	return Capabilities{KeysPerUser: limits.KeysPerUser, Overlap: limits.KeysPerUser > 1, ListsAll: listsAll}
}
