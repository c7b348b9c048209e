// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fake is a key service in memory, for tests that need a keyservice.Service and no network. It keeps what it is
// given, as a service does, and passes the contract suite (test/contract) that the real backends pass.
//
// What a service can do beyond the four methods of keyservice.Service is chosen by embedding:
//
//	s := fake.New(fake.Options{KeysPerUser: 1})
//	service := struct {
//		*fake.Service
//		fake.Regenerator
//		fake.AllLister
//	}{s, s.Regenerator(), s.AllLister()}
package fake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
)

// Options are the settings of a service.
type Options struct {
	// Clock dates keys; nil: the real one.
	Clock clock.PassiveClock
	// KeysPerUser is how many keys a user can have; default 2.
	KeysPerUser int
	// MaxTTL is the longest native expiry; 0: keys do not end by themselves.
	MaxTTL time.Duration
	// Provisioning is how long a new key is Pending and does not work.
	Provisioning time.Duration
	// Destroying is how long a deleted key is listed as Deleting; 0: it is gone at once.
	Destroying time.Duration
	// MakesUsers lets Create make a user that is not there.
	MakesUsers bool
	// Identity of the service; default one that no other fake has.
	Identity string
	// ChoosesID lets the caller choose the ID of a key: to be set with HandleChooser.
	ChoosesID bool
}

// Service is the service, with what people do at it beside. Safe for concurrent use.
type Service struct {
	*simulator.Ledger

	options Options
	clock   interface{ Now() time.Time }

	mu     sync.Mutex
	users  map[string]bool
	keys   []*key // in the order of their making
	made   int
	faults map[Operation]Fault
	calls  map[Operation]int
}

var _ keyservice.Service = (*Service)(nil)

// key is an access key, from its making until it is gone.
type key struct {
	id, accessKeyID, user string
	secret                string
	owner                 string
	created, expires      time.Time
	ready, gone           time.Time // gone: when its deletion is done; zero without one
	used                  time.Time // zero if it was never used
	disabled              bool
}

// services counts the fakes, so that each has another identity.
var services atomic.Int64

// New returns a service without users.
func New(options Options) *Service {
	options.KeysPerUser = cmp.Or(options.KeysPerUser, 2)
	options.Identity = cmp.Or(options.Identity, fmt.Sprintf("fake/%d", services.Add(1)))
	core := simulator.NewCore(options.Clock)
	return &Service{
		Ledger:  core.Ledger,
		options: options,
		clock:   core,
		users:   map[string]bool{},
		faults:  map[Operation]Fault{},
		calls:   map[Operation]int{},
	}
}

// Limits implements keyservice.Service.
func (s *Service) Limits() keyservice.Limits {
	return keyservice.Limits{
		KeysPerUser: s.options.KeysPerUser, MaxTTL: s.options.MaxTTL, DeletesLater: s.options.Destroying > 0,
	}
}

