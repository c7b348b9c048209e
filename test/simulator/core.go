// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package simulator contains what the simulators of the key services share: fault injection, call counters, a ledger
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
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Core is the part of a simulator that does not depend on the service. It is safe for concurrent use once the routes are
// registered.
type Core struct {
	*Faults
	*Ledger

	clock clock.PassiveClock
	mux   *http.ServeMux
	mu    sync.Mutex
	calls map[string]int
}

// NewCore returns a core without routes. If clk is nil, it uses the real clock.
func NewCore(clk clock.PassiveClock) *Core {
	if clk == nil {
		clk = clock.RealClock{}
	}
	ledger := &Ledger{clock: clk, byOwner: map[string][]int{}}
	return &Core{Faults: &Faults{}, Ledger: ledger, clock: clk, mux: http.NewServeMux(), calls: map[string]int{}}
}

// Handle registers a route. The pattern is one of http.ServeMux.
func (c *Core) Handle(pattern string, handler http.HandlerFunc) { c.mux.HandleFunc(pattern, handler) }

// Now returns the current time of the simulator.
func (c *Core) Now() time.Time { return c.clock.Now() }

// ServeHTTP implements http.Handler. It counts the call, applies the first matching fault, and otherwise calls the service.
func (c *Core) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.count(r)
	w.Header().Set("Date", c.Now().UTC().Format(http.TimeFormat)) // may differ from the real time
	if effect := c.take(r); effect != nil {
		effect(w, r, c.mux)
		return
	}
	c.mux.ServeHTTP(w, r)
}

// Unmatched is the route under which Calls counts requests for unknown paths.
const Unmatched = "unmatched"

// Calls returns the number of calls of each route, including calls that met a fault. A route is a method and a path, such as
// "DELETE /v1/s3/access-keys/{id}".
func (c *Core) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

// ResetCalls sets all counts to zero.
func (c *Core) ResetCalls() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.calls)
}

func (c *Core) count(r *http.Request) {
	_, pattern := c.mux.Handler(r)
	route := strings.TrimSuffix(pattern, "{$}")
	if !strings.HasPrefix(route, r.Method+" ") {
		route = Unmatched
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[route]++
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

// Number parses a query parameter. It returns absent if there is none, and false unless the value is a number from least to most.
func Number(query url.Values, name string, absent, least, most int) (number int, ok bool) {
	if !query.Has(name) {
		return absent, true
	}
	number, err := strconv.Atoi(query.Get(name))
	return number, err == nil && number >= least && number <= most
}

// WriteJSON sends a response with a JSON body. If the body is nil, the response has none. WriteJSON panics if the body cannot be
// encoded, for example because of invalid JSON in the options of a simulator.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	w.WriteHeader(status)
	_, _ = w.Write(encoded) // fails only if the client has disconnected
}

// These are alphabets for Random.
const (
	Digits = "0123456789"
	Hex    = Digits + "abcdef"
	Upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	Lower  = "abcdefghijklmnopqrstuvwxyz"
	Base64 = Upper + Lower + Digits + "+/"
)

// Random returns n random characters of an alphabet.
func Random(n int, alphabet string) string {
	text := make([]byte, n)
	_, _ = rand.Read(text) // never fails
	for i := range text {
		text[i] = alphabet[int(text[i])%len(alphabet)]
	}
	return string(text)
}
