// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"slices"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// keyAt is a live key of the operator.
type keyAt struct {
	service            *keyService
	owner, accessKeyID string
}

// operatorKeys returns the live keys that the operator created.
func (w *world) operatorKeys() map[keyAt]bool {
	keys := map[keyAt]bool{}
	for _, service := range w.services {
		for _, pair := range service.LivePairs() {
			if pair.CreatedBy != simulator.Person {
				keys[keyAt{service, pair.Owner, pair.AccessKeyID}] = true
			}
		}
	}
	return keys
}

// subjectOf returns the owner of a key, or nil.
func (w *world) subjectOf(key keyAt) *subject {
	for _, it := range w.subjects {
		if it.service == key.service && it.user.Owner == key.owner {
			return it
		}
	}
	return nil
}

// unrecorded returns the keys that existed before the AccessKeys were read, still exist, and are in no status. Keys without an
// owner are under nil.
func (w *world) unrecorded(before map[keyAt]bool, states map[string]*v1alpha1.AccessKey) map[*subject][]string {
	after, unknown := w.operatorKeys(), map[*subject][]string{}
	for key := range before {
		it := w.subjectOf(key)
		if after[key] && (it == nil || !recorded(states[it.name], key.accessKeyID)) {
			unknown[it] = append(unknown[it], key.accessKeyID)
		}
	}
	return unknown
}

func recorded(ak *v1alpha1.AccessKey, accessKeyID string) bool {
	if ak == nil {
		return false
	}
	return ak.Status.AccessKeyID == accessKeyID ||
		slices.ContainsFunc(ak.Status.PreviousKeys, func(p v1alpha1.PreviousKey) bool { return p.AccessKeyID == accessKeyID })
}

func byName(accessKeys []v1alpha1.AccessKey) map[string]*v1alpha1.AccessKey {
	states := map[string]*v1alpha1.AccessKey{}
	for i := range accessKeys {
		states[accessKeys[i].Name] = &accessKeys[i]
	}
	return states
}

// compareKeys expects each key of the operator in the status of its AccessKey, or as the one key of an open operation.
func (s *sampler) compareKeys(before map[keyAt]bool, states map[string]*v1alpha1.AccessKey) {
	for it, keys := range s.w.unrecorded(before, states) {
		switch {
		case it == nil:
			s.fault("the keys %v have no owner", keys)
		case len(keys) > 1:
			s.fault("AccessKey %s has %d keys that its status does not record: %v", it.name, len(keys), keys)
		case states[it.name] == nil || states[it.name].Status.Intent == nil:
			s.fault("AccessKey %s has no open operation, and its status does not record key %s", it.name, keys[0])
		}
	}
	for _, state := range states {
		s.known[state.Name+"/"+state.Status.AccessKeyID] = true
	}
}

// keysCreated counts the keys that the operator created, and those that no status ever recorded: a crash lost their secret.
func (s *sampler) keysCreated() (created, lost int) {
	for _, service := range s.w.services {
		for _, pair := range service.History() {
			it := s.w.subjectOf(keyAt{service, pair.Owner, pair.AccessKeyID})
			if pair.CreatedBy == simulator.Person || it == nil {
				continue
			}
			created++
			if !s.known[it.name+"/"+pair.AccessKeyID] {
				lost++
			}
		}
	}
	return created, lost
}