// List implements keyservice.Service.
func (s *Service) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	user = canonical(user)
	var listed []keyservice.Key
	err := s.call(ctx, List, func() error {
		if !s.users[user] && !s.options.MakesUsers {
			return failed(keyservice.NotFound, List, "there is no user %s", user)
		}
		for _, k := range s.keys {
			if k.user == user {
				listed = append(listed, s.show(k))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return listed, nil
}

// Create implements keyservice.Service.
func (s *Service) Create(ctx context.Context, user string, req keyservice.CreateRequest) (keyservice.Credential, error) {
	user = canonical(user)
	var made keyservice.Credential
	err := s.call(ctx, Create, func() error {
		if req.TTL < 0 || (s.options.MaxTTL > 0 && req.TTL > s.options.MaxTTL) {
			return failed(keyservice.Invalid, Create, "a key lives for up to %s", s.options.MaxTTL)
		}
		k, err := s.make(user, req, "the operator")
		if err == nil {
			made = s.credential(k)
		}
		return err
	})
	if err != nil {
		return keyservice.Credential{}, err
	}
	return made, nil
}

// Delete implements keyservice.Service.
func (s *Service) Delete(ctx context.Context, _, keyID string) error {
	return s.call(ctx, Delete, func() error {
		k := s.find(keyID)
		if k == nil || !k.gone.IsZero() {
			return nil
		}
		k.gone = s.clock.Now().Add(s.options.Destroying)
		s.End(k.id, "the operator")
		s.sweep()
		return nil
	})
}

// canonical is the ID of a user, who can also be written as "name:ID".
func canonical(user string) string { return strings.TrimPrefix(user, "name:") }

// make makes a key. Called with s.mu held, as all that follows.
func (s *Service) make(user string, req keyservice.CreateRequest, by string) (*key, error) {
	if !s.users[user] && !s.options.MakesUsers {
		return nil, failed(keyservice.NotFound, Create, "there is no user %s", user)
	}
	s.sweep()
	taken := 0
	for _, k := range s.keys {
		if k.user == user {
			taken++
		}
	}
	switch {
	case taken >= s.options.KeysPerUser:
		return nil, failed(keyservice.QuotaExceeded, Create, "user %s has %d keys", user, taken)
	case req.ID != "" && !s.options.ChoosesID:
		return nil, failed(keyservice.Invalid, Create, "the service chooses the ID itself")
	case req.ID != "" && s.find(req.ID) != nil:
		return nil, failed(keyservice.Unavailable, Create, "there is a key %s already", req.ID)
	}
	s.users[user] = true
	now := s.clock.Now()
	k := &key{user: user, owner: req.Owner.UID, created: now, ready: now.Add(s.options.Provisioning)}
	if !s.options.ChoosesID {
		k.owner = "" // without handles, there are no marks either
	}
	s.generate(k, req.TTL)
	k.id = cmp.Or(req.ID, k.accessKeyID)
	s.keys = append(s.keys, k)
	s.record(k, by)
	return k, nil
}

// generate gives the key a pair.
func (s *Service) generate(k *key, ttl time.Duration) {
	s.made++
	k.accessKeyID, k.secret = fmt.Sprintf("FAKE%016d", s.made), fmt.Sprintf("fake-secret-%028d", s.made)
	k.expires = time.Time{}
	if s.options.MaxTTL > 0 && ttl > 0 {
		k.expires = s.clock.Now().Add(ttl)
	}
}

func (s *Service) record(k *key, by string) {
	s.Record(simulator.Pair{ID: k.id, AccessKeyID: k.accessKeyID, Owner: k.user, CreatedBy: by}, k.secret)
}

func (s *Service) find(id string) *key {
	s.sweep()
	for _, k := range s.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

// sweep removes the keys whose deletion is done.
func (s *Service) sweep() {
	now := s.clock.Now()
	s.keys = slices.DeleteFunc(s.keys, func(k *key) bool { return !k.gone.IsZero() && !now.Before(k.gone) })
}

func (s *Service) state(k *key) keyservice.State {
	switch {
	case !k.gone.IsZero():
		return keyservice.Deleting
	case k.disabled:
		return keyservice.Disabled
	case s.clock.Now().Before(k.ready):
		return keyservice.Pending
	default:
		return keyservice.Active
	}
}

func (s *Service) show(k *key) keyservice.Key {
	return keyservice.Key{
		ID: k.id, AccessKeyID: k.accessKeyID, CreatedAt: k.created, ExpiresAt: k.expires, State: s.state(k), OwnerUID: k.owner,
	}
}

func (s *Service) credential(k *key) keyservice.Credential {
	return keyservice.Credential{Key: s.show(k), SecretAccessKey: keyservice.Secret(k.secret)}
}

func failed(kind keyservice.Kind, op Operation, format string, args ...any) *keyservice.Error {
	return &keyservice.Error{Kind: kind, Op: string(op), Err: errors.New(keyservice.Excerpt(fmt.Sprintf(format, args...)))}
}
