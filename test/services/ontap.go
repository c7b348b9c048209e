// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package services

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"

	versions "k8s.io/apimachinery/pkg/util/version"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/ontap"
)

// ONTAP is a cluster of this version whose only user is root.
func ONTAP(version string) Service {
	quota := 1
	if versions.MustParseGeneric(version).AtLeast(versions.MustParseGeneric(ontap.V9191)) {
		quota = 2
	}
	return Service{
		Kind: "ontap", Name: "ontap-" + version, Title: "NetApp ONTAP", Version: "ONTAP " + version, Quota: quota,
		Regenerates: true, Expires: true, MakesUsers: true,
		Spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.ONTAP = &v1alpha1.ONTAPService{URL: url, SVM: ontap.DefaultSVM, CredentialsSecretRef: v1alpha1.SecretReference{Name: secret}}
		},
		Open: func(o Options) *Account {
			options := ontap.Options{}
			if o.Random != nil {
				options = wildONTAP(o.Random)
			}
			if o.Stable {
				options.UUID = "1cd8a442-86d1-11e0-ae1c-123478563412"
			}
			options.Clock, options.Version = o.Clock, version
			return OpenONTAP(options)
		},
	}
}

// OpenONTAP creates a cluster. The options must have a version.
func OpenONTAP(options ontap.Options) *Account {
	server, service := ontap.New(options), ONTAP(options.Version)
	secret := map[string]string{"username": ontap.DefaultUsername, "password": ontap.DefaultPassword}
	return &Account{
		Service: service, Server: server, Core: server.Core,
		AddUser: func(name string) User { return User{Name: name, Alias: name, Owner: name, Secret: secret} },
		MakeKey: func(u User) (simulator.Pair, string, error) { return takeFreeSlot(server, u.Name, service.Quota) },
	}
}

// takeFreeSlot creates the user by hand, or gives an existing user its second key. Taking over a slot includes removing the
// operator's mark, as docs/services/ontap.md says.
func takeFreeSlot(server *ontap.Simulator, user string, quota int) (pair simulator.Pair, secret string, err error) {
	if !slices.Contains(server.Users(), user) {
		return server.AddUser(user, "made by hand")
	}
	taken := server.Keys(user)
	if len(taken) >= quota {
		return pair, "", errors.New("there is no free slot")
	}
	if len(taken) == 0 {
		server.SetComment(user, "made by hand")
	}
	slot := 1
	if len(taken) > 0 && taken[0].ID == user {
		slot = 2
	}
	owner := regexp.MustCompile(fmt.Sprintf(" %d=[^ ]+", slot))
	server.SetComment(user, owner.ReplaceAllString(server.Comment(user), ""))
	return server.MakeKey(user, slot)
}

func wildONTAP(rng *rand.Rand) ontap.Options {
	return ontap.Options{
		ErrorStatus: pick(rng, 0, 409, 500), NotFoundStatus: pick(rng, 0, 405), DuplicateStatus: pick(rng, 0, 400),
		NumericCodes: pick(rng, false, true), EmptyAnswers: pick(rng, false, true), ExpiryLayout: pick(rng, "", "2006-01-02 15:04:05-07:00", time.RFC3339),
		Next: pick(rng, ontap.NextPath, ontap.NextAbsolute, ontap.NextBare), PageSize: pick(rng, 0, 1), TTLKept: pick(rng, false, true),
		EmptyDeleteRefused: pick(rng, false, true), EmptySlotsListed: pick(rng, false, true), SecondKeyOnly: pick(rng, false, true),
		TextKeyIDs: pick(rng, false, true), PairInKeys: pick(rng, false, true),
	}
}
