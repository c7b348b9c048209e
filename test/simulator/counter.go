// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"maps"
	"net/http"
	"strings"
	"sync"
)

// Unmatched is the route under which calls of unknown paths are counted.
const Unmatched = "unmatched"

// Counter counts calls by route, those that met a fault included.
type Counter struct {
	mux   *http.ServeMux
	mu    sync.Mutex
	calls map[string]int
}

func newCounter(mux *http.ServeMux) *Counter { return &Counter{mux: mux, calls: map[string]int{}} }

// Calls returns how often each route was called, by method and path: "DELETE /v1/s3/access-keys/{id}".
func (c *Counter) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

// ResetCalls starts the count anew.
func (c *Counter) ResetCalls() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.calls)
}

func (c *Counter) count(r *http.Request) {
	_, pattern := c.mux.Handler(r)
	route := strings.TrimSuffix(pattern, "{$}")
	if !strings.HasPrefix(route, r.Method+" ") {
		route = Unmatched
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[route]++
}
