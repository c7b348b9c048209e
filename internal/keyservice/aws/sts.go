// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// roleResult is the answer to both ways to assume a role.
type roleResult struct {
	ID         string    `xml:"Credentials>AccessKeyId"`
	Secret     string    `xml:"Credentials>SecretAccessKey"`
	Token      string    `xml:"Credentials>SessionToken"`
	Expiration time.Time `xml:"Credentials>Expiration"`
}

// assumeRole returns credentials of a role for an hour, by an identity that may assume it.
// Source: AssumeRole in the API reference of STS
func (c *client) assumeRole(ctx context.Context, identity awssdk.CredentialsProvider, role, externalID string) (awssdk.Credentials, error) {
	parameters := url.Values{"RoleArn": {role}, "RoleSessionName": {sessionName}}
	if externalID != "" {
		parameters.Set("ExternalId", externalID)
	}
	assume := c.sts.call("assume role", "AssumeRole", parameters)
	assume.Subject = "role " + role
	pair, err := identity.Retrieve(ctx)
	if err != nil {
		return awssdk.Credentials{}, err
	}
	return c.askForRole(ctx, assume, &rest.Client{
		Redact:    keyservice.NewRedactor(keyservice.Secret(pair.SecretAccessKey), keyservice.Secret(pair.SessionToken)),
		Authorize: func(request *http.Request) { c.sign(request, c.sts, assume, pair) },
		Classify: func(r *rest.Refusal) {
			c.classifyIdentity(r, "check that the trust policy of the role names the operator's identity and the externalID, and that this identity may call sts:AssumeRole")
		},
	})
}

// assumeRoleWithWebIdentity returns credentials of a role for an hour, by the token in a file, which the kubelet replaces. The request
// is not signed.
// Source: AssumeRoleWithWebIdentity in the API reference of STS
func (c *client) assumeRoleWithWebIdentity(ctx context.Context, role, tokenFile string) (awssdk.Credentials, error) {
	assume := c.sts.call("assume role", "AssumeRoleWithWebIdentity", url.Values{"RoleArn": {role}, "RoleSessionName": {sessionName}})
	assume.Subject = "role " + role
	token, err := readToken(assume, tokenFile)
	if err != nil {
		return awssdk.Credentials{}, err
	}
	assume.Form.Set("WebIdentityToken", token.Reveal())
	return c.askForRole(ctx, assume, &rest.Client{
		Redact: keyservice.NewRedactor(token),
		Classify: func(r *rest.Refusal) {
			c.classifyIdentity(r, "check that the trust policy of the role names the cluster's OIDC provider and the operator's service account")
		},
	})
}

// askForRole sends the request once, by a client that lacks only what all requests to STS have in common.
func (c *client) askForRole(ctx context.Context, r rest.Request, by *rest.Client) (awssdk.Credentials, error) {
	by.Base, by.HTTP, by.Gate, by.Explain, by.Recognizes = c.sts.url, c.http, c.gate, decodeProblem, isProblem
	answer, err := by.Do(ctx, r)
	if err != nil {
		return awssdk.Credentials{}, err
	}
	var result roleResult
	if decode(answer.Body, r.Form.Get("Action"), &result) != nil {
		return awssdk.Credentials{}, noCredentials(r)
	}
	return temporary(r, result)
}

// classifyIdentity makes every refusal that is not for want of time one of the operator's identity, so that it is not sent again and
// again.
func (c *client) classifyIdentity(refused *rest.Refusal, advice string) {
	switch kind := refused.Err.Kind; {
	case kind == keyservice.Throttled:
		return
	case kind == keyservice.Unavailable, refused.Problem.Code == "IDPCommunicationError": // STS could not reach the OIDC provider
		refused.Err.Kind = keyservice.Unavailable
		return
	}
	refused.Err.Kind, refused.Credentials = keyservice.Unauthorized, true
	if skew := c.skew.Describe(refused.Date); skew != "" {
		advice = skew
	}
	refused.Advise(advice)
}

// temporary returns the credentials of an answer.
func temporary(r rest.Request, result roleResult) (awssdk.Credentials, error) {
	if !rest.IsToken(result.ID) || !rest.IsToken(result.Secret) || !rest.IsToken(result.Token) || result.Expiration.IsZero() {
		return awssdk.Credentials{}, noCredentials(r)
	}
	return awssdk.Credentials{
		AccessKeyID: result.ID, SecretAccessKey: result.Secret, SessionToken: result.Token, CanExpire: true, Expires: result.Expiration,
	}, nil
}

func noCredentials(r rest.Request) *keyservice.Error {
	return r.Fail(keyservice.Unavailable, errors.New("the answer has no credentials that can be read"))
}
