// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"accesskey.dev/operator/internal/keyservice"
)

// Config says which account to talk to, and as whom.
type Config struct {
	// URL of the IAM endpoint: https and host, nothing else.
	URL string
	// DomainID is the account's ID.
	DomainID string
	// AccessKeyID and SecretAccessKey are a permanent access key of an IAM user of the account.
	AccessKeyID     string
	SecretAccessKey keyservice.Secret
	// HTTP is from keyservice.NewHTTPClient.
	HTTP *http.Client
	// Now dates signatures and measures pauses: time.Now, or a clock's.
	Now func() time.Time
}

// client sends signed requests, unless the service has just refused a signature.
type client struct {
	base   string
	http   *http.Client
	signer *signer
	gate   *gate
}

// idPattern: account IDs and access key IDs; the latter have 1 to 40 characters (API reference).
var idPattern = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

func newClient(config Config) (*client, error) {
	base, err := parseBase(config.URL)
	if err != nil {
		return nil, err
	}
	// What is kept in a Secret often ends in a newline.
	accessKeyID := strings.TrimSpace(config.AccessKeyID)
	secret := strings.TrimSpace(config.SecretAccessKey.Reveal())
	switch {
	case config.HTTP == nil || config.Now == nil:
		return nil, errors.New("there is no HTTP client, or no clock")
	case !idPattern.MatchString(config.DomainID):
		return nil, errors.New("the domain ID is not that of an account: give the account ID from the console's page My Credentials")
	case accessKeyID == "" || secret == "":
		return nil, errors.New("there is no access key ID, or no secret access key")
	case !idPattern.MatchString(accessKeyID):
		return nil, errors.New("the access key ID has characters that no access key ID has")
	case strings.ContainsFunc(secret, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }):
		return nil, errors.New("the secret access key has characters that no secret access key has")
	}
	c := &client{base: base, gate: newGate(config.Now)}
	c.signer = &signer{
		domainID: config.DomainID, accessKeyID: accessKeyID, secret: keyservice.Secret(secret), now: config.Now,
		next: cmp.Or[http.RoundTripper](config.HTTP.Transport, http.DefaultTransport),
	}
	signing := *config.HTTP
	signing.Transport = c.signer
	c.http = &signing
	return c, nil
}

// parseBase does not quote the URL in its errors, since it may hold a password.
func parseBase(text string) (string, error) {
	const want = "; it should look like https://iam.eu-west-101.myhuaweicloud.eu"
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
	// The host is signed, and servers disagree on whether the default port is part of it.
	return "https://" + strings.TrimSuffix(base.Host, ":443"), nil
}

// request is one call of the API.
type request struct {
	call keyservice.Call
	// subject is what it is about, for errors: "user backup".
	subject      string
	method, path string
	query        url.Values
	// body is JSON, or empty.
	body string
}

// fail makes an error of the request.
func (r request) fail(kind keyservice.Kind, err error) *keyservice.Error {
	return &keyservice.Error{Kind: kind, Op: r.call.Op, Err: about(r.subject, err)}
}

// complete says in an error what was tried, and on what.
func (r request) complete(err error) error {
	if failed, ok := errors.AsType[*keyservice.Error](err); ok {
		failed.Op, failed.Err = r.call.Op, about(r.subject, failed.Err)
	}
	return err
}

// do sends the request once and returns an answer that is a success; any other is a *refusal.
func (c *client) do(ctx context.Context, r request) (*keyservice.Response, error) {
	r.call.Redact = keyservice.NewRedactor(c.signer.secret)
	httpRequest, err := c.write(ctx, r)
	if err != nil {
		return nil, err
	}
	leave, err := c.gate.enter(ctx)
	if err != nil {
		return nil, r.complete(err)
	}
	defer leave()
	response, err := keyservice.Exchange(c.http, r.call, httpRequest)
	if err != nil {
		return nil, r.complete(err)
	}
	if !response.OK() {
		return nil, c.refuse(r, response)
	}
	c.gate.open()
	return response, nil
}

func (c *client) write(ctx context.Context, r request) (*http.Request, error) {
	address := c.base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	httpRequest, err := http.NewRequestWithContext(ctx, r.method, address, strings.NewReader(r.body))
	if err != nil {
		return nil, r.fail(keyservice.Invalid, errors.New("the request cannot be written"))
	}
	httpRequest.Header.Set("Accept", "application/json")
	if r.body != "" {
		httpRequest.Header.Set("Content-Type", "application/json")
	}
	return httpRequest, nil
}

// left is the error of who did not wait for a request's turn.
func left(ctx context.Context) error {
	text := "canceled before the service answered"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		text = "the service did not answer in time"
	}
	return &keyservice.Error{Kind: keyservice.Unavailable, Err: errors.New(text)}
}

func about(subject string, err error) error {
	if subject == "" {
		return err
	}
	return fmt.Errorf("%s: %w", subject, err)
}
