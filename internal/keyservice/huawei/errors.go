// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	// gatewayCode begins the codes of the API gateway in front of IAM (error codes of IAM 5.0).
	gatewayCode = "APIGW."
	// throttledCode is the gateway's for too many requests, documented with a 429.
	throttledCode = "APIGW.0308"
)

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

// maybeLimit reports that the answer to a create may mean that the user has too many keys. No source gives its status and
// code.
func maybeLimit(refused *rest.Refusal) bool {
	switch {
	case otherTroubles[refused.Problem.Code], refused.Status == http.StatusNotFound, refused.Throttled():
		return false
	case refused.Status == http.StatusForbidden:
		return aboutLimit(refused.Problem)
	default:
		return refused.Decided()
	}
}

// classify sets the kind, and adds the advice, that the status and the code allow.
func (c *client) classify(refused *rest.Refusal) {
	switch {
	case refused.Throttled(), refused.Problem.Code == throttledCode:
		refused.Err.Kind = keyservice.Throttled
		refused.Err.RetryAfter = cmp.Or(refused.Err.RetryAfter, windowOf(refused.Problem.String()))
	case refused.Status < 400, refused.Status == http.StatusNotFound && !missing(refused):
		refused.Err.Kind = keyservice.Unavailable
		refused.Advise(adviseURL)
	case refused.Status == http.StatusUnauthorized:
		c.adviseUnsigned(refused)
	case refused.Status == http.StatusForbidden:
		refused.Advise("give the operator's IAM user an identity policy with " + rights + ", and check that no policy of the " +
			"organization denies them")
	}
}

// adviseUnsigned says what to do about a signature that was refused.
func (c *client) adviseUnsigned(refused *rest.Refusal) {
	refused.Advise(cmp.Or(c.skew.Describe(refused.Date), "check the access key in the credentials Secret and the KeyService's domainID"))
}

// windowOf reads after which time a rate limit starts again, at most an hour; 0 if the words do not say.
func windowOf(words string) time.Duration {
	parts := rateWindow.FindStringSubmatch(words)
	if parts == nil {
		return 0
	}
	window, _ := time.ParseDuration(parts[1] + parts[2][:1]) // such as "5s"
	return min(window, time.Hour)
}

// decodeProblem reads every form that the vendor's documents and its SDK know: error_code with error_msg, code with
// message, the camel case that other services have, and each of them one level down.
func decodeProblem(body []byte) rest.Problem {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return rest.Problem{}
	}
	if found := problemOf(fields); found != (rest.Problem{}) {
		return found
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var nested map[string]json.RawMessage
		if json.Unmarshal(fields[name], &nested) != nil {
			continue
		}
		if found := problemOf(nested); found != (rest.Problem{}) {
			return found
		}
	}
	return rest.Problem{}
}

func problemOf(fields map[string]json.RawMessage) rest.Problem {
	return rest.Problem{
		Code: first(fields, "error_code", "errorCode", "code"),
		Text: timestamps.ReplaceAllString(first(fields, "error_msg", "errorMsg", "error_message", "errorMessage", "message"), ""),
	}
}

func first(fields map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		var value rest.Text
		_ = value.UnmarshalJSON(fields[name])
		if value != "" {
			return string(value)
		}
	}
	return ""
}

// aboutLimit reports that the words are those of a limit. "akSkNumExceed" is the classic API's.
func aboutLimit(p rest.Problem) bool {
	words := strings.ToLower(p.String())
	return strings.Contains(words, "exceed") || strings.Contains(words, "limit") || strings.Contains(words, "quota")
}
