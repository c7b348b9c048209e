// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package simulator contains what the simulators of the four key services share: fault injection, call counters, a ledger
// of every key that was ever created, and a TLS server on the loopback interface.
//
// Each simulator is a package below this one. All of them have the same shape:
//
//	type Options struct{ ... }              // one field for each behaviour that the vendor's documents leave open
//	func New(options Options) *Simulator    // embeds *Core and registers its routes with Core.Handle
//	func (*Simulator) ...                   // manual changes at the service, made without the operator
//
// Core provides ServeHTTP, Inject, Calls, History and Valid, so one test can run against every simulator.
package simulator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// Core is the part of a simulator that does not depend on the service. It is safe for concurrent use once the routes are
// registered.
type Core struct {
	*Faults
	*Ledger
	*Counter

	clock clock.PassiveClock
	mux   *http.ServeMux
}

// NewCore returns a core without routes. If clk is nil, it uses the real clock.
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

// Handle registers a route. The pattern is one of http.ServeMux.
func (c *Core) Handle(pattern string, handler http.HandlerFunc) { c.mux.HandleFunc(pattern, handler) }

// Now returns the current time of the simulator.
func (c *Core) Now() time.Time { return c.clock.Now() }

// ServeHTTP implements http.Handler. It counts the call, applies the first matching fault, and otherwise calls the service.
func (c *Core) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.count(r)
	w.Header().Set("Date", c.Now().UTC().Format(http.TimeFormat)) // may differ from the real time
	c.serve(w, r, c.mux)
}

// DecodeJSON decodes a body that must be a single JSON value without unknown members. It returns io.EOF for an empty body.
func DecodeJSON(body io.Reader, into any) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the body")
	}
	return nil
}
