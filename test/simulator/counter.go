// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"maps"
	"net/http"
	"strings"
	"sync"
)

// Unmatched is the route under which Calls counts requests for unknown paths.
const Unmatched = "unmatched"

// Counter counts calls by route, including calls that met a fault.
type Counter struct {
	mux   *http.ServeMux
	mu    sync.Mutex
	calls map[string]int
}

func newCounter(mux *http.ServeMux) *Counter { return &Counter{mux: mux, calls: map[string]int{}} }

// Calls returns the number of calls of each route. A route is a method and a path, such as "DELETE /v1/s3/access-keys/{id}".
func (c *Counter) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

// ResetCalls sets all counts to zero.
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
