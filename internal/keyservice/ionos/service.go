// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	defaultURL = "https://s3.ionos.com"
	keysPath   = "/accesskeys"

	// version: there is no endpoint that tells it.
	version = "IONOS Object Storage Management API 0.1.0"
	// keysPerUser: "A user can have up to five access keys" (docs.ionos.com, limitations of the Object Storage).
	keysPerUser = 5
)

// Config says which user's keys to manage, and where.
type Config struct {
	// URL of the API without its path: https and host; empty for https://s3.ionos.com.
	URL string
	// Token is a JWT of the IONOS Cloud Authentication API. Keys belong to its user.
	Token keyservice.Secret
	// HTTP is from keyservice.NewHTTPClient.
	HTTP *http.Client
}

// Service is the access keys of one IONOS Cloud user. Its methods take an empty user, since the service knows no other
// than the token's.
type Service struct {
	// Pointers, so that printing a Service by accident prints addresses and no tokens.
	client *client
	memory *memory
}

var (
	_ keyservice.Service       = (*Service)(nil)
	_ keyservice.AllLister     = (*Service)(nil)
	_ keyservice.Prober        = (*Service)(nil)
	_ keyservice.Regenerator   = (*Service)(nil)
	_ keyservice.HandleChooser = (*Service)(nil)
)

// New checks the configuration and sends nothing. Its errors are of kind Invalid.
func New(config Config) (*Service, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, &keyservice.Error{Kind: keyservice.Invalid, Op: "set up the IONOS client", Err: err}
	}
	return &Service{client: client, memory: newMemory()}, nil
}

// Limits implements keyservice.Service.
func (s *Service) Limits() keyservice.Limits {
	return keyservice.Limits{KeysPerUser: keysPerUser, DeletesLater: true, ActivatesLater: true}
}

// Probe implements keyservice.Prober: a list of one key proves the token. The version is that of the API that this
// package was written for.
func (s *Service) Probe(ctx context.Context) (string, error) {
	if _, _, err := s.page(ctx, "check credentials", 0, 1); err != nil {
		return "", err
	}
	return version, nil
}

// ownUser refuses a user: a key is always that of whoever calls.
func ownUser(op, user string) error {
	if user == "" {
		return nil
	}
	return &keyservice.Error{Kind: keyservice.Invalid, Op: op, Err: fmt.Errorf(
		"user %s: the keys of this service belong to the user of the KeyService's token, and no other can be named; "+
			"leave the user empty, or give another user a KeyService with a token of their own", keyservice.Excerpt(user))}
}

var errNotIONOS = errors.New("the answer is not that of the IONOS Object Storage Management API; check the KeyService's URL")
