// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package simulator is what the simulators of the four key services share: faults to inject, counters of calls, a ledger
// of every key ever made, and a TLS server on loopback.
//
// A simulator of a service is a package of its own below this one, with the same shape each:
//
//	type Options struct{ ... }              // one field for each thing that the vendor's documents leave open
//	func New(options Options) *Simulator    // embeds *Core, and registers its routes with Core.Handle
//	func (*Simulator) ...                   // what people do at the service behind the operator's back
//
// Core gives it ServeHTTP, Inject, Calls, History and Valid, so that one test can be run against all of them.
package simulator

import (
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// Core is the part of a simulator that does not depend on the service. Safe for concurrent use once the routes are
// registered.
type Core struct {
	*Faults
	*Ledger
	*Counter

	clock clock.PassiveClock
	mux   *http.ServeMux
}

// NewCore returns a core without routes. A nil clk is the real clock.
func NewCore(clk clock.PassiveClock) *Core {
	if clk == nil {
		clk = clock.RealClock{}
	}
	mux := http.NewServeMux()
	return &Core{
		Faults:  &Faults{},
		Ledger:  &Ledger{clock: clk},
		Counter: newCounter(mux),
		clock:   clk,
		mux:     mux,
	}
}

// Handle registers a route, with a pattern of http.ServeMux.
func (c *Core) Handle(pattern string, handler http.HandlerFunc) { c.mux.HandleFunc(pattern, handler) }

// Now is the simulator's time.
func (c *Core) Now() time.Time { return c.clock.Now() }

// ServeHTTP implements http.Handler: a call is counted, then meets the faults, then the service.
func (c *Core) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.count(r)
	w.Header().Set("Date", c.Now().UTC().Format(http.TimeFormat)) // which need not be the real time
	c.serve(w, r, c.mux)
}
