// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// client sends requests with a token, and logs in for a new one when the token has ended.
type client struct {
	base    string
	http    *http.Client
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
	c := &client{base: base, http: config.HTTP}
	c.session = &session{
		client: c, token: token, username: username, password: password, static: token != "",
	}
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
	return sender.Do(ctx, r)
}
