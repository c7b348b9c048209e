// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// serviceKind is what sets one key service apart from another.
type serviceKind struct {
	name string
	// quotas to draw from for one AccessKey; shared for two of the same user, which nil excludes.
	quotas, shared []int
	// strategies to draw from; with none rotation is not set, and stays so.
	strategies []v1alpha1.RotationStrategy
	handles    handles
	// renews in place; marks the keys; pends: a new pair works a while later; deletesLater: a deletion takes a while;
	// disables before a deletion; expires: pairs end by themselves.
	renews, marks, pends, deletesLater, disables, expires bool
}

// handles says who chooses the IDs of keys, and how.
type handles int

const (
	byService handles = iota
	byRevision
	bySlot
)

var (
	either     = []v1alpha1.RotationStrategy{v1alpha1.StrategyAuto, v1alpha1.StrategyAuto, v1alpha1.StrategyReplace}
	qumuloLike = serviceKind{name: "qumulo", quotas: []int{2, 2, 3, 0}, shared: []int{2, 3, 4, 4, 4, 0}}
	kinds      = []serviceKind{
		qumuloLike,
		{name: "replaced", quotas: []int{1, 2, 2, 0}, shared: []int{3, 4, 0}, strategies: either},
		{
			name: "ionos", quotas: []int{5, 5, 3}, shared: []int{5}, strategies: either,
			handles: byRevision, renews: true, marks: true, pends: true, deletesLater: true,
		},
		{name: "ontap", quotas: []int{1}, strategies: either, handles: bySlot, renews: true, marks: true, expires: true},
		{name: "ontap2", quotas: []int{2}, strategies: either, handles: bySlot, renews: true, marks: true, expires: true},
		{name: "huawei", quotas: []int{2}, shared: []int{2, 4}, strategies: either, disables: true},
	}
)

func kindOf(name string) serviceKind {
	return kinds[slices.IndexFunc(kinds, func(k serviceKind) bool { return k.name == name })]
}

// chooseID of the next key of a subject; empty where the service chooses.
func (w *world) chooseID(s *subject, revision int64) string {
	switch w.kind.handles {
	case byRevision:
		id := fmt.Sprintf("%s-%d", s.stored.ak.UID, revision)
		for n := 1; ; n++ {
			key := w.service.find(id)
			if key == nil || key.goneAt.IsZero() && !key.failed {
				return id
			}
			id = fmt.Sprintf("%s-%d-%d", s.stored.ak.UID, revision, n)
		}
	case bySlot:
		return w.freeSlot()
	default:
		return ""
	}
}

func (w *world) freeSlot() string {
	for n := 1; ; n++ {
		if id := fmt.Sprintf("slot%d", n); w.service.find(id) == nil {
			return id
		}
	}
}

// listing is the key as the service lists it now.
func (w *world) listing(key *serviceKey) keyservice.Key {
	listed := key.Key
	switch {
	case !key.goneAt.IsZero():
		listed.State = keyservice.Deleting
	case key.failed:
		listed.State = keyservice.Failed
	case key.disabled:
		listed.State = keyservice.Disabled
	case w.now.Before(key.worksFrom):
		listed.State = keyservice.Pending
	}
	return listed
}

// letIn: a pair with this key's ID works at the service now.
func (w *world) letIn(id string, pair int) bool {
	key := w.service.find(id)
	return key != nil && key.pair == pair && !key.failed && !key.disabled && key.goneAt.IsZero() && !w.now.Before(key.worksFrom) &&
		(key.endsAt.IsZero() || w.now.Before(key.endsAt))
}

// valid: it is let in and, as far as the operator can tell from a service whose clock is off, has not ended.
func (w *world) valid(id string, pair int) bool {
	return w.letIn(id, pair) && (w.service.find(id).ExpiresAt.IsZero() || w.now.Before(w.service.find(id).ExpiresAt))
}

// newPair gives a key the pair that an operation asked for.
func (w *world) newPair(key *serviceKey, by *operation) {
	w.service.pairs++
	key.pair, key.by = w.service.pairs, by
	if w.kind.handles == bySlot {
		key.AccessKeyID = fmt.Sprintf("AKIA%d", key.pair)
	}
	if by != nil && w.kind.marks {
		key.OwnerUID = by.uid
	}
	key.endsAt, key.ExpiresAt = time.Time{}, time.Time{}
	if by != nil && w.kind.expires && by.ttl > 0 {
		key.endsAt = w.now.Add(by.ttl)
		key.ExpiresAt = key.endsAt.Add(w.service.skew)
	}
}

// dropKey is the service's delete: done at once, or accepted and done in a while.
func (w *world) dropKey(id string) {
	key := w.service.find(id)
	switch {
	case key == nil:
	case !w.kind.deletesLater:
		w.service.remove(id)
	case key.goneAt.IsZero():
		key.goneAt = w.now.Add(w.between(1, 40) * time.Second)
	}
}

// strategyToggled: a person wants the next rotation to go another way.
func strategyToggled(w *world, s *subject) string {
	if s.stored.ak == nil || len(w.kind.strategies) == 0 {
		return ""
	}
	wanted := pick(w, w.kind.strategies...)
	s.changeSpec(func(ak *v1alpha1.AccessKey) { ak.Spec.Rotation = &v1alpha1.Rotation{Strategy: wanted} })
	return "rotation.strategy is " + string(wanted)
}
