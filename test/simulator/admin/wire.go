// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import "accesskey.dev/operator/test/simulator"

// Welcome describes how to reach the services.
type Welcome struct {
	// Admin is the base URL of the admin endpoint.
	Admin string `json:"admin"`
	// Services contains an account of each service, by name.
	Services map[string]Account `json:"services"`
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

// These are the bodies of requests.
type (
	nothing struct{}
	// one names a service. If it is empty, it means every service.
	one      struct{ Service string }
	person   struct{ Service, User string }
	handleOf struct{ Service, ID string }
)

// failure is the response that explains why a request was rejected.
type failure struct {
	Error string `json:"error"`
}
