// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const loginPath = "/v1/session/login"

// client sends requests with a token, and logs in for a new one when the token has ended.
type client struct {
	base    string
	http    *http.Client
	gate    *rest.Gate
	session *session
}

func newClient(config Config) (*client, error) {
	base, err := rest.BaseURL(config.URL, "https://qumulo.example:8000")
	if err != nil {
		return nil, err
	}
	if config.HTTP == nil {
		return nil, errors.New("there is no HTTP client")
	}
	// A value in a Secret often ends in a newline, which neither a header nor a login accepts.
	token := strings.TrimSpace(config.Token.Reveal())
	username := strings.TrimRight(config.Username, "\r\n")
	password := strings.TrimRight(config.Password.Reveal(), "\r\n")
	switch {
	case token != "" && (username != "" || password != ""):
		return nil, errors.New("there is a token as well as a login; give one of them")
	case token == "" && (username == "" || password == ""):
		return nil, errors.New("there is neither a token nor a username with its password")
	case token != "" && !rest.IsToken(token):
		return nil, errors.New("the token has characters that no token has")
	}
	c := &client{base: base, http: config.HTTP, gate: config.Gate}
	c.session = &session{client: c, token: token, username: username, password: password, static: token != ""}
	return c, nil
}

// do sends the request with a token. A request that meets a 401 was not carried out, and is sent once more with a new
// session, if there is a login.
func (c *client) do(ctx context.Context, r rest.Request) (*rest.Response, error) {
	token, err := c.session.get(ctx, "")
	if err != nil {
		return nil, err
	}
	response, err := c.send(ctx, r, token)
	refused, ok := rest.Refused(err)
	if !ok || refused.Status != http.StatusUnauthorized || c.session.static {
		return response, err
	}
	if token, err = c.session.get(ctx, token); err != nil {
		return nil, err
	}
	return c.send(ctx, r, token)
}

// send sends the request once; without a token if that is empty.
func (c *client) send(ctx context.Context, r rest.Request, token string) (*rest.Response, error) {
	sender := &rest.Client{
		Base: c.base, HTTP: c.http, Explain: decodeProblem,
		Redact: keyservice.NewRedactor(keyservice.Secret(token), keyservice.Secret(c.session.password)),
		Authorize: func(request *http.Request) {
			if token != "" {
				request.Header.Set("Authorization", "Bearer "+token)
			}
		},
		Classify: func(refused *rest.Refusal) { c.classify(refused, token != "") },
	}
	if token != "" && c.session.static { // a session that has ended is no wrong password
		sender.Gate = c.gate
	}
	return sender.Do(ctx, r)
}

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
	response, err := s.client.gate.Do(ctx, login, func() (*rest.Response, error) {
		response, err := s.client.send(ctx, login, "")
		if refused, ok := rest.Refused(err); ok {
			return nil, refusedLogin(login, refused)
		}
		return response, err
	})
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
