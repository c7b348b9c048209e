// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	keysPath    = "/v1/s3/access-keys/" // without the slash it is a 404
	versionPath = "/v1/version"
	whoAmIPath  = "/v1/session/who-am-i"

	// keysPerUser: "a user must have fewer than two keys" to be given one (REST API guide, POST /v1/s3/access-keys/).
	keysPerUser = 2
)

// Config says which cluster to talk to, and as whom. It has either a Token or a Username and Password.
type Config struct {
	// URL of the REST API: https, host and port (8000 unless changed), nothing else.
	URL string
	// Token is a session token or, better, an access token, which lasts longer than 10 hours.
	Token keyservice.Secret
	// Username and Password are exchanged for a session token whenever the last one has ended.
	Username string
	Password keyservice.Secret
	// HTTP is from keyservice.NewHTTPClient.
	HTTP *http.Client
}

// Service is a Qumulo cluster. Its methods take users in the notation of the vendor's command-line tool; see parseUser.
type Service struct {
	// Pointers, so that printing a Service by accident prints addresses and no tokens.
	client *client
	users  *users
}

var (
	_ keyservice.Service   = (*Service)(nil)
	_ keyservice.AllLister = (*Service)(nil)
	_ keyservice.Prober    = (*Service)(nil)
)

// New checks the configuration and sends nothing. Its errors are of kind Invalid.
func New(config Config) (*Service, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, &keyservice.Error{Kind: keyservice.Invalid, Op: "set up the Qumulo client", Err: err}
	}
	return &Service{client: client, users: newUsers(client)}, nil
}

// Limits implements keyservice.Service.
func (s *Service) Limits() keyservice.Limits { return keyservice.Limits{KeysPerUser: keysPerUser} }

// Probe implements keyservice.Prober: the version can be read without credentials, who-am-i proves them.
func (s *Service) Probe(ctx context.Context) (string, error) {
	read := request{
		call: keyservice.Call{Op: "read version", Safe: true}, method: http.MethodGet, path: versionPath, anonymous: true,
	}
	answer, err := s.client.do(ctx, read)
	if err != nil {
		return "", err
	}
	var version struct {
		Revision text `json:"revision_id"`
	}
	if json.Unmarshal(answer.Body, &version) != nil || version.Revision == "" {
		return "", read.fail(keyservice.Unavailable, errNotQumulo)
	}
	_, err = s.client.do(ctx, request{
		call: keyservice.Call{Op: "check credentials", Safe: true}, method: http.MethodGet, path: whoAmIPath,
	})
	if err != nil {
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
	create := request{
		call: keyservice.Call{Op: "create key"}, subject: describeUser(user),
		method: http.MethodPost, path: keysPath, body: map[string]any{"user": identity{AuthID: authID}},
	}
	answer, err := s.client.do(ctx, create)
	if err != nil {
		return keyservice.Credential{}, s.refusedCreate(ctx, create, user, authID, err)
	}
	var key createdKey
	if json.Unmarshal(answer.Body, &key) != nil || key.ID == "" || key.Secret == "" {
		err := fmt.Errorf("the service answered %d, but with no key that can be read", answer.Status)
		return keyservice.Credential{}, create.fail(keyservice.Ambiguous, err)
	}
	return keyservice.Credential{Key: key.key(), SecretAccessKey: keyservice.Secret(key.Secret)}, nil
}

// refusedCreate finds out what a refused create means. No vendor source says how the two-keys limit is answered, so it
// is told from the number of keys.
func (s *Service) refusedCreate(ctx context.Context, create request, user, authID string, err error) error {
	refused, ok := errors.AsType[*refusal](err)
	if !ok || !clientError(refused.status) || refused.strange {
		return err
	}
	aboutLimit := strings.Contains(refused.class, "limit")
	if strings.HasPrefix(refused.class, credClass) && !aboutLimit {
		if refused.err.Kind == keyservice.NotFound {
			s.users.forget(user) // it was deleted, and perhaps made again with another auth_id
		}
		return err
	}
	keys, listErr := s.listOwner(ctx, user, authID)
	switch {
	case aboutLimit || len(keys) >= keysPerUser:
		return create.fail(keyservice.QuotaExceeded, fmt.Errorf(
			"as many keys as the service allows are taken (%d%s); delete one that is not needed: %w",
			keysPerUser, describeKeys(keys), refused.reason))
	case listErr != nil:
		failed := create.fail(keyservice.KindOf(listErr), fmt.Errorf(
			"%w; the keys that would tell why could not be listed: %w", refused.reason, listErr))
		failed.RetryAfter = keyservice.RetryAfterOf(listErr)
		return failed
	case refused.userIsGone():
		s.users.forget(user)
		return create.fail(keyservice.NotFound, fmt.Errorf("the service knows the user no more: %w", refused.reason))
	default:
		return err
	}
}

// Delete implements keyservice.Service. The user need not exist any more, nor be resolved: the key's ID is enough.
func (s *Service) Delete(ctx context.Context, _, keyID string) error {
	remove := request{
		call: keyservice.Call{Op: "delete key", Safe: true}, subject: "key " + keyservice.Excerpt(keyID),
		method: http.MethodDelete, path: keysPath + url.PathEscape(keyID),
	}
	if !deletable(keyID) {
		return remove.fail(keyservice.Invalid, errors.New("this is not the ID of a key"))
	}
	_, err := s.client.do(ctx, remove)
	refused, ok := errors.AsType[*refusal](err)
	if !ok || refused.status != http.StatusNotFound {
		return err
	}
	if refused.class != "" {
		return nil
	}
	// A 404 without the service's own words may come from a proxy, and taking it for "gone" would leave a live key.
	return s.confirmGone(ctx, remove, keyID)
}

func (s *Service) confirmGone(ctx context.Context, remove request, keyID string) error {
	entries, err := s.listEverything(ctx)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.ID == text(keyID) {
			return remove.fail(keyservice.Unavailable, errors.New("the service answered 404, yet it still lists the key"))
		}
	}
	return nil
}

// deletable keeps an empty or strange ID from naming the collection, or some other resource.
func deletable(keyID string) bool {
	return keyID != "" && keyID != "." && keyID != ".." && !strings.ContainsFunc(keyID, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`/\?#%`, r)
	})
}
