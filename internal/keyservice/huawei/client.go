// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// Config says which account to manage, and with which credentials.
type Config struct {
	// URL of the IAM endpoint: https and host, nothing else.
	URL string
	// DomainID is the account's ID.
	DomainID string
	// AccessKeyID and SecretAccessKey are a permanent access key of an IAM user of the account.
	AccessKeyID     string
	SecretAccessKey keyservice.Secret
	// HTTP is from rest.NewHTTPClient.
	HTTP *http.Client
	// Gate is shared by all clients with this access key.
	Gate *rest.Gate
	// Now dates signatures: time.Now, or a clock's.
	Now func() time.Time
}

// inFlight bounds the requests under way: so many bad signatures do not lock a key yet ("more than five consecutive times").
const inFlight = 5

// client sends signed requests, unless the service has just refused a signature.
type client struct {
	rest   *rest.Client
	signer *signer
	slots  *semaphore.Weighted
	skew   rest.Skew
}

// idPattern: account IDs and access key IDs. The latter have 1 to 40 characters (API reference).
var idPattern = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

func newClient(config Config) (*client, error) {
	base, err := rest.BaseURL(config.URL, "https://iam.eu-west-101.myhuaweicloud.eu")
	if err != nil {
		return nil, err
	}
	// A value in a Secret often ends in a newline.
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
	case !rest.IsToken(secret):
		return nil, errors.New("the secret access key has characters that no secret access key has")
	}
	c := &client{
		slots:  semaphore.NewWeighted(inFlight),
		skew:   rest.Skew{Now: config.Now},
		signer: &signer{domainID: config.DomainID, accessKeyID: accessKeyID, secret: keyservice.Secret(secret), now: config.Now},
	}
	c.rest = &rest.Client{
		Base: base, HTTP: config.HTTP, Authorize: c.signer.sign, Redact: keyservice.NewRedactor(c.signer.secret),
		Gate: config.Gate, Explain: decodeProblem, Classify: c.classify,
	}
	return c, nil
}

// do sends the request once, when there is a slot.
func (c *client) do(ctx context.Context, r rest.Request) (*rest.Response, error) {
	if err := c.slots.Acquire(ctx, 1); err != nil {
		return nil, r.Done(ctx)
	}
	defer c.slots.Release(1)
	return c.rest.Do(ctx, r)
}
