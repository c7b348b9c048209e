// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"cmp"
	"slices"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// key is an access key with its secret.
type key struct {
	simulator.Pair

	secret   string
	inactive bool
	// changes are the moments at which the key was created, disabled, enabled and deleted.
	changes []change
	used    use
}

type change struct {
	at    time.Time
	works bool
}

// use is the last use of a key.
type use struct {
	at              time.Time
	service, region string
}

// live returns the existing keys of a user, by ID.
func (s *Simulator) live(owner string) (keys []*key) {
	for _, k := range s.keys {
		if k.Owner == owner && k.Live() {
			keys = append(keys, k)
		}
	}
	return keys
}

// key returns the last key with an ID, even a deleted one, or nil.
func (s *Simulator) key(id string) *key {
	for _, candidate := range slices.Backward(s.keys) {
		if candidate.ID == id {
			return candidate
		}
	}
	return nil
}

// valid returns the key with this pair if it works now, or nil.
func (s *Simulator) valid(accessKeyID, secret string) *key {
	k := s.key(accessKeyID)
	if k == nil || k.secret != secret || !s.works(k) {
		return nil
	}
	return k
}

// works reports whether the changes of a key that have taken effect let it work.
func (s *Simulator) works(k *key) (works bool) {
	for i, c := range k.changes {
		lag := s.options.RevokeLag
		if i == 0 {
			lag = s.options.ActivationLag
		}
		if !s.Now().Before(c.at.Add(lag)) {
			works = c.works
		}
	}
	return works
}

func (s *Simulator) setActive(k *key, active bool) {
	if k.inactive == active && k.Live() {
		k.inactive = !active
		k.changes = append(k.changes, change{s.Now(), active})
	}
}

func (s *Simulator) end(k *key, by string) {
	k.DeletedAt, k.DeletedBy = s.Now(), by
	k.changes = append(k.changes, change{s.Now(), false})
	s.End(k.ID, by)
}

// chosen is the pair that the caller of CreateAccessKey chose.
type chosen struct{ id, secret string }

// base32 is the alphabet of IDs.
const base32 = simulator.Upper + "234567"

// makeKey creates a key unless the user has too many already.
func (s *Simulator) makeKey(owner *user, by string, pair chosen) (*key, *apiError) {
	counted := 0
	for _, k := range s.live(owner.id) {
		if s.options.QuotaLag == 0 || !s.Now().Before(k.CreatedAt.Add(s.options.QuotaLag)) {
			counted++
		}
	}
	if s.options.KeysPerUser > 0 && counted >= s.options.KeysPerUser {
		return nil, &apiError{status: s.options.LimitStatus, code: s.options.LimitCode, message: s.options.LimitMessage}
	}
	id := cmp.Or(pair.id, "AKIA"+simulator.Random(16, base32))
	made := &key{
		Pair:    simulator.Pair{ID: id, AccessKeyID: id, Owner: owner.id, CreatedBy: by, CreatedAt: s.Now()},
		secret:  cmp.Or(pair.secret, simulator.Random(38, simulator.Base64)+"+/"), // + and / must be encoded by clients
		changes: []change{{s.Now(), true}},
	}
	if owner.static {
		s.RecordToken(made.secret)
		return made, nil
	}
	s.keys = append(s.keys, made)
	made.Pair = s.Record(made.Pair, made.secret)
	return made, nil
}
