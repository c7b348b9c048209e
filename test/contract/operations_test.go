// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
)

// The names of operations, by which the subjects list their requests.
const (
	opList         = "List"
	opListAll      = "ListAll"
	opCreate       = "Create"
	opCreateBeside = "Create beside another key"
	opDelete       = "Delete"
	opDeleteOneOf  = "Delete one of two keys"
	opRegenerate   = "Regenerate"
	opDisable      = "Disable"
	opEnable       = "Enable"
	opLastUsed     = "LastUsed"
	opProbe        = "Probe"
	opConnect      = "Connect"
	opResolve      = "ResolveUser"
	opIdentity     = "Identity"
)

// operation is a method of the service, as the suite calls it.
type operation struct {
	name string
	// has reports whether a backend has it.
	has func(service keyservice.Service) bool
	// prepare makes what the call is about, and returns the call for a backend.
	prepare func(t *testing.T, b *bed) call
	// remembers: a backend that knows the answer sends nothing.
	remembers bool
}

// call of an operation, for any backend of the service.
type call = func(ctx context.Context, service keyservice.Service) error

// operations of all services.
var operations = []operation{
	{name: opList, has: anyService, prepare: func(t *testing.T, b *bed) call {
		b.create(t, b.alice)
		return func(ctx context.Context, s keyservice.Service) error { _, err := s.List(ctx, b.alice); return err }
	}},
	{name: opListAll, has: is[keyservice.AllLister], prepare: func(t *testing.T, b *bed) call {
		b.create(t, b.alice)
		return func(ctx context.Context, s keyservice.Service) error {
			_, err := s.(keyservice.AllLister).ListAll(ctx)
			return err
		}
	}},
	{name: opCreate, has: anyService, prepare: func(t *testing.T, b *bed) call { return creating(t, b, b.bob) }},
	{name: opCreateBeside, has: overlaps, prepare: func(t *testing.T, b *bed) call {
		b.create(t, b.alice)
		return creating(t, b, b.alice)
	}},
	{name: opDelete, has: anyService, prepare: deleting},
	{name: opDeleteOneOf, has: overlaps, prepare: func(t *testing.T, b *bed) call {
		b.create(t, b.alice)
		return deleting(t, b)
	}},
	{name: opRegenerate, has: is[keyservice.Regenerator], prepare: func(t *testing.T, b *bed) call {
		made := b.create(t, b.alice)
		return func(ctx context.Context, s keyservice.Service) error {
			_, err := s.(keyservice.Regenerator).Regenerate(ctx, b.alice, made.ID, ttl)
			return err
		}
	}},
	{name: opDisable, has: is[keyservice.Disabler], prepare: func(t *testing.T, b *bed) call {
		made := b.create(t, b.alice)
		return func(ctx context.Context, s keyservice.Service) error {
			return s.(keyservice.Disabler).Disable(ctx, b.alice, made.ID)
		}
	}},
	{name: opEnable, has: is[keyservice.Enabler], prepare: func(t *testing.T, b *bed) call {
		made := b.create(t, b.alice)
		expect(t, b.Service.(keyservice.Disabler).Disable(t.Context(), b.alice, made.ID), fine)
		return func(ctx context.Context, s keyservice.Service) error {
			return s.(keyservice.Enabler).Enable(ctx, b.alice, made.ID)
		}
	}},
	{name: opLastUsed, has: is[keyservice.LastUsedReporter], prepare: func(t *testing.T, b *bed) call {
		made := b.create(t, b.alice)
		return func(ctx context.Context, s keyservice.Service) error {
			_, err := s.(keyservice.LastUsedReporter).LastUsed(ctx, b.alice, made.ID)
			return err
		}
	}},
	{name: opProbe, has: is[keyservice.Prober], prepare: func(*testing.T, *bed) call {
		return func(ctx context.Context, s keyservice.Service) error {
			_, err := s.(keyservice.Prober).Probe(ctx)
			return err
		}
	}},
	{name: opResolve, remembers: true, has: is[keyservice.UserResolver], prepare: func(_ *testing.T, b *bed) call {
		return func(ctx context.Context, s keyservice.Service) error {
			_, err := s.(keyservice.UserResolver).ResolveUser(ctx, b.alice)
			return err
		}
	}},
	{name: opIdentity, remembers: true, has: is[keyservice.Identifier], prepare: func(*testing.T, *bed) call {
		return func(ctx context.Context, s keyservice.Service) error {
			_, err := s.(keyservice.Identifier).Identity(ctx)
			return err
		}
	}},
	{name: opConnect, has: is[keyservice.Connector], prepare: func(*testing.T, *bed) call {
		return func(ctx context.Context, s keyservice.Service) error { return s.(keyservice.Connector).Connect(ctx) }
	}},
}

func creating(t *testing.T, b *bed, user string) call {
	t.Helper()
	req := b.wanted(t, user)
	return func(ctx context.Context, s keyservice.Service) error { _, err := s.Create(ctx, user, req); return err }
}

func deleting(t *testing.T, b *bed) call {
	t.Helper()
	made := b.create(t, b.alice)
	return func(ctx context.Context, s keyservice.Service) error { return s.Delete(ctx, b.alice, made.ID) }
}

func anyService(keyservice.Service) bool { return true }

func is[Ability any](s keyservice.Service) bool {
	_, can := s.(Ability)
	return can
}

func overlaps(s keyservice.Service) bool { return keyservice.CapabilitiesOf(s).Overlap }
