// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"golang.org/x/sync/singleflight"

	"accesskey.dev/operator/internal/keyservice"
)

const loginPath = "/v1/session/login"

// session holds the bearer token. One from a login ends after 10 hours (administrator's guide), which shows as a 401; so
// no clock is needed.
type session struct {
	client             *client
	username, password string
	// static: the token was given, and nothing can be had in its place.
	static bool

	mu    sync.Mutex
	token string

	logins singleflight.Group
}

// get returns a token that is not the stale one. However many ask at once, one logs in, and all get its token or error:
// a wrong password must not be tried once per request.
func (s *session) get(ctx context.Context, stale string) (string, error) {
	if token, ok := s.current(stale); ok {
		return token, nil
	}
	result := s.logins.DoChan(stale, func() (any, error) {
		if token, ok := s.current(stale); ok {
			return token, nil
		}
		// The others wait for this too, so it does not end with the one who came first. The HTTP client bounds it.
		return s.logIn(context.WithoutCancel(ctx))
	})
	select {
	case login := <-result:
		if login.Err != nil {
			return "", login.Err
		}
		return login.Val.(string), nil //nolint:forcetypeassert // what the function above returns
	case <-ctx.Done():
		err := errors.New("canceled before the service answered")
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = errors.New("the service did not answer in time")
		}
		return "", loginRequest(nil).fail(keyservice.Unavailable, err)
	}
}

func (s *session) current(stale string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, s.token != "" && s.token != stale
}

func (s *session) logIn(ctx context.Context) (string, error) {
	login := loginRequest(map[string]string{"username": s.username, "password": s.password})
	response, err := s.client.send(ctx, login, "")
	if refused, ok := errors.AsType[*refusal](err); ok {
		return "", refusedLogin(login, refused)
	}
	if err != nil {
		return "", err
	}
	var answer struct {
		Token text `json:"bearer_token"`
	}
	if json.Unmarshal(response.Body, &answer) != nil || answer.Token == "" {
		return "", login.fail(keyservice.Unavailable, errNotQumulo)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = string(answer.Token)
	return s.token, nil
}

// refusedLogin hides the refusal, so that nobody takes it for that of the request that wanted the token.
func refusedLogin(login request, refused *refusal) *keyservice.Error {
	switch refused.err.Kind {
	case keyservice.Throttled, keyservice.Unavailable:
		return refused.err
	default:
		return login.fail(keyservice.Unauthorized, fmt.Errorf(
			"the service does not accept the username and password of the login Secret: %w", refused.reason))
	}
}

func loginRequest(body any) request {
	return request{
		call: keyservice.Call{Op: "log in", Safe: true}, method: http.MethodPost, path: loginPath, body: body,
	}
}
