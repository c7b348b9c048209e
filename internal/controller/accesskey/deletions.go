// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// deletions are the recorded keys that the service listed, whose deletion it has accepted, and which may not be gone yet. Such a
// key is gone as soon as it is not listed, even if it is so new that the service could list it late. A process that has not seen the
// key since its start requests the deletion of a key as new as that again.
type deletions struct {
	mu       sync.Mutex
	accepted map[types.NamespacedName][]string
}

func (d *deletions) accept(name types.NamespacedName, keyID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.accepted == nil {
		d.accepted = map[types.NamespacedName][]string{}
	}
	if !slices.Contains(d.accepted[name], keyID) {
		d.accepted[name] = append(d.accepted[name], keyID)
	}
}

func (d *deletions) isAccepted(name types.NamespacedName, keyID string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Contains(d.accepted[name], keyID)
}

// prune drops the keys that are not recorded any more: an ID that the operator chooses can be used again.
func (d *deletions) prune(name types.NamespacedName, recorded []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := slices.DeleteFunc(d.accepted[name], func(id string) bool { return !slices.Contains(recorded, id) })
	if len(left) == 0 {
		delete(d.accepted, name)
		return
	}
	d.accepted[name] = left
}

// forget drops an AccessKey that is gone.
func (d *deletions) forget(name types.NamespacedName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.accepted, name)
}
