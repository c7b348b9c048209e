// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	keysPath    = "/v1/s3/access-keys/" // without the slash it is a 404
	versionPath = "/v1/version"
	whoAmIPath  = "/v1/session/who-am-i"
	statePath   = "/v1/node/state"

	// keysPerUser: "a user must have fewer than two keys" to be given one (REST API guide, POST /v1/s3/access-keys/).
	keysPerUser = 2
)

// Config says which cluster to manage, and with which credentials: either a Token or a Username and Password.
type Config struct {
	// URL of the REST API: https, host and port (8000 unless changed), nothing else.
	URL string
	// Token is a session token or, better, an access token, which lasts longer than 10 hours.
	Token keyservice.Secret
	// Username and Password are exchanged for a session token whenever the last one has ended.
	Username string
	Password keyservice.Secret
	// HTTP is from rest.NewHTTPClient.
	HTTP *http.Client
	// Gate is shared by all clients with these credentials.
	Gate *rest.Gate
}

// Service is a Qumulo cluster. Its methods take users in the notation of the vendor's command-line tool; see parseUser.
type Service struct {
	// Pointers, so that a Service that is printed by accident prints addresses and no tokens.
	client *client
	users  *users
}

var (
	_ keyservice.Service      = (*Service)(nil)
	_ keyservice.AllLister    = (*Service)(nil)
	_ keyservice.Prober       = (*Service)(nil)
	_ keyservice.UserResolver = (*Service)(nil)
	_ keyservice.Identifier   = (*Service)(nil)
)

// New checks the configuration and sends nothing. Its errors are of kind Invalid.
func New(config Config) (*Service, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, &keyservice.Error{Kind: keyservice.Invalid, Op: "set up the Qumulo client", Err: err}
	}
	return &Service{client: client, users: &users{client: client}}, nil
}

// Limits implements keyservice.Service. There is no list lag: a cluster lists what it has just answered ("Access is revoked
// immediately", REST API guide), and no client of the vendor's waits or polls after a create.
func (s *Service) Limits() keyservice.Limits { return keyservice.Limits{KeysPerUser: keysPerUser} }

// Identity implements keyservice.Identifier: "qumulo/" and the cluster_id of the node that answers (GET /v1/node/state,
// Qumulo/docs rest-api-guide/node/state.md: "Unique identifier of cluster the node belongs to").
func (s *Service) Identity(ctx context.Context) (string, error) {
	read := rest.Request{Op: "read cluster ID", Safe: true, Method: http.MethodGet, Path: statePath}
	answer, err := s.client.do(ctx, read)
	if err != nil {
		return "", err
	}
	var state struct {
		ClusterID rest.Text `json:"cluster_id"`
	}
	if json.Unmarshal(answer.Body, &state) != nil || state.ClusterID == "" {
		return "", read.Fail(keyservice.Unavailable, errNotQumulo)
	}
	return "qumulo/" + strings.ToLower(string(state.ClusterID)), nil
}

// Probe implements keyservice.Prober. It reads the version without credentials, and then proves them by who-am-i.
func (s *Service) Probe(ctx context.Context) (string, error) {
	read := rest.Request{Op: "read version", Safe: true, Method: http.MethodGet, Path: versionPath}
	answer, err := s.client.send(ctx, read, "")
	if err != nil {
		return "", err
	}
	var version struct {
		Revision rest.Text `json:"revision_id"`
	}
	if json.Unmarshal(answer.Body, &version) != nil || version.Revision == "" {
		return "", read.Fail(keyservice.Unavailable, errNotQumulo)
	}
	check := rest.Request{Op: "check credentials", Safe: true, Method: http.MethodGet, Path: whoAmIPath}
	if _, err := s.client.do(ctx, check); err != nil {
		return "", err
	}
	return keyservice.Excerpt(string(version.Revision)), nil
}

// Create implements keyservice.Service. The service has no expiry, so the request's TTL is not used.
func (s *Service) Create(ctx context.Context, user string, _ keyservice.CreateRequest) (keyservice.Credential, error) {
	authID, err := s.users.resolve(ctx, user)
	if err != nil {
		return keyservice.Credential{}, err
	}
	create := rest.Request{
		Op: "create key", Subject: rest.DescribeUser(user), Method: http.MethodPost, Path: keysPath,
		Body: map[string]any{"user": identity{AuthID: authID}},
	}
	answer, err := s.client.do(ctx, create)
	if err != nil {
		return keyservice.Credential{}, s.refusedCreate(ctx, create, user, authID, err)
	}
	var key createdKey
	if json.Unmarshal(answer.Body, &key) != nil || key.ID == "" || key.Secret == "" {
		return keyservice.Credential{}, create.NoKey(answer)
	}
	return keyservice.Credential{Key: key.key(), SecretAccessKey: keyservice.Secret(key.Secret)}, nil
}

// refusedCreate finds out what a refused create means. No vendor source says how the two-keys limit is answered, so it
// follows from the number of keys.
func (s *Service) refusedCreate(ctx context.Context, create rest.Request, user, authID string, err error) error {
	refused, ok := rest.Refused(err)
	if !ok || !refused.Decided() || refused.Strange {
		return err
	}
	class := refused.Problem.Code
	aboutLimit := strings.Contains(class, "limit")
	if strings.HasPrefix(class, credClass) && !aboutLimit {
		if refused.Err.Kind == keyservice.NotFound {
			s.users.Forget(authID) // it was deleted, and perhaps made again with another auth_id
		}
		return err
	}
	keys, listErr := s.listOwner(ctx, user, authID)
	switch {
	case aboutLimit || len(keys) >= keysPerUser:
		return create.QuotaExceeded(keysPerUser, keys, refused)
	case listErr != nil:
		return create.Unexplained(refused, listErr)
	case userIsGone(refused):
		s.users.Forget(authID)
		return create.Fail(keyservice.NotFound, fmt.Errorf("the service no longer knows the user: %w", refused.Reason))
	default:
		return err
	}
}

// Delete implements keyservice.Service. The ID of the key is enough, so that the user need not exist or resolve.
func (s *Service) Delete(ctx context.Context, _, keyID string) error {
	remove := rest.Request{
		Op: "delete key", Safe: true, Subject: rest.DescribeKey(keyID), Method: http.MethodDelete, Path: keysPath + url.PathEscape(keyID),
	}
	if !rest.Sendable(keyID) {
		return remove.Fail(keyservice.Invalid, rest.ErrNoKeyID)
	}
	_, err := s.client.do(ctx, remove)
	refused, ok := rest.Refused(err)
	if !ok || refused.Status != http.StatusNotFound {
		return err
	}
	if refused.Problem.Code != "" {
		return nil
	}
	// A 404 without the service's own words may come from a proxy. Taken for "gone", it would leave a working key.
	return s.confirmGone(ctx, remove, keyID)
}

func (s *Service) confirmGone(ctx context.Context, remove rest.Request, keyID string) error {
	entries, err := s.listEverything(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(entries, func(entry keyEntry) bool { return entry.ID == rest.Text(keyID) }) {
		return remove.Fail(keyservice.Unavailable, rest.ErrStillListed)
	}
	return nil
}
