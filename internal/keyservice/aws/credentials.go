// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"net/http"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	// sessionName is what CloudTrail shows as the name of the operator's sessions.
	sessionName = "accesskey-operator"
	// expiryWindow is how long before their expiry temporary credentials are replaced. They live for an hour, unless the agent of EKS
	// gives shorter ones.
	expiryWindow = 5 * time.Minute
)

// CredentialsConfig says with which identity the operator signs.
type CredentialsConfig struct {
	// AccessKeyID, SecretAccessKey and SessionToken are long-term or temporary credentials. Without them, it is the identity of the
	// Pod.
	AccessKeyID                   string
	SecretAccessKey, SessionToken keyservice.Secret
	// RoleARN is the role that is assumed with this identity, and ExternalID what its trust policy asks for. Both may be empty.
	RoleARN, ExternalID string
	// STSURL is where roles are assumed: https and host, perhaps with a path. Requests are signed for STSRegion.
	STSURL, STSRegion string
	// Environment returns the value of an environment variable: os.Getenv. It describes the identity of the Pod.
	Environment func(name string) string
	// HTTP is from rest.NewHTTPClient.
	HTTP *http.Client
	// Gate is shared with the client that signs with the credentials.
	Gate *rest.Gate
	// Now dates signatures: time.Now, or a clock's.
	Now func() time.Time
}

// NewCredentials checks the configuration and sends nothing. The credentials are requested when they are needed, and again before
// they expire, by one request for all callers. Errors of Retrieve are *keyservice.Error.
//
// The chain of the AWS SDK (its module config) is not used: with it, environment variables and files decide where tokens and
// secrets are sent, how often requests are repeated, and whether the metadata service of the node is asked for the node's role.
func NewCredentials(config CredentialsConfig) (awssdk.CredentialsProvider, error) {
	base, err := rest.PathURL(config.STSURL, "https://sts.example")
	if err != nil {
		return nil, err
	}
	source := &client{
		sts:  api{url: base, service: "sts", version: "2011-06-15", region: config.STSRegion},
		http: config.HTTP, gate: config.Gate, now: config.Now, signer: v4.NewSigner(), skew: rest.Skew{Now: config.Now},
	}
	identity, err := config.identity(source)
	if err != nil || config.RoleARN == "" {
		return identity, err
	}
	return cached(func(ctx context.Context) (awssdk.Credentials, error) {
		return source.assumeRole(ctx, identity, config.RoleARN, config.ExternalID)
	}), nil
}

// identity returns the credentials with which roles are assumed.
func (c CredentialsConfig) identity(source *client) (awssdk.CredentialsProvider, error) {
	if c.AccessKeyID != "" {
		return static(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	}
	// The variables that the webhook of EKS sets: for a role of the service account (IRSA), and for EKS Pod Identity. The order is
	// that of the AWS SDKs. Source: "Assume role with web identity" and "Container credential provider" of the AWS SDKs and Tools
	// Reference Guide
	tokenFile, role := c.Environment("AWS_WEB_IDENTITY_TOKEN_FILE"), c.Environment("AWS_ROLE_ARN")
	agent, agentTokenFile := c.Environment("AWS_CONTAINER_CREDENTIALS_FULL_URI"), c.Environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
	switch {
	case tokenFile != "" && role != "":
		return cached(func(ctx context.Context) (awssdk.Credentials, error) {
			return source.assumeRoleWithWebIdentity(ctx, role, tokenFile)
		}), nil
	case agent != "" && agentTokenFile != "":
		return newPodIdentity(source, agent, agentTokenFile)
	default:
		return nil, errors.New("the operator's Pod has no identity at AWS: give its service account a role (IRSA) or a Pod Identity association and restart it, " +
			"or set credentialsSecretRef")
	}
}

// static returns credentials that never change.
func static(id string, secret, token keyservice.Secret) (awssdk.CredentialsProvider, error) {
	switch {
	case !rest.IsToken(id):
		return nil, errors.New("the access key ID has characters that no access key ID has")
	case !rest.IsToken(secret.Reveal()):
		return nil, errors.New("the secret access key has characters that no secret access key has")
	case token != "" && !rest.IsToken(token.Reveal()):
		return nil, errors.New("the session token has characters that no session token has")
	}
	return awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
		return awssdk.Credentials{AccessKeyID: id, SecretAccessKey: secret.Reveal(), SessionToken: token.Reveal()}, nil
	}), nil
}

// cache keeps temporary credentials until shortly before they expire.
type cache struct{ *awssdk.CredentialsCache }

func cached(retrieve awssdk.CredentialsProviderFunc) cache {
	window := func(o *awssdk.CredentialsCacheOptions) { o.ExpiryWindow = expiryWindow }
	return cache{awssdk.NewCredentialsCache(retrieve, window)}
}

// Retrieve implements aws.CredentialsProvider.
func (c cache) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	credentials, err := c.CredentialsCache.Retrieve(ctx)
	if failed, ok := errors.AsType[*keyservice.Error](err); ok {
		return awssdk.Credentials{}, failed
	}
	if err != nil { // the caller's time is over; the request goes on for the others
		return awssdk.Credentials{}, rest.Request{Op: "get credentials"}.Done(ctx)
	}
	return credentials, nil
}
