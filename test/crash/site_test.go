// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"time"

	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
)

const (
	credentials = "credentials"
	serviceURL  = "https://service.example"
)

// site is an account at a key service, with the user of the AccessKeys.
type site struct {
	*services.Account

	user services.User
}

func newSite(account *services.Account) *site { return &site{account, account.AddUser("alice")} }

// opener opens a service with its defaults. lag is the list lag, where the service may have one.
func opener(service services.Service) func(lag time.Duration) *site {
	return func(lag time.Duration) *site { return newSite(service.Open(services.Options{Lag: lag})) }
}

// makeKey creates a foreign key of the user, and also returns its secret.
func (s *site) makeKey() (simulator.Pair, string, error) { return s.MakeKey(s.user) }
