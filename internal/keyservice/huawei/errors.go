// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// gatewayCode begins the codes of the API gateway in front of IAM (error codes of IAM 5.0).
const gatewayCode = "APIGW."

// rights are the actions of the identity policy that the calls of this package take (API reference, each call's page).
const rights = "iam:users:listUsersV5, iam:credentials:listCredentialsV5, createCredentialV5, updateCredentialV5, " +
	"deleteCredentialV5 and showAccessKeyLastUsedV5"

var errNotHuawei = errors.New("the answer is not that of Huawei Cloud IAM v5; check that the KeyService's URL is the IAM endpoint")

// otherTroubles are the codes that mean something else than a limit (error codes of IAM 5.0): denied, invalid marker,
// malformed policy, duplicate key, invalid caller, no user profile.
var otherTroubles = map[string]bool{
	"PAP5.0001": true, "PAP5.0010": true, "PAP5.0011": true, "PAP5.0033": true, "PAP5.0040": true, "PAP5.0046": true,
}

var (
	// timestamps in the gateway's words differ from answer to answer.
	timestamps = regexp.MustCompile(`[:,]?\s*\b\d{8}T\d{6}Z`)
	// rateWindow is how the gateway tells which limit was exceeded; a Retry-After is not documented.
	rateWindow = regexp.MustCompile(`time:\s*(\d{1,4}) (second|minute|hour)`)
)

// refusal is the error of an answer that is not a success.
type refusal struct {
	// err is fit to be returned; reason is what the service said, without the request's subject.
	err    *keyservice.Error
	reason error
	status int
	// problem is the service's own words.
	problem problem
}

// Error implements error.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap implements errors.Unwrap.
func (r *refusal) Unwrap() error { return r.err }

// missing: the service itself says that it has no such user or key. A 404 without its words may be a proxy's or that of
// another server, and the gateway's says that there is no such call.
func (r *refusal) missing() bool {
	return r.status == http.StatusNotFound && r.problem != (problem{}) && !strings.HasPrefix(r.problem.code, gatewayCode)
}

// silent404 is a 404 of whom nobody knows who said it.
func (r *refusal) silent404() bool {
	return r.status == http.StatusNotFound && r.problem == (problem{})
}

// maybeLimit: the answer to a create may mean that the user has too many keys. No source tells its status and code.
func (r *refusal) maybeLimit() bool {
	switch r.status {
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	case http.StatusForbidden:
		return !otherTroubles[r.problem.code] && r.problem.aboutLimit()
	default:
		return r.status >= 400 && r.status < 500 && !otherTroubles[r.problem.code]
	}
}

// refuse makes the error of an answer, with the kind and advice that its status and code allow. A 401 closes the gate.
func (c *client) refuse(r request, response *keyservice.Response) *refusal {
	problem := decodeProblem(response.Body)
	// The service's words might quote the request.
	words := keyservice.Redact(timestamps.ReplaceAllString(problem.String(), ""), c.signer.secret.Reveal())
	failed := keyservice.StatusError(r.call, response, words)
	refused := &refusal{err: failed, status: response.Status, problem: problem}
	switch {
	case response.Status < 400, response.Status == http.StatusNotFound && !refused.missing():
		failed.Kind = keyservice.Unavailable
		failed.Err = fmt.Errorf("%w; check that the KeyService's URL is the IAM endpoint", failed.Err)
	case response.Status == http.StatusUnauthorized:
		failed.Err = c.adviseUnsigned(failed.Err, response)
		failed.RetryAfter = pause
		c.gate.close(failed.Err)
	case response.Status == http.StatusForbidden:
		failed.Err = fmt.Errorf("%w; give the operator's IAM user an identity policy with %s, and look for a policy of the "+
			"organization that denies them", failed.Err, rights)
	case response.Status == http.StatusTooManyRequests && failed.RetryAfter == 0:
		failed.RetryAfter = windowOf(words)
	}
	refused.reason = failed.Err
	failed.Err = about(r.subject, failed.Err)
	return refused
}

// adviseUnsigned says what to do about a signature that was refused.
func (c *client) adviseUnsigned(err error, response *keyservice.Response) error {
	const stopped = "nothing is sent for five minutes after that, since the service locks a key that goes on signing badly"
	if skew := describeSkew(c.gate.measure(response)); skew != "" {
		return fmt.Errorf("%w; %s; %s", err, skew, stopped)
	}
	return fmt.Errorf("%w; check the access key in the credentials Secret and the KeyService's domainID; %s", err, stopped)
}

// windowOf reads the time after which a limit of requests begins anew, at most an hour; 0 if it is not told.
func windowOf(words string) time.Duration {
	parts := rateWindow.FindStringSubmatch(words)
	if parts == nil {
		return 0
	}
	count, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	unit := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour}[parts[2]]
	return min(time.Duration(count)*unit, time.Hour)
}
