// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// keysPerUser: "Each user can have a maximum of two access keys" (user guide of IAM 5.0, managing access keys).
	keysPerUser = 2
	// version: the service tells none, and its path is what is asked of it.
	version = "Huawei Cloud IAM v5"
)

// Service is an account at Huawei Cloud. Its methods take users by ID (32 hexadecimal digits) or by name.
type Service struct {
	// Pointers, so that printing a Service by accident prints addresses and no secrets.
	client *client
	users  *users
	young  *young
}

var (
	_ keyservice.Service          = (*Service)(nil)
	_ keyservice.Prober           = (*Service)(nil)
	_ keyservice.Disabler         = (*Service)(nil)
	_ keyservice.LastUsedReporter = (*Service)(nil)
)

// New checks the configuration and sends nothing. Its errors are of kind Invalid.
func New(config Config) (*Service, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, &keyservice.Error{Kind: keyservice.Invalid, Op: "set up the Huawei Cloud client", Err: err}
	}
	return &Service{client: client, users: newUsers(client), young: newYoung(config.Now)}, nil
}

// Limits implements keyservice.Service.
func (s *Service) Limits() keyservice.Limits { return keyservice.Limits{KeysPerUser: keysPerUser} }

// Probe implements keyservice.Prober. It asks for one user, which takes a good signature and the right to list users.
func (s *Service) Probe(ctx context.Context) (string, error) {
	check := request{
		call: keyservice.Call{Op: "check credentials", Safe: true}, method: http.MethodGet, path: usersPath,
		query: url.Values{"limit": {"1"}},
	}
	answer, err := s.client.do(ctx, check)
	if err != nil {
		return "", err
	}
	if _, err := decodePage[userEntry](answer.Body, "users"); err != nil {
		return "", check.fail(keyservice.Unavailable, err)
	}
	return version, nil
}

// Create implements keyservice.Service. The service has no expiry, so the request's TTL is not used.
func (s *Service) Create(ctx context.Context, user string, _ keyservice.CreateRequest) (keyservice.Credential, error) {
	userID, err := s.users.resolve(ctx, user)
	if err != nil {
		return keyservice.Credential{}, err
	}
	create := request{
		call: keyservice.Call{Op: "create key"}, subject: describeUser(user), method: http.MethodPost, path: keysPath(userID),
	}
	answer, err := s.client.do(ctx, create)
	if err != nil {
		return keyservice.Credential{}, s.refusedCreate(ctx, create, user, userID, err)
	}
	var body struct {
		Key keyEntry `json:"access_key"`
	}
	if json.Unmarshal(answer.Body, &body) != nil || body.Key.ID == "" || body.Key.Secret == "" {
		err := fmt.Errorf("the service answered %d, but with no key that can be read", answer.Status)
		return keyservice.Credential{}, create.fail(keyservice.Ambiguous, err)
	}
	s.young.add(string(body.Key.ID))
	return keyservice.Credential{Key: body.Key.key(), SecretAccessKey: keyservice.Secret(body.Key.Secret)}, nil
}

// refusedCreate finds out what a refused create means. No vendor source says how the two-keys limit is answered, so it
// is told from the number of keys, inactive ones included.
func (s *Service) refusedCreate(ctx context.Context, create request, user, userID string, err error) error {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	if refused.missing() {
		s.users.forget(user)
		return create.fail(keyservice.NotFound, fmt.Errorf("the service knows no such user: %w", refused.reason))
	}
	if !refused.maybeLimit() {
		return err
	}
	keys, listErr := s.listKeys(ctx, describeUser(user), userID)
	switch {
	case len(keys) >= keysPerUser:
		return create.fail(keyservice.QuotaExceeded, fmt.Errorf(
			"as many keys as the service allows are taken (%d: %s); delete one that is not needed: %w",
			keysPerUser, describeKeys(keys), refused.reason))
	case listErr != nil:
		failed := create.fail(keyservice.KindOf(listErr), fmt.Errorf(
			"%w; the keys that would tell why could not be listed: %w", refused.reason, listErr))
		failed.RetryAfter = keyservice.RetryAfterOf(listErr)
		return failed
	default:
		return err
	}
}
