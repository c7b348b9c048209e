// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const loginPath = "/v1/session/login"

// session holds the bearer token. A token from a login ends after 10 hours (administrator's guide), which shows as a 401, so
// that no clock is needed.
type session struct {
	client             *client
	username, password string
	// static: the token was given, and there is no login to get another one.
	static bool

	mu    sync.Mutex
	token string

	logins rest.Flight[string]
}

// get returns a token that is not the stale one. However many callers ask at once, one logs in and all get its token or
// error, since a wrong password must not be tried once per request.
func (s *session) get(ctx context.Context, stale string) (string, error) {
	if token, ok := s.current(stale); ok {
		return token, nil
	}
	return s.logins.Do(ctx, stale, loginRequest(nil), func(ctx context.Context) (string, error) {
		if token, ok := s.current(stale); ok {
			return token, nil
		}
		return s.logIn(ctx)
	})
}

func (s *session) current(stale string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, s.token != "" && s.token != stale
}

func (s *session) logIn(ctx context.Context) (string, error) {
	login := loginRequest(map[string]string{"username": s.username, "password": s.password})
	response, err := s.client.send(ctx, login, "")
	if refused, ok := rest.Refused(err); ok {
		return "", refusedLogin(login, refused)
	}
	if err != nil {
		return "", err
	}
	var answer struct {
		Token rest.Text `json:"bearer_token"`
	}
	if json.Unmarshal(response.Body, &answer) != nil || answer.Token == "" {
		return "", login.Fail(keyservice.Unavailable, errNotQumulo)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = string(answer.Token)
	return s.token, nil
}

// refusedLogin hides the refusal, so that it is not taken for that of the request that needed the token.
func refusedLogin(login rest.Request, refused *rest.Refusal) *keyservice.Error {
	switch refused.Err.Kind {
	case keyservice.Throttled, keyservice.Unavailable:
		return refused.Err
	default:
		return login.Fail(keyservice.Unauthorized, fmt.Errorf(
			"the service does not accept the username and password of the login Secret: %w", refused.Reason))
	}
}

func loginRequest(body any) rest.Request {
	return rest.Request{Op: "log in", Safe: true, Method: http.MethodPost, Path: loginPath, Body: body}
}
