// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"context"
	"fmt"
	"net/http"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	defaultURL = "https://s3.ionos.com"
	keysPath   = "/accesskeys"

	// version of the API that this package was written for. No endpoint returns it.
	version = "IONOS Object Storage Management API 0.1.0"
	// keysPerUser: "A user can have up to five access keys" (docs.ionos.com, limitations of the Object Storage).
	keysPerUser = 5
)

// Config says where to manage keys, and by its token, whose.
type Config struct {
	// URL of the API without its path: https and host; empty for https://s3.ionos.com.
	URL string
	// Token is a JWT of the IONOS Cloud Authentication API. Keys belong to its user.
	Token keyservice.Secret
	// HTTP is from rest.NewHTTPClient.
	HTTP *http.Client
	// Gate is shared by all clients with this token.
	Gate *rest.Gate
}

// Service is the access keys of one IONOS Cloud user. Its methods take an empty user, since the service knows only the token's
// user.
type Service struct {
	// Pointers, so that a Service that is printed by accident prints addresses and no tokens.
	client *rest.Client
	user   string
	memory *memory
}

var (
	_ keyservice.Service       = (*Service)(nil)
	_ keyservice.AllLister     = (*Service)(nil)
	_ keyservice.Prober        = (*Service)(nil)
	_ keyservice.Regenerator   = (*Service)(nil)
	_ keyservice.HandleChooser = (*Service)(nil)
	_ keyservice.Identifier    = (*Service)(nil)
)

// New checks the configuration and sends nothing. Its errors are of kind Invalid.
func New(config Config) (*Service, error) {
	client, user, err := newClient(config)
	if err != nil {
		return nil, &keyservice.Error{Kind: keyservice.Invalid, Op: "set up the IONOS client", Err: err}
	}
	return &Service{client: client, user: user, memory: &memory{made: map[string]madeKey{}, taken: map[string]bool{}}}, nil
}

// Limits implements keyservice.Service.
func (s *Service) Limits() keyservice.Limits {
	return keyservice.Limits{KeysPerUser: keysPerUser, DeletesLater: true, ActivatesLater: true, KeepsAccessKeyID: true, ListLag: listLag, Marks: true}
}

// Identity implements keyservice.Identifier: "ionos/" and the token's user. It sends no request.
func (s *Service) Identity(context.Context) (string, error) {
	return "ionos/" + s.user, nil
}

// Probe implements keyservice.Prober. A list of one key proves the token.
func (s *Service) Probe(ctx context.Context) (string, error) {
	if _, _, err := s.page(ctx, "check credentials", 0, 1); err != nil {
		return "", err
	}
	return version, nil
}

// ownUser refuses any named user, since a key always belongs to the user of the token.
func ownUser(op, user string) error {
	if user == "" {
		return nil
	}
	return &keyservice.Error{Kind: keyservice.Invalid, Op: op, Err: fmt.Errorf(
		"user %s: the keys of this service belong to the user of the KeyService's token, and no other can be named; "+
			"leave the user empty, or give another user a KeyService with a token of their own", keyservice.Excerpt(user))}
}
