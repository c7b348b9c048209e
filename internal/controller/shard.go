// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"accesskey.dev/operator/api/v1alpha1"
)

// Shard is the part of the AccessKeys that a manager works on, by their labels. Nil is all of them. The manager still sees
// the others, since whose key is whose can't be told without them.
type Shard struct {
	Selector labels.Selector

	mu sync.Mutex
	// came is when AccessKeys came over from another shard.
	came map[types.NamespacedName]time.Time
}

// handOver is how long the former shard can still be at work on an AccessKey whose labels were changed: the rest of a pass
// that had read it live before.
const handOver = passTimeout

// errLeft: the AccessKey is another shard's by now.
var errLeft = errors.New("the AccessKey is another shard's by now")

// has reports whether the AccessKey is this manager's to work on.
func (s *Shard) has(ak client.Object) bool {
	return s == nil || s.Selector.Matches(labels.Set(ak.GetLabels()))
}

// wait is how long to leave an AccessKey of the shard alone. One without the finalizer was nobody's before: whoever was
// about to begin failed to set it.
func (s *Shard) wait(ak *v1alpha1.AccessKey, now time.Time) time.Duration {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := client.ObjectKeyFromObject(ak)
	left := s.came[name].Add(handOver).Sub(now)
	if left > 0 && controllerutil.ContainsFinalizer(ak, v1alpha1.RevokeFinalizer) {
		return left
	}
	delete(s.came, name)
	return 0
}

// events are those of AccessKeys that are the shard's, or just were.
func (s *Shard) events(c clock.PassiveClock) predicate.Predicate {
	if s == nil {
		return predicate.Funcs{}
	}
	return predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return s.has(e.Object) },
		DeleteFunc:  func(e event.DeleteEvent) bool { return s.has(e.Object) },
		GenericFunc: func(e event.GenericEvent) bool { return s.has(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, after := s.has(e.ObjectOld), s.has(e.ObjectNew)
			if after && !before {
				s.note(client.ObjectKeyFromObject(e.ObjectNew), c.Now())
			}
			return before || after
		},
	}
}

func (s *Shard) note(name types.NamespacedName, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.came == nil {
		s.came = map[types.NamespacedName]time.Time{}
	}
	maps.DeleteFunc(s.came, func(_ types.NamespacedName, at time.Time) bool { return now.Sub(at) > handOver })
	s.came[name] = now
}

// Trim makes the cache keep of other shards' AccessKeys only what tells whose key is whose: what they refer to and what
// their status records, with its proof.
func (s *Shard) Trim(options *cache.Options) {
	if s == nil {
		return
	}
	strip := options.DefaultTransform
	options.ByObject[&v1alpha1.AccessKey{}] = cache.ByObject{Transform: func(object any) (any, error) {
		if ak, ok := object.(*v1alpha1.AccessKey); ok && !s.has(ak) && (ak.Annotations != nil || ak.Status.Conditions != nil) {
			ak.Annotations, ak.Status.Conditions = nil, nil
		}
		return strip(object)
	}}
}
