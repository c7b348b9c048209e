// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	// keysPerUser: "Access keys assigned to an IAM user: 2" (user guide, IAM and STS quotas). The quota cannot be raised.
	keysPerUser = 2
	// listLag is how long a new key may be missing from lists and unknown to other requests. No source says how long; IAM is
	// eventually consistent.
	listLag = time.Minute
	// worksOn is how long a key of AWS works after it was deleted or disabled: 3 to 4 seconds (OFFENSAI's research on the eventual
	// consistency of IAM).
	worksOn = 5 * time.Second
)

// Service is an account at AWS IAM, or at a server that speaks its API. Its methods take users by name, without a path.
type Service struct {
	// Pointers, so that a Service that is printed by accident prints addresses and no secrets.
	config *Config
	client *client
	recent *rest.Recent
	kept   *kept
	// started is when the Service was made. A key without a date can have been made just before.
	started time.Time
	// users are the names of users as the service writes them, by the name that was asked for.
	users *rest.Memory
	// quota is the number of keys per user that the service has told; 0 before.
	quota atomic.Int64
	// unprobed is what Connect has found out, until Probe has used it.
	unprobed atomic.Pointer[caller]
	// untold is why the service does not tell the last use of any key; nil if it may.
	untold atomic.Pointer[keyservice.Error]
}

var (
	_ keyservice.Service          = (*Service)(nil)
	_ keyservice.Prober           = (*Service)(nil)
	_ keyservice.Connector        = (*Service)(nil)
	_ keyservice.Disabler         = (*Service)(nil)
	_ keyservice.Enabler          = (*Service)(nil)
	_ keyservice.LastUsedReporter = (*Service)(nil)
	_ keyservice.HandleChooser    = (*Service)(nil)
	_ keyservice.UserResolver     = (*Service)(nil)
	_ keyservice.Identifier       = (*Service)(nil)
)

// New checks the configuration and sends nothing. Its errors are of kind Invalid.
func New(config Config) (*Service, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, &keyservice.Error{Kind: keyservice.Invalid, Op: "set up the IAM client", Err: err}
	}
	return &Service{
		client: client, config: &config, users: &rest.Memory{}, kept: &kept{}, started: config.Now(),
		recent: &rest.Recent{Now: config.Now, Lag: max(listLag, config.ActivationDelay)},
	}, nil
}

// Limits implements keyservice.Service.
func (s *Service) Limits() keyservice.Limits {
	limits := keyservice.Limits{
		KeysPerUser:    cmp.Or(s.config.KeysPerUser, int(s.quota.Load()), keysPerUser),
		ActivatesLater: s.config.ActivationDelay > 0,
		ListLag:        listLag,
	}
	if s.client.iam.isAWS() {
		limits.WorksOn = worksOn
	}
	return limits
}

// Probe implements keyservice.Prober. It asks for the caller's account, unless Connect was called since the last Probe. A server
// without STS is asked for one user. That proves the signature, even if the answer is that a right is lacking.
func (s *Service) Probe(ctx context.Context) (string, error) {
	found := s.unprobed.Swap(nil)
	if found == nil {
		var err error
		if found, err = s.whoAmI(ctx); err != nil {
			return "", err
		}
	}
	if found.account == "" {
		if err := s.askForOneUser(ctx); err != nil {
			return "", err
		}
	}
	return s.client.product() + found.suffix(), nil
}
