// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admin is the back door of simulators that run as a process of their own: what became of every key, faults to
// inject, a clock to move, and people who make and delete keys. Each resource takes and gives JSON.
package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// Service is one simulator, with what people do at it.
type Service struct {
	Name string
	Core *simulator.Core
	// Valid is the data plane: whether a request that is signed with this pair would be let in.
	Valid func(accessKeyID, secret string) bool
	// MakeKey makes a key of the user by hand, RemoveKey deletes one.
	MakeKey   func(user string) (simulator.Pair, string, error)
	RemoveKey func(id string) bool
}

// Endpoint is the admin endpoint of some simulators on one clock.
type Endpoint struct {
	Clock    *Clock
	Services []Service
	Welcome  Welcome
}

// Handler serves the endpoint.
func (e *Endpoint) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", handle(e.welcome))
	mux.HandleFunc("GET /keys", handle(e.keys))
	mux.HandleFunc("POST /keys", handle(e.makeKey))
	mux.HandleFunc("DELETE /keys", handle(e.removeKey))
	mux.HandleFunc("POST /valid", handle(e.valid))
	mux.HandleFunc("GET /calls", handle(e.calls))
	mux.HandleFunc("DELETE /calls", handle(e.resetCalls))
	mux.HandleFunc("GET /clock", handle(e.now))
	mux.HandleFunc("POST /clock", handle(e.advance))
	mux.HandleFunc("POST /faults", handle(e.inject))
	mux.HandleFunc("DELETE /faults", handle(e.lift))
	return mux
}

// handle answers with what do makes of the request's body (none is an empty one), or with what is wrong with it.
func handle[Body any](do func(Body) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body Body
		var good any
		err := decode(r.Body, &body)
		if err == nil {
			good, err = do(body)
		}
		switch {
		case err != nil:
			write(w, http.StatusBadRequest, failure{err.Error()})
		case good == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			write(w, http.StatusOK, good)
		}
	}
}

func decode(body io.Reader, into any) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body) // a client that left is no trouble of the endpoint's
}

func (e *Endpoint) welcome(nothing) (any, error) { return e.Welcome, nil }

func (e *Endpoint) keys(nothing) (any, error) {
	keys := []Key{}
	for _, s := range e.Services {
		for _, pair := range s.Core.History() {
			keys = append(keys, Key{s.Name, pair})
		}
	}
	return keys, nil
}

func (e *Endpoint) makeKey(wanted person) (any, error) {
	s, err := e.service(wanted.Service)
	if err != nil {
		return nil, err
	}
	pair, secret, err := s.MakeKey(wanted.User)
	return MadeKey{Key{s.Name, pair}, secret}, err
}

func (e *Endpoint) removeKey(gone handleOf) (any, error) {
	s, err := e.service(gone.Service)
	if err == nil && !s.RemoveKey(gone.ID) {
		err = fmt.Errorf("%s has no key with the ID %q", s.Name, gone.ID)
	}
	return nil, err
}

func (e *Endpoint) valid(pair Credential) (any, error) {
	for _, s := range e.Services {
		if s.Valid(pair.AccessKeyID, pair.SecretAccessKey) {
			return Verdict{Valid: true, Service: s.Name}, nil
		}
	}
	return Verdict{}, nil
}

func (e *Endpoint) calls(nothing) (any, error) {
	calls := map[string]map[string]int{}
	for _, s := range e.Services {
		calls[s.Name] = s.Core.Calls()
	}
	return calls, nil
}

func (e *Endpoint) resetCalls(nothing) (any, error) {
	for _, s := range e.Services {
		s.Core.ResetCalls()
	}
	return nil, nil
}

func (e *Endpoint) now(nothing) (any, error) { return moment{e.Clock.Now()}, nil }

func (e *Endpoint) advance(by move) (any, error) {
	d, err := time.ParseDuration(by.Advance)
	if err == nil {
		err = e.Clock.Advance(d)
	}
	return moment{e.Clock.Now()}, err
}

func (e *Endpoint) inject(fault Fault) (any, error) {
	effect, err := effectOf(fault.Effect, fault.Parameter)
	if err != nil {
		return nil, err
	}
	rule := simulator.Rule{Method: fault.Method, Path: fault.Path, Query: fault.Query, Times: fault.Times}
	return fault, e.each(fault.Service, func(s Service) { s.Core.Inject(rule, effect) })
}

func (e *Endpoint) lift(which one) (any, error) {
	return nil, e.each(which.Service, func(s Service) { s.Core.LiftAll() })
}

// each does something with the named service, or with all of them.
func (e *Endpoint) each(name string, do func(Service)) error {
	if name != "" {
		s, err := e.service(name)
		if err == nil {
			do(s)
		}
		return err
	}
	for _, s := range e.Services {
		do(s)
	}
	return nil
}

func (e *Endpoint) service(name string) (Service, error) {
	for _, s := range e.Services {
		if s.Name == name {
			return s, nil
		}
	}
	return Service{}, fmt.Errorf("there is no service %q", name)
}
