// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// Regenerator adds keyservice.Regenerator to a Service.
type Regenerator struct{ service *Service }

// Regenerator is to be embedded beside the service.
func (s *Service) Regenerator() Regenerator { return Regenerator{s} }

// Regenerate implements keyservice.Regenerator: the key keeps its ID, and the old pair ends at once.
func (r Regenerator) Regenerate(ctx context.Context, user, keyID string, ttl time.Duration) (keyservice.Credential, error) {
	s, user := r.service, canonical(user)
	var regenerated keyservice.Credential
	err := s.call(ctx, Regenerate, func() error {
		k := s.find(keyID)
		if k == nil || k.user != user || !k.gone.IsZero() {
			return failed(keyservice.NotFound, Regenerate, "there is no key %s of user %s", keyID, user)
		}
		s.End(k.id, "the operator")
		s.generate(k, ttl)
		s.record(k, "the operator")
		regenerated = s.credential(k)
		return nil
	})
	if err != nil {
		return keyservice.Credential{}, err
	}
	return regenerated, nil
}

// Disabler adds keyservice.Disabler to a Service.
type Disabler struct{ service *Service }

// Disabler is to be embedded beside the service.
func (s *Service) Disabler() Disabler { return Disabler{s} }

// Disable implements keyservice.Disabler.
func (d Disabler) Disable(ctx context.Context, _, keyID string) error {
	s := d.service
	return s.call(ctx, Disable, func() error {
		if k := s.find(keyID); k != nil {
			k.disabled = true
		}
		return nil
	})
}

// Enabler adds keyservice.Enabler to a Service.
type Enabler struct{ service *Service }

// Enabler is to be embedded beside the service.
func (s *Service) Enabler() Enabler { return Enabler{s} }

// Enable implements keyservice.Enabler.
func (e Enabler) Enable(ctx context.Context, user, keyID string) error {
	s, user := e.service, canonical(user)
	return s.call(ctx, Enable, func() error {
		k := s.find(keyID)
		if k == nil || k.user != user {
			return failed(keyservice.NotFound, Enable, "there is no key %s of user %s", keyID, user)
		}
		k.disabled = false
		return nil
	})
}

// AllLister adds keyservice.AllLister to a Service.
type AllLister struct{ service *Service }

// AllLister is to be embedded beside the service.
func (s *Service) AllLister() AllLister { return AllLister{s} }

// ListAll implements keyservice.AllLister.
func (l AllLister) ListAll(ctx context.Context) (map[string][]keyservice.Key, error) {
	s := l.service
	all := map[string][]keyservice.Key{}
	err := s.call(ctx, ListAll, func() error {
		for _, k := range s.keys {
			all[k.user] = append(all[k.user], s.show(k))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// HandleChooser adds keyservice.HandleChooser to a Service.
type HandleChooser struct{ service *Service }

// HandleChooser is to be embedded beside the service, whose Options say ChoosesID.
func (s *Service) HandleChooser() HandleChooser { return HandleChooser{s} }

// ChooseID implements keyservice.HandleChooser. An ID that is on its way out is passed over.
func (HandleChooser) ChooseID(user string, owner keyservice.Owner, revision int64, keys []keyservice.Key) string {
	id := fmt.Sprintf("%s/%s/%d", user, owner.UID, revision)
	for slices.ContainsFunc(keys, func(key keyservice.Key) bool { return key.ID == id && key.State == keyservice.Deleting }) {
		id += "+"
	}
	return id
}

// LastUsedReporter adds keyservice.LastUsedReporter to a Service.
type LastUsedReporter struct{ service *Service }

// LastUsedReporter is to be embedded beside the service.
func (s *Service) LastUsedReporter() LastUsedReporter { return LastUsedReporter{s} }

// LastUsed implements keyservice.LastUsedReporter.
func (l LastUsedReporter) LastUsed(ctx context.Context, user, keyID string) (at time.Time, err error) {
	s, user := l.service, canonical(user)
	err = s.call(ctx, LastUsed, func() error {
		k := s.find(keyID)
		if k == nil || k.user != user {
			return failed(keyservice.NotFound, LastUsed, "there is no key %s of user %s", keyID, user)
		}
		at = k.used
		return nil
	})
	return at, err
}

// UserResolver adds keyservice.UserResolver to a Service.
type UserResolver struct{ service *Service }

// UserResolver is to be embedded beside the service.
func (s *Service) UserResolver() UserResolver { return UserResolver{s} }

// ResolveUser implements keyservice.UserResolver: "name:alice" and "alice" are the user "alice".
func (r UserResolver) ResolveUser(ctx context.Context, user string) (string, error) {
	s, user := r.service, canonical(user)
	err := s.call(ctx, ResolveUser, func() error {
		if !s.users[user] {
			return failed(keyservice.NotFound, ResolveUser, "there is no user %s", user)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return user, nil
}

// Identifier adds keyservice.Identifier to a Service.
type Identifier struct{ service *Service }

// Identifier is to be embedded beside the service.
func (s *Service) Identifier() Identifier { return Identifier{s} }

// Identity implements keyservice.Identifier.
func (i Identifier) Identity(ctx context.Context) (string, error) {
	s := i.service
	return s.options.Identity, s.call(ctx, Identity, func() error { return nil })
}

// Prober adds keyservice.Prober to a Service.
type Prober struct{ service *Service }

// Prober is to be embedded beside the service.
func (s *Service) Prober() Prober { return Prober{s} }

// Probe implements keyservice.Prober.
func (p Prober) Probe(ctx context.Context) (string, error) {
	return "fake", p.service.call(ctx, Probe, func() error { return nil })
}
