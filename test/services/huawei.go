// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package services

import (
	"math/rand/v2"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/huawei"
)

// Huawei is an account at Huawei Cloud.
func Huawei() Service {
	return Service{
		Kind: "huawei", Name: "huawei", Title: "Huawei Cloud IAM", Version: "Huawei Cloud IAM v5", Quota: 2, Dated: true,
		Spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.Huawei = &v1alpha1.HuaweiService{URL: url, DomainID: huawei.DefaultDomainID, CredentialsSecretRef: v1alpha1.SecretReference{Name: secret}}
		},
		Open: func(o Options) *Account {
			options := huawei.Options{Lag: o.Lag}
			if o.Random != nil {
				options = wildHuawei(o.Random)
			}
			options.Clock = o.Clock
			a := OpenHuawei(options)
			if o.Stable {
				add := a.Server.(*huawei.Simulator).AddUserWithID
				a.AddUser = func(name string) User { return huaweiUser(name, add("07609fb9358010e21f7bc003751c7c32", name)) }
			}
			return a
		},
	}
}

// OpenHuawei creates an account.
func OpenHuawei(options huawei.Options) *Account {
	server := huawei.New(options)
	return &Account{
		Service: Huawei(), Server: server, Core: server.Core, Lag: options.Lag,
		AddUser: func(name string) User { return huaweiUser(name, server.AddUser(name)) },
		MakeKey: func(u User) (simulator.Pair, string, error) { return server.MakeKey(u.Name) },
	}
}

func huaweiUser(name, id string) User {
	return User{
		Name: name, Alias: id, Owner: id,
		Secret: map[string]string{"access-key-id": huawei.DefaultAccessKeyID, "secret-access-key": huawei.DefaultSecretAccessKey},
	}
}

func wildHuawei(rng *rand.Rand) huawei.Options {
	return huawei.Options{
		LimitStatus: pick(rng, 0, 400), LimitCode: pick(rng, "", "akSkNumExceed"), InactiveUncounted: pick(rng, false, true),
		Shape: pick(rng, huawei.ShapeFlat, huawei.ShapeCode, huawei.ShapeNested, huawei.ShapeClassic), Updated: pick(rng, "", "{}", "no body"),
		Empty: pick(rng, "", "null", "absent"), Pages: pick(rng, huawei.PagesFull, huawei.PagesShort), PageSize: pick(rng, 0, 1),
		RetryAfter: pick(rng, "", "7"), Lag: pick(rng, 0, 2*time.Second), UsedAtCreation: pick(rng, false, true),
	}
}
