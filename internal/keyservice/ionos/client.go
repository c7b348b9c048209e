// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"accesskey.dev/operator/internal/keyservice"
)

// client sends requests as the token's user.
type client struct {
	base string
	// token is behind a pointer of its own: fmt can print what is in a struct whose methods it does not call.
	token *keyservice.Secret
	http  *http.Client
}

func newClient(config Config) (*client, error) {
	base, err := parseBase(cmp.Or(config.URL, defaultURL))
	if err != nil {
		return nil, err
	}
	// What is kept in a Secret often ends in a newline, which a header would not bear.
	token := strings.TrimSpace(config.Token.Reveal())
	switch {
	case config.HTTP == nil:
		return nil, errors.New("there is no HTTP client")
	case token == "":
		return nil, errors.New("there is no token")
	case strings.ContainsFunc(token, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }):
		return nil, errors.New("the token has characters that no token has")
	}
	secret := keyservice.Secret(token)
	return &client{base: base, token: &secret, http: config.HTTP}, nil
}

// parseBase does not quote the URL in its errors, since it may hold a password.
func parseBase(text string) (string, error) {
	const want = "; it should look like " + defaultURL
	base, err := url.Parse(text)
	switch {
	case err != nil || base.Scheme == "" || base.Opaque != "":
		return "", errors.New("the URL cannot be read" + want)
	case base.Scheme != "https":
		return "", errors.New("the URL does not begin with https://, and a token must not travel otherwise" + want)
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
	// subject is what it is about, for errors: "key 5cd907ee-…".
	subject      string
	method, path string
	query        url.Values
	// body is sent as JSON, unless nil.
	body any
}

// fail makes an error of the request.
func (r request) fail(kind keyservice.Kind, err error) *keyservice.Error {
	return &keyservice.Error{Kind: kind, Op: r.call.Op, Err: about(r.subject, err)}
}

// do sends the request once and returns an answer that is a success; any other is a *refusal. There is nothing to log in
// again with, so a 401 ends it too.
func (c *client) do(ctx context.Context, r request) (*keyservice.Response, error) {
	r.call.Redact = keyservice.NewRedactor(*c.token)
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
	httpRequest.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	if r.body != nil {
		httpRequest.Header.Set("Content-Type", "application/json")
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
		return nil, c.refuse(r, response)
	}
	return response, nil
}
