// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// rights are the actions that the calls of this package need.
const rights = "iam:GetUser, ListAccessKeys, CreateAccessKey, UpdateAccessKey, DeleteAccessKey and GetAccessKeyLastUsed"

const adviseURL = "check that the KeyService's url is the endpoint of an IAM API"

const (
	limitExceeded = "LimitExceeded"
	// readOnly is what SeaweedFS since 4.08 says unless it is configured otherwise (weed/s3api/s3api_embedded_iam.go).
	readOnly = "IAM write operations are disabled"
	// bandwidthExceeded is a status that HTTP does not define (botocore, data/_retry.json).
	bandwidthExceeded = 509
)

// kinds are the codes that mean the same for every request, whatever the status of the answer (service models of IAM and STS,
// Common Errors of the API reference, botocore's data/_retry.json, and Ceph's rgw_common.cc).
var kinds = byCode(map[keyservice.Kind][]string{
	keyservice.NotFound:  {"NoSuchEntity", "NoSuchUser"},
	keyservice.Throttled: {"BandwidthLimitExceeded", "PriorRequestNotComplete"}, // package rest knows the others
	keyservice.Unauthorized: {
		"AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException", "AuthFailure",
		"SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "InvalidToken", "RequestExpired", "RequestTimeTooSkewed",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", "UserSuspended", "OptInRequired",
	},
	keyservice.Unavailable: {"ConcurrentModification", "ConcurrentModificationException", "EntityTemporarilyUnmodifiable"},
	keyservice.Invalid: {
		"ValidationError", "InvalidInput", "MalformedInput", "UnmodifiableEntity", "MissingParameter", "InvalidParameterValue", "IncompleteSignature",
		"InvalidAction", "NotImplemented", "MethodNotAllowed", "NoSuchBucket",
	},
})

// unknownAction are the codes of a server that lacks an action. Where it lacks them all, its URL is not that of an IAM API.
var unknownAction = []string{"InvalidAction", "NotImplemented", "MethodNotAllowed", "NoSuchBucket"}

func byCode(codes map[keyservice.Kind][]string) map[string]keyservice.Kind {
	kinds := map[string]keyservice.Kind{}
	for _, kind := range slices.Collect(maps.Keys(codes)) {
		for _, code := range codes[kind] {
			kinds[code] = kind
		}
	}
	return kinds
}

// missing reports that the service itself says that it has no such user or key.
func missing(err error) (*rest.Refusal, bool) {
	refused, ok := rest.Refused(err)
	return refused, ok && kinds[refused.Problem.Code] == keyservice.NotFound && refused.Err.Kind == keyservice.NotFound
}

// lacks reports that the service does not know the action of a request.
func lacks(refused *rest.Refusal) bool {
	return slices.Contains(unknownAction, refused.Problem.Code)
}

// denied reports that the credentials were accepted, and their account lacks a right.
func denied(refused *rest.Refusal) bool {
	return strings.HasPrefix(refused.Problem.Code, "AccessDenied")
}

// classify sets the kind, and adds the advice, that the code and the status allow. After a 5xx a request may have been carried
// out, whatever the code, unless the server does not know the action.
func (c *client) classify(refused *rest.Refusal) {
	code, status := refused.Problem.Code, refused.Status
	kind, known := kinds[code]
	switch {
	case status == bandwidthExceeded:
		refused.Err.Kind = keyservice.Throttled
	case status >= http.StatusInternalServerError && code != "NotImplemented":
		return
	case known:
		refused.Err.Kind = kind
		refused.Credentials = kind == keyservice.Unauthorized && !denied(refused)
	case status == http.StatusNotFound:
		refused.Err.Kind = keyservice.Unavailable
	}
	if advice := c.advise(refused); advice != "" {
		refused.Advise(advice)
	}
}

// advise returns what to do about a refusal; empty if the service's words are enough.
func (c *client) advise(refused *rest.Refusal) string {
	switch status := refused.Status; {
	case refused.Credentials:
		return cmp.Or(c.skew.Describe(refused.Date), "check the KeyService's credentials and its region")
	case denied(refused) && strings.Contains(refused.Problem.Text, readOnly):
		return "start SeaweedFS with -s3.iam.readOnly=false"
	case refused.Err.Kind == keyservice.Unauthorized:
		return "give the identity that the operator signs with the rights " + rights + " for this user"
	case lacks(refused), status < 400, status == http.StatusNotFound && refused.Err.Kind == keyservice.Unavailable:
		return adviseURL
	default:
		return ""
	}
}

// varying are the times and request IDs in the service's words, which differ from one answer to the next.
var varying = regexp.MustCompile(`\b\d{8}T\d{6}Z|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?|\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b`)

// decodeProblem reads the code and the words of a refusal.
func decodeProblem(body []byte) rest.Problem {
	found, _ := readProblem(body)
	text := strings.TrimRight(strings.TrimSpace(found.Message), ".") // advice follows
	return rest.Problem{Code: strings.TrimSpace(found.Code), Text: varying.ReplaceAllString(text, "…")}
}

// isProblem reports whether the body of a refusal is in the service's own form.
func isProblem(body []byte) bool {
	_, ok := readProblem(body)
	return ok
}

var errOwnKey = errors.New("this is the key that the operator itself signs with, so it is left alone; to retire it, give the KeyService " +
	"other credentials, and delete it at the service")
