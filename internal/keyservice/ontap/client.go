// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

// client sends requests with HTTP Basic authentication, which every ONTAP version has.
type client struct {
	base string
	http *http.Client
	// A pointer, so that printing a client by accident prints an address and no password.
	login *login
}

type login struct{ username, password string }

// redactor knows the password, and the header that it travels in.
func (l *login) redactor() *keyservice.Redactor {
	header := base64.StdEncoding.EncodeToString([]byte(l.username + ":" + l.password))
	return keyservice.NewRedactor(keyservice.Secret(header), keyservice.Secret(l.password))
}

func newClient(config Config) (*client, error) {
	base, err := parseBase(config.URL)
	if err != nil {
		return nil, err
	}
	// What is kept in a Secret often ends in a newline.
	username := strings.TrimRight(config.Username, "\r\n")
	password := strings.TrimRight(config.Password.Reveal(), "\r\n")
	switch {
	case config.HTTP == nil:
		return nil, errors.New("there is no HTTP client")
	case username == "" || password == "":
		return nil, errors.New("there is no username, or no password")
	case strings.Contains(username, ":"):
		return nil, errors.New("the username has a colon, which HTTP Basic authentication cannot carry")
	}
	return &client{base: base, http: config.HTTP, login: &login{username, password}}, nil
}

// parseBase does not quote the URL in its errors, since it may hold a password.
func parseBase(text string) (string, error) {
	const want = "; it should look like https://cluster.example"
	base, err := url.Parse(text)
	switch {
	case err != nil || base.Scheme == "" || base.Opaque != "":
		return "", errors.New("the URL cannot be read" + want)
	case base.Scheme != "https":
		return "", errors.New("the URL does not begin with https://, and the password is not sent otherwise" + want)
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
	// subject is what it is about, for errors: "S3 user backup".
	subject string
	// path is escaped as it is to be sent.
	method, path string
	query        url.Values
	// body is sent as JSON, unless nil.
	body map[string]any
}

// fail makes an error of the request.
func (r request) fail(kind keyservice.Kind, err error) *keyservice.Error {
	return &keyservice.Error{Kind: kind, Op: r.call.Op, Err: about(r.subject, err)}
}

// do sends the request once and returns an answer that is a success; any other is a *refusal.
func (c *client) do(ctx context.Context, r request) (*keyservice.Response, error) {
	r.call.Redact = c.login.redactor()
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
	httpRequest.SetBasicAuth(c.login.username, c.login.password)
	response, err := keyservice.Exchange(c.http, r.call, httpRequest)
	if failed, ok := errors.AsType[*keyservice.Error](err); ok {
		failed.Err = about(r.subject, failed.Err)
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	if !response.OK() {
		return nil, c.refuse(r, response)
	}
	return response, nil
}
