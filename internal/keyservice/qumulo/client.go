// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"accesskey.dev/operator/internal/keyservice"
)

// client sends requests with a token, which it renews where it can.
type client struct {
	base    string
	http    *http.Client
	session *session
}

func newClient(config Config) (*client, error) {
	base, err := parseBase(config.URL)
	if err != nil {
		return nil, err
	}
	if config.HTTP == nil {
		return nil, errors.New("there is no HTTP client")
	}
	// What is kept in a Secret often ends in a newline, which neither a header nor a login would bear.
	token := strings.TrimSpace(config.Token.Reveal())
	username := strings.TrimRight(config.Username, "\r\n")
	password := strings.TrimRight(config.Password.Reveal(), "\r\n")
	switch {
	case token != "" && (username != "" || password != ""):
		return nil, errors.New("there is a token as well as a login; give one of them")
	case token == "" && (username == "" || password == ""):
		return nil, errors.New("there is neither a token nor a username with its password")
	case strings.ContainsFunc(token, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }):
		return nil, errors.New("the token has characters that no token has")
	}
	c := &client{base: base, http: config.HTTP}
	c.session = &session{
		client: c, token: token, username: username, password: password, static: token != "",
	}
	return c, nil
}

// parseBase does not quote the URL in its errors, since it may hold a password.
func parseBase(text string) (string, error) {
	const want = "; it should look like https://qumulo.example:8000"
	base, err := url.Parse(text)
	switch {
	case err != nil || base.Scheme == "" || base.Opaque != "":
		return "", errors.New("the URL cannot be read" + want)
	case base.Scheme != "https":
		return "", errors.New("the URL does not begin with https://, and the service speaks nothing else" + want)
	case base.Hostname() == "":
		return "", errors.New("the URL names no host" + want)
	case base.User != nil:
		return "", errors.New("the URL holds a user; credentials belong into a Secret" + want)
	case strings.Trim(base.Path, "/") != "" || base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return "", errors.New("the URL goes on after the host" + want)
	}
	return "https://" + base.Host, nil
}

// request is one call of the API.
type request struct {
	call keyservice.Call
	// subject is what it is about, for errors: "user local:backup".
	subject      string
	method, path string
	query        url.Values
	// body is sent as JSON, unless nil.
	body any
	// anonymous: sent without a token.
	anonymous bool
}

// fail makes an error of the request.
func (r request) fail(kind keyservice.Kind, err error) *keyservice.Error {
	return &keyservice.Error{Kind: kind, Op: r.call.Op, Err: about(r.subject, err)}
}

// do sends the request and returns an answer that is a success; any other is a *refusal. A request that meets a 401 was
// not carried out, and is sent once more if a new session can be had.
func (c *client) do(ctx context.Context, r request) (*keyservice.Response, error) {
	if r.anonymous {
		return c.send(ctx, r, "")
	}
	token, err := c.session.get(ctx, "")
	if err != nil {
		return nil, err
	}
	response, err := c.send(ctx, r, token)
	refused, ok := errors.AsType[*refusal](err)
	if !ok || refused.status != http.StatusUnauthorized || c.session.static {
		return response, err
	}
	if token, err = c.session.get(ctx, token); err != nil {
		return nil, err
	}
	return c.send(ctx, r, token)
}

// send sends the request once.
func (c *client) send(ctx context.Context, r request, token string) (*keyservice.Response, error) {
	r.call.Redact = keyservice.NewRedactor(keyservice.Secret(token), keyservice.Secret(c.session.password))
	var body []byte
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			return nil, r.fail(keyservice.Invalid, err)
		}
		body = encoded
	}
	address := c.base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	httpRequest, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(body))
	if err != nil {
		return nil, r.fail(keyservice.Invalid, errors.New("the request cannot be written"))
	}
	httpRequest.Header.Set("Accept", "application/json")
	if r.body != nil {
		httpRequest.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		httpRequest.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := keyservice.Exchange(c.http, r.call, httpRequest)
	if failed, ok := errors.AsType[*keyservice.Error](err); ok {
		failed.Err = about(r.subject, failed.Err)
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	if !response.OK() {
		return nil, c.refuse(r, token, response)
	}
	return response, nil
}
