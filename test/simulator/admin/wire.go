// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"time"

	"accesskey.dev/operator/test/simulator"
)

// Welcome tells where everything is.
type Welcome struct {
	// Admin is the base of the admin endpoint's URLs.
	Admin string `json:"admin"`
	// Services are the key services, by name.
	Services map[string]Account `json:"services"`
}

// Account is what a KeyService needs for one service.
type Account struct {
	// Spec are fields of the service's part of a KeyService's spec, its url among them.
	Spec map[string]string `json:"spec"`
	// CA is the certificate of the service's CA, PEM.
	CA string `json:"ca"`
	// Secret is what the KeyService's credentials Secret holds.
	Secret map[string]string `json:"secret"`
	// User is a user whose keys can be managed; empty where the credentials decide.
	User string `json:"user"`
}

// Key is a key that exists or existed, never with its secret.
type Key struct {
	Service string `json:"service"`
	simulator.Pair
}

// MadeKey is a key that a person just made.
type MadeKey struct {
	Key
	SecretAccessKey string `json:"secretAccessKey"`
}

// Fault says which requests meet what. Without a service it is for all of them.
type Fault struct {
	Service string `json:"service,omitempty"`
	// Method, Path, Query and Times are those of simulator.Rule.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Query  string `json:"query,omitempty"`
	Times  int    `json:"times,omitempty"`
	// Effect is one of effects, Parameter its own.
	Effect    string `json:"effect"`
	Parameter string `json:"parameter,omitempty"`
}

// Credential is a pair to try.
type Credential struct {
	AccessKeyID     string `json:"accessKeyID"`
	SecretAccessKey string `json:"secretAccessKey"`
}

// Verdict says where a pair is let in; Service is empty where it is not.
type Verdict struct {
	Valid   bool   `json:"valid"`
	Service string `json:"service,omitempty"`
}

// What requests ask for.
type (
	nothing struct{}
	// one names a service; all of them when empty.
	one      struct{ Service string }
	person   struct{ Service, User string }
	handleOf struct{ Service, ID string }
	move     struct{ Advance string }
)

// moment is the simulators' time.
type moment struct {
	Now time.Time `json:"now"`
}

// failure says why a request was refused.
type failure struct {
	Error string `json:"error"`
}
