// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"maps"
	"sync"
)

// maxRemembered bounds a Memory. More users than that are looked up again now and then.
const maxRemembered = 10000

// Memory remembers the IDs of users by their names. The zero value is ready for use.
type Memory struct {
	mu  sync.Mutex
	ids map[string]string
}

// Recall returns the ID that was remembered for a name.
func (m *Memory) Recall(name string) (id string, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, known = m.ids[name]
	return id, known
}

// Remember the ID of a name.
func (m *Memory) Remember(name, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ids == nil {
		m.ids = map[string]string{}
	}
	for other := range m.ids {
		if len(m.ids) < maxRemembered {
			break
		}
		delete(m.ids, other)
	}
	m.ids[name] = id
}

// Forget every name of an ID.
func (m *Memory) Forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.ids, func(_, known string) bool { return known == id })
}
