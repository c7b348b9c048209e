// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// gatewayCode begins the codes of the API gateway in front of IAM (error codes of IAM 5.0).
const gatewayCode = "APIGW."

// rights are the actions of the identity policy that the calls of this package need (API reference, each call's page).
const rights = "iam:users:listUsersV5, iam:credentials:listCredentialsV5, createCredentialV5, updateCredentialV5, " +
	"deleteCredentialV5 and showAccessKeyLastUsedV5"

const adviseURL = "check that the KeyService's URL is the IAM endpoint"

var errNotHuawei = errors.New("the answer is not that of Huawei Cloud IAM v5; " + adviseURL)

// otherTroubles are the codes that mean something else than a limit (error codes of IAM 5.0): denied, invalid marker,
// malformed policy, duplicate key, invalid caller, no user profile.
var otherTroubles = map[string]bool{
	"PAP5.0001": true, "PAP5.0010": true, "PAP5.0011": true, "PAP5.0033": true, "PAP5.0040": true, "PAP5.0046": true,
}

var (
	// timestamps in the gateway's words differ from one answer to the next.
	timestamps = regexp.MustCompile(`[:,]?\s*\b\d{8}T\d{6}Z`)
	// rateWindow is how the gateway says which limit was exceeded; a Retry-After is not documented.
	rateWindow = regexp.MustCompile(`time:\s*(\d{1,4}) (second|minute|hour)`)
)

// missing reports that the service itself says that it has no such user or key. A 404 without its words may be a proxy's or
// another server's, and the gateway's means that there is no such call.
func missing(refused *rest.Refusal) bool {
	return refused.Status == http.StatusNotFound && refused.Problem != (rest.Problem{}) &&
		!strings.HasPrefix(refused.Problem.Code, gatewayCode)
}

// isMissing reports an error that is such a refusal.
func isMissing(err error) (*rest.Refusal, bool) {
	refused, ok := rest.Refused(err)
	return refused, ok && missing(refused)
}

// silent404 reports a 404 that may have come from anywhere.
func silent404(refused *rest.Refusal) bool {
	return refused.Status == http.StatusNotFound && refused.Problem == (rest.Problem{})
}

// maybeLimit reports that the answer to a create may mean that the user has too many keys. No source gives its status and
// code.
func maybeLimit(refused *rest.Refusal) bool {
	switch {
	case otherTroubles[refused.Problem.Code], refused.Status == http.StatusNotFound:
		return false
	case refused.Status == http.StatusForbidden:
		return aboutLimit(refused.Problem)
	default:
		return refused.Decided()
	}
}

// classify sets the kind, and adds the advice, that the status and the code allow. A 401 closes the gate.
func (c *client) classify(refused *rest.Refusal) {
	switch {
	case refused.Status < 400, refused.Status == http.StatusNotFound && !missing(refused):
		refused.Err.Kind = keyservice.Unavailable
		refused.Advise(adviseURL)
	case refused.Status == http.StatusUnauthorized:
		c.adviseUnsigned(refused)
		refused.Err.RetryAfter = pause
		c.gate.close(refused.Reason)
	case refused.Status == http.StatusForbidden:
		refused.Advise("give the operator's IAM user an identity policy with " + rights + ", and check that no policy of the " +
			"organization denies them")
	case refused.Status == http.StatusTooManyRequests && refused.Err.RetryAfter == 0:
		refused.Err.RetryAfter = windowOf(refused.Problem.String())
	}
}

// adviseUnsigned says what to do about a signature that was refused.
func (c *client) adviseUnsigned(refused *rest.Refusal) {
	if skew := describeSkew(c.gate.measure(refused.Date)); skew != "" {
		refused.Advise(skew)
	} else {
		refused.Advise("check the access key in the credentials Secret and the KeyService's domainID")
	}
	refused.Advise("nothing is sent for five minutes after that, since the service locks a key that goes on signing badly")
}

// windowOf reads after which time a rate limit starts again, at most an hour; 0 if the words do not say.
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
