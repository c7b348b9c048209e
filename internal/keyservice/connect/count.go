// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import "accesskey.dev/operator/api/v1alpha1"

// CountKeys adds the keys that a KeyService last listed to the counts of their users, and sends nothing. Keys of users that are not in
// the map are not counted. It reports false if no keys were listed yet.
func (p *Pool) CountKeys(service v1alpha1.GenericKeyService, users map[string]int) bool {
	known, _ := p.known(service)
	return known.connection != nil && known.connection.countKeys(users)
}

func (c *Connection) countKeys(users map[string]int) (listed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, inventory := range c.inventories {
		last := inventory.Last()
		last.Count(users)
		listed = listed || !last.At.IsZero()
	}
	return listed
}
