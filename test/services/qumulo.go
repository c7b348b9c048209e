// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package services

import (
	"math/rand/v2"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// Qumulo is a cluster whose users are local.
func Qumulo() Service {
	return Service{
		Kind: "qumulo", Name: "qumulo", Title: "Qumulo Core", Version: "Qumulo Core 7.9.2.2", Quota: 2, Dated: true,
		Spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.Qumulo = &v1alpha1.QumuloService{URL: url, LoginSecretRef: &v1alpha1.SecretReference{Name: secret}}
		},
		Open: func(o Options) *Account {
			options := qumulo.Options{}
			if o.Random != nil {
				options = wildQumulo(o.Random)
			}
			if o.Stable {
				options.ClusterID = "7d5c1a2e-9a1b-4c53-8f0e-2d6b7c8e9f10"
			}
			options.Clock = o.Clock
			return OpenQumulo(options)
		},
	}
}

// OpenQumulo creates a cluster.
func OpenQumulo(options qumulo.Options) *Account {
	server := qumulo.New(options)
	secret := map[string]string{"username": qumulo.DefaultUsername, "password": qumulo.DefaultPassword, "token": server.AddToken(time.Time{})}
	return &Account{
		Service: Qumulo(), Server: server, Core: server.Core,
		AddUser: func(name string) User {
			owner := "auth_id:" + server.AddUser(name)
			return User{Name: "local:" + name, Alias: owner, Owner: owner, Secret: secret}
		},
		MakeKey: func(u User) (simulator.Pair, string, error) { return server.MakeKey(u.Name) },
	}
}

func wildQumulo(rng *rand.Rand) qumulo.Options {
	return qumulo.Options{
		LimitStatus: pick(rng, 0, 400, 422), LimitClass: pick(rng, "", "s3_error"), UnknownStatus: pick(rng, 0, 404),
		BareErrors: pick(rng, false, true), Next: pick(rng, qumulo.NextRelative, qumulo.NextAbsolute, qumulo.NextForeign),
		PageSize: pick(rng, 0, 1), NumericAuthID: pick(rng, false, true), SessionLife: pick(rng, 0, time.Hour),
	}
}
