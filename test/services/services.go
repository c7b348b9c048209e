// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package services is the table of the simulated key services. The tests, the demo and the tools take from it how a service is
// started, how a KeyService refers to it, and what it can do.
//
// To add a service, write a file with its row as qumulo.go does, and add the row to All. Then every suite that ranges over the
// table runs at the service: test/contract, which knows the requests of each service, is the only one that needs a subject of its
// own. TestEveryBackendIsKnownEverywhere in internal/keyservice/connect names the other places.
package services

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/ontap"
)

// Server is what the simulators have in common.
type Server interface {
	http.Handler
	Valid(accessKeyID, secret string) bool
	Working(valid func(accessKeyID, secret string) bool) map[string]string
	LivePairs() []simulator.Pair
	History() []simulator.Pair
	Secrets() []string
	RemoveKey(id string) bool
	Inject(rule simulator.Rule, effect simulator.Effect) (lift func())
}

// Service is a row of the table: a key service, or one version of it.
type Service struct {
	// Kind is the field of KeyServiceSpec, such as ontap. Name differs from it where the table has several versions, such as
	// ontap-9.19.1. Title is the name of the product.
	Kind, Name, Title string
	// Version is what the operator reports in status.version.
	Version string
	// Quota is the number of keys that a user can have. If it is 1, a rotation ends the old pair before the new one is published.
	Quota int
	// Regenerates: a key can get a new pair in place. HidesLate: the list of keys does not show that this was carried out late.
	Regenerates, HidesLate bool
	// Dated: the service reports when a key was created. Expires: the service itself ends a pair when its ttl is over.
	Dated, Expires bool
	// MakesUsers: the operator creates a user with its first key.
	MakesUsers bool
	// Spec makes a KeyService refer to the service at this URL, with the credentials in this Secret.
	Spec func(spec *v1alpha1.KeyServiceSpec, url, secret string)
	// Open creates a simulator.
	Open func(Options) *Account
}

// Options of a simulator.
type Options struct {
	// Clock of the service; nil is the real clock.
	Clock clock.PassiveClock
	// Lag is the list lag, where a service may have one.
	Lag time.Duration
	// Random selects each behaviour that no vendor source confirms, except for failures that only an administrator can fix. If it
	// is nil, the service has its defaults, and the identities of the service and its users differ in each run.
	Random *rand.Rand
	// Stable gives the service and its first user the same identities and credentials in each run.
	Stable bool
}

// Account is a running simulator, with an account that the operator can use.
type Account struct {
	Service
	Server

	Core *simulator.Core
	// Lag is the list lag of the service.
	Lag time.Duration
	// AddUser creates a user.
	AddUser func(name string) User
	// MakeKey creates a foreign key of a user, and also returns its secret. It fails if the quota is full.
	MakeKey func(User) (simulator.Pair, string, error)
}

// User is a user of a service.
type User struct {
	// Name is for spec.user. Alias is another spelling of it. Both are empty where the keys belong to the user that signs in.
	Name, Alias string
	// Owner is the user in the ledger of the simulator.
	Owner string
	// Secret is the data of the Secret with the operator's credentials, in each form that the service has.
	Secret map[string]string
}

// All returns the whole table.
func All() []Service {
	return []Service{Qumulo(), IONOS(), Huawei(), ONTAP(ontap.V9141), ONTAP(ontap.V9191), AWS()}
}

// Kinds returns the first row of each kind.
func Kinds() []Service {
	return slices.CompactFunc(All(), func(a, b Service) bool { return a.Kind == b.Kind })
}

// Named returns the row with this name. It panics if there is none.
func Named(name string) Service {
	all := All()
	return all[slices.IndexFunc(all, func(s Service) bool { return s.Name == name })]
}

// pick returns one of the values.
func pick[T any](rng *rand.Rand, values ...T) T { return values[rng.IntN(len(values))] }
