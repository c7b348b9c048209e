// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	dateFormat = "20060102T150405Z"
	// skew is how far X-Amz-Date may be off (documented for all services of AWS).
	skew = 15 * time.Minute
)

// authorization matches the header of Signature Version 4.
var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/(\w+), ` +
	`SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// caller is who signed a request: a user with a long-term key, or a role with temporary credentials.
type caller struct {
	user    *user
	session session
}

// signature is a parsed Authorization header.
type signature struct {
	accessKeyID, day, region, service, terminator string
	headers                                       []string
	hex                                           string
}

// admit authenticates a request (texts as versitygw has copied them from AWS).
func (s *Simulator) admit(c *call) (caller, *apiError) {
	signed, at, refused := s.parse(c)
	if refused == nil {
		refused = s.checkScope(c, signed)
	}
	if refused != nil {
		return caller{}, refused
	}
	who, credentials, refused := s.signer(c, signed)
	if refused != nil {
		return caller{}, refused
	}
	if want := resign(c, signed, credentials, at); !strings.HasSuffix(want, "Signature="+signed.hex) {
		return caller{}, forbidden(signatureDoesNotMatch, "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	if k := s.key(signed.accessKeyID); k != nil {
		k.used = use{s.Now(), signed.service, signed.region}
	}
	return who, nil
}

// parse parses the headers of a signature, and checks its date.
func (s *Simulator) parse(c *call) (signature, time.Time, *apiError) {
	header := c.request.Header.Get("Authorization")
	if header == "" {
		return signature{}, time.Time{}, forbidden("MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	parts := authorization.FindStringSubmatch(header)
	if parts == nil {
		return signature{}, time.Time{}, invalid("IncompleteSignature", "Authorization header requires Credential, SignedHeaders, and Signature.")
	}
	signed := signature{parts[1], parts[2], parts[3], parts[4], parts[5], strings.Split(parts[6], ";"), parts[7]}
	date := c.request.Header.Get("X-Amz-Date")
	at, err := time.Parse(dateFormat, date)
	if err != nil {
		return signed, at, invalid("IncompleteSignature", "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", date)
	}
	return signed, at, s.checkDate(at)
}

// checkScope checks what a signature is good for.
func (s *Simulator) checkScope(c *call, signed signature) *apiError {
	service, region := "iam", s.options.Region
	if c.sts() {
		service, region = "sts", s.options.STSRegion
	}
	if s.options.AnyScope {
		service, region = signed.service, signed.region
	}
	mismatch := ""
	switch {
	case signed.region != region:
		mismatch = "Credential should be scoped to a valid region. "
	case signed.service != service:
		mismatch = "Credential should be scoped to correct service: '" + service + "'."
	case signed.terminator != "aws4_request":
		mismatch = "Credential should be scoped with a valid terminator: 'aws4_request'."
	case !strings.HasPrefix(c.request.Header.Get("X-Amz-Date"), signed.day):
		mismatch = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
	case !slices.Contains(signed.headers, "host") || !slices.Contains(signed.headers, "x-amz-date"):
		mismatch = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
	}
	if mismatch == "" {
		return nil
	}
	return forbidden(signatureDoesNotMatch, "%s", mismatch)
}

func (s *Simulator) checkDate(at time.Time) *apiError {
	now := s.Now().UTC().Truncate(time.Second)
	written := func(t time.Time) string { return t.Format(dateFormat) }
	switch {
	case at.Before(now.Add(-skew)):
		return forbidden(s.options.SkewCode, "Signature expired: %s is now earlier than %s (%s - 15 min.)", written(at), written(now.Add(-skew)), written(now))
	case at.After(now.Add(skew)):
		return forbidden(s.options.SkewCode, "Signature not yet current: %s is still later than %s (%s + 15 min.)", written(at), written(now.Add(skew)), written(now))
	}
	return nil
}

// signer returns who has the key of a signature, and the key with its secret.
func (s *Simulator) signer(c *call, signed signature) (who caller, credentials sdk.Credentials, refused *apiError) {
	unknown := forbidden(s.options.InvalidKeyCode, "The security token included in the request is invalid.")
	token := c.request.Header.Get("X-Amz-Security-Token")
	if temporary, ok := s.sessions[signed.accessKeyID]; ok {
		switch {
		case token != temporary.token:
			return who, credentials, unknown
		case !s.Now().Before(temporary.expires):
			return who, credentials, forbidden("ExpiredToken", "The security token included in the request is expired")
		}
		return caller{session: temporary}, sdk.Credentials{AccessKeyID: signed.accessKeyID, SecretAccessKey: temporary.secret, SessionToken: token}, nil
	}
	k := s.key(signed.accessKeyID)
	if k == nil || token != "" || !s.works(k) {
		return who, credentials, unknown
	}
	at := slices.IndexFunc(s.users, func(candidate *user) bool { return candidate.id == k.Owner })
	if at < 0 {
		return who, credentials, unknown
	}
	return caller{user: s.users[at]}, sdk.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.secret}, nil
}

// resign returns the Authorization header that the vendor's signer gives the request, over the same headers.
func resign(c *call, signed signature, credentials sdk.Credentials, at time.Time) string {
	location := *c.request.URL
	again := &http.Request{Method: c.request.Method, URL: &location, Host: c.request.Host, Header: http.Header{}}
	for _, name := range signed.headers {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = c.request.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = slices.Clone(c.request.Header.Values(name))
		}
	}
	payload := sha256.Sum256(c.body)
	err := v4.NewSigner().SignHTTP(context.Background(), credentials, again, hex.EncodeToString(payload[:]), signed.service, signed.region, at)
	if err != nil {
		return fmt.Sprint("no signature: ", err)
	}
	return again.Header.Get("Authorization")
}

// throttle limits the requests per second. The caller holds s.mu.
func (s *Simulator) throttle() *apiError {
	if !s.rate.Exceeds(s.options.RateLimit, s.Now()) {
		return nil
	}
	return &apiError{status: s.options.ThrottleStatus, code: s.options.ThrottleCode, message: "Rate exceeded"}
}
