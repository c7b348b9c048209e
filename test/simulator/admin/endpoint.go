// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admin is an HTTP API to observe and manipulate simulators that run as a separate process. It reports every key,
// creates and deletes keys by hand, counts calls and injects faults. Requests and responses are JSON.
package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"

	"accesskey.dev/operator/test/simulator"
)

// Welcome describes how to reach the services.
type Welcome struct {
	// Admin is the base URL of the admin endpoint.
	Admin string `json:"admin"`
	// Services contains an account of each service, by name.
	Services map[string]Account `json:"services"`
	// S3 is the S3 server that the keys open. It is nil if there is none.
	S3 *S3 `json:"s3,omitempty"`
}

// S3 describes how to reach an S3 server that the keys of all services open.
type S3 struct {
	Endpoint string `json:"endpoint"`
	Region   string `json:"region"`
	// CA is the CA certificate of the server in PEM format.
	CA string `json:"ca"`
	// Bucket is a bucket that every key may use.
	Bucket string `json:"bucket"`
}

// Account contains the settings of a KeyService for one service.
type Account struct {
	// Spec contains the fields of spec.<service>, including the url.
	Spec map[string]string `json:"spec"`
	// CA is the CA certificate of the service in PEM format.
	CA string `json:"ca"`
	// Secret is the data of the credentials Secret.
	Secret map[string]string `json:"secret"`
	// User is a user whose keys can be managed. It is empty if the credentials determine the user.
	User string `json:"user"`
	// S3 is the S3 server that the keys of this service open, if it is another than that of the other services.
	S3 *S3 `json:"s3,omitempty"`
}

// Key is a key that exists or existed, without its secret.
type Key struct {
	Service string `json:"service"`
	simulator.Pair
}

// MadeKey is a key that was created by hand, with its secret.
type MadeKey struct {
	Key
	SecretAccessKey string `json:"secretAccessKey"`
}

// Fault is a fault to inject. If Service is empty, it applies to every service.
type Fault struct {
	Service string `json:"service,omitempty"`
	// Method, Path, Query and Times are the fields of simulator.Rule.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Query  string `json:"query,omitempty"`
	Times  int    `json:"times,omitempty"`
	// Effect is a name from effects. Its meaning determines the Parameter.
	Effect    string `json:"effect"`
	Parameter string `json:"parameter,omitempty"`
}

// Credential is a pair to check.
type Credential struct {
	AccessKeyID     string `json:"accessKeyID"`
	SecretAccessKey string `json:"secretAccessKey"`
}

// Validity reports whether a pair is valid, and at which service.
type Validity struct {
	Valid   bool   `json:"valid"`
	Service string `json:"service,omitempty"`
}

// Service is a simulator with its manual changes.
type Service struct {
	Name string
	Core *simulator.Core
	// Valid reports whether the data plane would accept a request that is signed with this pair.
	Valid func(accessKeyID, secret string) bool
	// MakeKey creates a key of a user by hand and also returns its secret.
	MakeKey func(user string) (simulator.Pair, string, error)
	// RemoveKey deletes a key by hand and reports whether it existed.
	RemoveKey func(id string) bool
	// Use makes a request to the data plane, which counts as a use of the key, and reports whether the pair is valid. It is nil
	// if the service does not count uses.
	Use func(accessKeyID, secret string) bool
	// SetActive enables or disables a key by hand; nil if the service cannot do that.
	SetActive func(id string, active bool)
}

// Endpoint is the admin endpoint of several simulators.
type Endpoint struct {
	Services []Service
	Welcome  Welcome
}

// Working returns the pairs that the data planes of the services accept now, as secrets by access key ID.
func (e *Endpoint) Working() map[string]string {
	working := map[string]string{}
	for _, s := range e.Services {
		maps.Copy(working, s.Core.Working(s.Valid))
	}
	return working
}

// These are the bodies of requests.
type (
	nothing struct{}
	// one names a service. If it is empty, it means every service.
	one      struct{ Service string }
	person   struct{ Service, User string }
	handleOf struct{ Service, ID string }
	switched struct {
		Service, ID string
		Active      bool
	}
)

// Handler returns the HTTP handler of the endpoint.
func (e *Endpoint) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", handle(e.welcome))
	mux.HandleFunc("GET /keys", handle(e.keys))
	mux.HandleFunc("GET /keys/live", handle(e.liveKeys))
	mux.HandleFunc("POST /keys", handle(e.makeKey))
	mux.HandleFunc("DELETE /keys", handle(e.removeKey))
	mux.HandleFunc("PATCH /keys", handle(e.switchKey))
	mux.HandleFunc("POST /valid", handle(e.valid))
	mux.HandleFunc("POST /use", handle(e.use))
	mux.HandleFunc("GET /calls", handle(e.calls))
	mux.HandleFunc("DELETE /calls", handle(e.resetCalls))
	mux.HandleFunc("POST /faults", handle(e.inject))
	mux.HandleFunc("DELETE /faults", handle(e.lift))
	return mux
}

// handle returns a handler that decodes the body of a request and responds with the result of do. An empty body is a zero Body.
func handle[Body any](do func(Body) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body Body
		var good any
		err := simulator.DecodeJSON(r.Body, &body)
		if err == nil || errors.Is(err, io.EOF) {
			good, err = do(body)
		}
		switch {
		case err != nil:
			write(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		case good == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			write(w, http.StatusOK, good)
		}
	}
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body) // fails only if the client has disconnected
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

func (e *Endpoint) liveKeys(nothing) (any, error) {
	keys := []Key{}
	for _, s := range e.Services {
		for _, pair := range s.Core.LivePairs() {
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

func (e *Endpoint) switchKey(key switched) (any, error) {
	s, err := e.service(key.Service)
	if err == nil && s.SetActive == nil {
		err = fmt.Errorf("%s cannot disable keys", s.Name)
	}
	if err == nil {
		s.SetActive(key.ID, key.Active)
	}
	return nil, err
}

func (e *Endpoint) valid(pair Credential) (any, error) {
	return e.accepting(pair, func(s Service) func(string, string) bool { return s.Valid }), nil
}

func (e *Endpoint) use(pair Credential) (any, error) {
	return e.accepting(pair, func(s Service) func(string, string) bool {
		if s.Use == nil {
			return s.Valid
		}
		return s.Use
	}), nil
}

// accepting finds the service that accepts a pair.
func (e *Endpoint) accepting(pair Credential, request func(Service) func(accessKeyID, secret string) bool) Validity {
	for _, s := range e.Services {
		if request(s)(pair.AccessKeyID, pair.SecretAccessKey) {
			return Validity{Valid: true, Service: s.Name}
		}
	}
	return Validity{}
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

// each calls do for the named service, or for every service if the name is empty.
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
	return Service{}, fmt.Errorf("unknown service %q", name)
}
