// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/sync/semaphore"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	// keysPerUser: "Each user can have a maximum of two access keys" (user guide of IAM 5.0, managing access keys).
	keysPerUser = 2
	// version of the API, as its path has it. The service has none of its own.
	version = "Huawei Cloud IAM v5"
)

// Service is an account at Huawei Cloud. Its methods take users by ID (32 hexadecimal digits) or by name.
type Service struct {
	// Pointers, so that a Service that is printed by accident prints addresses and no secrets.
	client *client
	// users are the IDs of the users whom a look-up has read. One look-up is under way at a time, so that many callers cost
	// one list.
	users  *rest.Memory
	turn   *semaphore.Weighted
	recent *rest.Recent
}

var (
	_ keyservice.Service          = (*Service)(nil)
	_ keyservice.Prober           = (*Service)(nil)
	_ keyservice.Disabler         = (*Service)(nil)
	_ keyservice.Enabler          = (*Service)(nil)
	_ keyservice.LastUsedReporter = (*Service)(nil)
	_ keyservice.UserResolver     = (*Service)(nil)
	_ keyservice.Identifier       = (*Service)(nil)
)

// New checks the configuration and sends nothing. Its errors are of kind Invalid.
func New(config Config) (*Service, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, &keyservice.Error{Kind: keyservice.Invalid, Op: "set up the Huawei Cloud client", Err: err}
	}
	return &Service{
		client: client, users: &rest.Memory{}, turn: semaphore.NewWeighted(1),
		recent: &rest.Recent{Now: config.Now, Lag: listLag},
	}, nil
}

// Limits implements keyservice.Service.
func (s *Service) Limits() keyservice.Limits {
	return keyservice.Limits{KeysPerUser: keysPerUser, ListLag: listLag}
}

// Identity implements keyservice.Identifier: "huawei/" and the account's ID. It sends no request.
func (s *Service) Identity(context.Context) (string, error) {
	return "huawei/" + strings.ToLower(s.client.signer.domainID), nil
}

// Probe implements keyservice.Prober. It asks for one user, which needs a good signature and the right to list users.
func (s *Service) Probe(ctx context.Context) (string, error) {
	check := rest.Request{
		Op: "check credentials", Safe: true, Method: http.MethodGet, Path: usersPath, Query: url.Values{"limit": {"1"}},
	}
	answer, err := s.client.do(ctx, check)
	if err != nil {
		return "", err
	}
	if _, _, err := decodePage[userEntry](answer.Body, "users"); err != nil {
		return "", check.Fail(keyservice.Unavailable, err)
	}
	return version, nil
}

// Create implements keyservice.Service. The service has no expiry, so the request's TTL is not used.
func (s *Service) Create(ctx context.Context, user string, _ keyservice.CreateRequest) (keyservice.Credential, error) {
	userID, err := s.ResolveUser(ctx, user)
	if err != nil {
		return keyservice.Credential{}, err
	}
	create := rest.Request{Op: "create key", Subject: rest.DescribeUser(user), Method: http.MethodPost, Path: keysPath(userID)}
	answer, err := s.client.do(ctx, create)
	if err != nil {
		return keyservice.Credential{}, s.refusedCreate(ctx, create, userID, err)
	}
	var body struct {
		Key keyEntry `json:"access_key"`
	}
	if json.Unmarshal(answer.Body, &body) != nil || body.Key.ID == "" || body.Key.Secret == "" {
		return keyservice.Credential{}, create.NoKey(answer)
	}
	s.recent.Add(userID, body.Key.key())
	return keyservice.Credential{Key: body.Key.key(), SecretAccessKey: keyservice.Secret(body.Key.Secret)}, nil
}

// refusedCreate finds out what a refused create means. No vendor source says how the two-keys limit is answered, so it
// follows from the number of keys, inactive ones included.
func (s *Service) refusedCreate(ctx context.Context, create rest.Request, userID string, err error) error {
	refused, ok := rest.Refused(err)
	if !ok {
		return err
	}
	if missing(refused) {
		s.users.Forget(userID)
		return create.Fail(keyservice.NotFound, fmt.Errorf("the service knows no such user: %w", refused.Reason))
	}
	if !maybeLimit(refused) {
		return err
	}
	keys, listErr := s.listKeys(ctx, create.Subject, userID)
	switch {
	case len(keys) >= keysPerUser:
		return create.QuotaExceeded(keysPerUser, keys, refused)
	case listErr != nil:
		return create.Unexplained(refused, listErr)
	default:
		return err
	}
}
