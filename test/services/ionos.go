// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package services

import (
	"math/rand/v2"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/ionos"
)

// IONOS is a service that takes some seconds to create and to delete a key, as the real one.
func IONOS() Service {
	return Service{
		Kind: "ionos", Name: "ionos", Title: "IONOS Object Storage", Version: "IONOS Object Storage Management API 0.1.0", Quota: 5,
		Regenerates: true, HidesLate: true,
		Spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.IONOS = &v1alpha1.IONOSService{URL: url, TokenSecretRef: v1alpha1.TokenReference{Name: secret, Key: "token"}}
		},
		Open: func(o Options) *Account {
			options := ionos.Options{Provisioning: 3 * time.Second, Destroying: 3 * time.Second, Unseen: time.Second, MaxDescription: 128}
			if o.Random != nil {
				options = wildIONOS(o.Random)
			}
			options.Clock = o.Clock
			a := OpenIONOS(options)
			if o.Stable {
				a.AddUser = func(name string) User {
					token := a.Server.(*ionos.Simulator).AddUserWithToken(name, "3f6c1d9a-0b7e-4a35-9c58-6e2d4b1a7f80", "the signature of a simulator")
					return User{Owner: name, Secret: map[string]string{"token": token}}
				}
			}
			return a
		},
	}
}

// OpenIONOS creates a service.
func OpenIONOS(options ionos.Options) *Account {
	server := ionos.New(options)
	return &Account{
		Service: IONOS(), Server: server, Core: server.Core,
		AddUser: func(name string) User {
			return User{Owner: name, Secret: map[string]string{"token": server.AddUser(name)}}
		},
		MakeKey: func(u User) (simulator.Pair, string, error) { return server.MakeKey(u.Owner, "made by hand") },
	}
}

func wildIONOS(rng *rand.Rand) ionos.Options {
	return ionos.Options{
		Provisioning: pick(rng, 0, 3*time.Second, time.Minute), Destroying: pick(rng, 0, 3*time.Second, time.Minute),
		Unseen: pick(rng, 0, time.Second), LimitStatus: pick(rng, 0, 409), LimitFirst: pick(rng, false, true),
		DestroyingUncounted: pick(rng, false, true), DestroyAgainStatus: pick(rng, 0, 404, 409), DestroyingWorks: pick(rng, false, true),
		DestroyedTaken: pick(rng, false, true), Secrets: pick(rng, ionos.HiddenEmpty, ionos.HiddenAbsent, ionos.HiddenNull, ionos.HiddenNot),
		EnsureHides: pick(rng, false, true), RenewStatus: pick(rng, 0, 202), RenewChangesAccessKey: pick(rng, false, true),
		BareErrors: pick(rng, false, true), Next: pick(rng, ionos.NextHTTP, ionos.NextForeign, ionos.NextAbsent), PageSize: pick(rng, 0, 2),
	}
}
