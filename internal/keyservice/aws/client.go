// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// defaultRegion is the one that IAM of the partition aws is signed with.
const defaultRegion = "us-east-1"

// Config says which account to manage, and with which credentials.
type Config struct {
	// URL of the IAM API: https, host, and perhaps a path.
	URL string
	// STSURL is asked for the caller's account; empty: URL is asked, and need not know the call.
	STSURL string
	// Region is what requests to URL are signed with; empty for us-east-1.
	Region string
	// STSRegion is what requests to STSURL are signed with; empty for Region.
	STSRegion string
	// AccountID is the account that the credentials must belong to; empty if it is not checked.
	AccountID string
	// Credentials are asked before each request. An error that is no *keyservice.Error counts as Unavailable.
	Credentials awssdk.CredentialsProvider
	// KeysPerUser is how many keys a user can have; 0: the service is asked, and otherwise it is 2.
	KeysPerUser int
	// ActivationDelay is how long a new key may not work yet; 0 if keys work at once.
	ActivationDelay time.Duration
	// HTTP is from rest.NewHTTPClient.
	HTTP *http.Client
	// Gate is shared by all clients with these credentials.
	Gate *rest.Gate
	// Now dates signatures: time.Now, or a clock's.
	Now func() time.Time
}

// api is one of the APIs at which requests are signed alike.
type api struct{ url, service, version, region string }

// client sends signed requests, unless the service has just refused a signature.
type client struct {
	iam, sts    api
	http        *http.Client
	gate        *rest.Gate
	credentials awssdk.CredentialsProvider
	signer      *v4.Signer
	now         func() time.Time
	skew        rest.Skew
	// server is the Server header of the last answer of the IAM API's URL.
	server atomic.Value
}

// regionPattern: servers other than AWS have regions of any name.
var regionPattern = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,64}$`)

func newClient(config Config) (*client, error) {
	base, err := rest.PathURL(config.URL, "https://iam.amazonaws.com")
	if err != nil {
		return nil, err
	}
	c := &client{
		iam:  api{url: base, service: "iam", version: "2010-05-08", region: cmp.Or(config.Region, defaultRegion)},
		http: config.HTTP, gate: config.Gate, credentials: config.Credentials, now: config.Now,
		signer: v4.NewSigner(), skew: rest.Skew{Now: config.Now},
	}
	c.sts = api{url: base, service: "sts", version: "2011-06-15", region: cmp.Or(config.STSRegion, c.iam.region)}
	if config.STSURL != "" {
		if c.sts.url, err = rest.PathURL(config.STSURL, "https://sts.us-east-1.amazonaws.com"); err != nil {
			return nil, fmt.Errorf("stsURL: %w", err)
		}
	}
	switch {
	case config.HTTP == nil || config.Now == nil:
		return nil, errors.New("there is no HTTP client, or no clock")
	case config.Credentials == nil:
		return nil, errors.New("there are no credentials")
	case !regionPattern.MatchString(c.iam.region), !regionPattern.MatchString(c.sts.region):
		return nil, errors.New("the region has characters that no region has")
	case config.AccountID != "" && !accountPattern.MatchString(config.AccountID):
		return nil, errors.New("the accountID has characters that no account ID has")
	}
	return c, nil
}

// call returns a request of the IAM API with its parameters.
func (c *client) call(op, action string, parameters url.Values) rest.Request {
	return c.iam.call(op, action, parameters)
}

func (a api) call(op, action string, parameters url.Values) rest.Request {
	form := url.Values{"Action": {action}, "Version": {a.version}}
	for name, values := range parameters {
		form[name] = values
	}
	return rest.Request{Op: op, Safe: true, Method: http.MethodPost, Form: form}
}

// query sends a request to the IAM API once, and decodes the result of its action into result, unless that is nil.
func (c *client) query(ctx context.Context, r rest.Request, result any) (*rest.Response, error) {
	return c.ask(ctx, c.iam, r, result)
}

func (c *client) ask(ctx context.Context, at api, r rest.Request, result any) (*rest.Response, error) {
	answer, err := c.send(ctx, at, r)
	if err != nil {
		return nil, err
	}
	if at.url == c.iam.url { // STS can be another server
		c.server.Store(answer.Header.Get("Server"))
	}
	switch err := decode(answer.Body, r.Form.Get("Action"), result); {
	case err != nil && !r.Safe:
		return nil, r.NoKey(answer)
	case err != nil:
		return nil, r.Fail(keyservice.Unavailable, err)
	}
	return answer, nil
}

// send signs a request and sends it once. Credentials that are refused are not taken from a cache again.
func (c *client) send(ctx context.Context, at api, r rest.Request) (*rest.Response, error) {
	pair, err := c.pair(ctx, r)
	if err != nil {
		return nil, err
	}
	signed := &rest.Client{
		Base: at.url, HTTP: c.http, Gate: c.gate,
		Redact: keyservice.NewRedactor(keyservice.Secret(pair.SecretAccessKey), keyservice.Secret(pair.SessionToken),
			keyservice.Secret(r.Form.Get("SecretAccessKey"))),
		Authorize: func(request *http.Request) { c.sign(request, at, r, pair) },
		Explain:   decodeProblem, Recognizes: isProblem, Classify: c.classify,
	}
	answer, err := signed.Do(ctx, r)
	if refused, ok := rest.Refused(err); ok && refused.Credentials {
		if cache, ok := c.credentials.(interface{ Invalidate() }); ok {
			cache.Invalidate()
		}
	}
	return answer, err
}

// sign puts the date, the session token and the signature into the header of a request.
func (c *client) sign(request *http.Request, at api, r rest.Request, pair awssdk.Credentials) {
	digest := sha256.Sum256([]byte(r.Form.Encode()))
	// It fails for no request: everything is in memory.
	_ = c.signer.SignHTTP(request.Context(), pair, request, hex.EncodeToString(digest[:]), at.service, at.region, c.now())
}

// pair returns the credentials of a request.
func (c *client) pair(ctx context.Context, r rest.Request) (awssdk.Credentials, error) {
	pair, err := c.credentials.Retrieve(ctx)
	switch {
	case err != nil:
		return pair, r.FailLike(err, fmt.Errorf("the operator's own credentials could not be read: %w", err))
	case !pair.HasKeys():
		return pair, r.Fail(keyservice.Unauthorized, errors.New("the operator has no access key ID, or no secret access key"))
	}
	return pair, nil
}

// signsWith reports whether requests are signed with a key.
func (c *client) signsWith(ctx context.Context, r rest.Request, keyID string) (bool, error) {
	pair, err := c.pair(ctx, r)
	return strings.EqualFold(pair.AccessKeyID, keyID), err
}
