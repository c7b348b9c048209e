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

// operatorKeys are the live keys that the operator made.
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

// subjectOf is whose key it is; nil for nobody's.
func (w *world) subjectOf(key keyAt) *subject {
	for _, it := range w.subjects {
		if it.service == key.service && it.user.owner == key.owner {
			return it
		}
	}
	return nil
}

// unrecorded returns the keys that were there before the AccessKeys were read, are there still, and are in no status. nil is
// for the keys of nobody.
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

// compareKeys: a key of the operator is in the status of its AccessKey, or is the one key of an operation that is open.
func (s *sampler) compareKeys(before map[keyAt]bool, states map[string]*v1alpha1.AccessKey) {
	for it, keys := range s.w.unrecorded(before, states) {
		switch {
		case it == nil:
			s.fault("the keys %v are of nobody", keys)
		case len(keys) > 1:
			s.fault("AccessKey %s has %d keys that its status does not know: %v", it.name, len(keys), keys)
		case states[it.name] == nil || states[it.name].Status.Intent == nil:
			s.fault("AccessKey %s has no open operation, and its status does not know key %s", it.name, keys[0])
		}
	}
	for _, state := range states {
		s.known[state.Name+"/"+state.Status.AccessKeyID] = true
	}
}

// keysMade are the keys that the operator made, and how many of them no status ever had: a crash came before they were
// published, and their secret was lost.
func (s *sampler) keysMade() (made, lost int) {
	for _, service := range s.w.services {
		for _, pair := range service.History() {
			it := s.w.subjectOf(keyAt{service, pair.Owner, pair.AccessKeyID})
			if pair.CreatedBy == simulator.Person || it == nil {
				continue
			}
			made++
			if !s.known[it.name+"/"+pair.AccessKeyID] {
				lost++
			}
		}
	}
	return made, lost
}
