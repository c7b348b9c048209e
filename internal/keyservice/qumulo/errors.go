// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"errors"
	"net/http"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// credClass begins the classes of errors about identities. The others are those that do not mean that there is no such
// identity (Qumulo/docs, how-audit-logging-works).
const (
	credClass             = "cred_"
	classNotSupported     = "cred_identity_not_supported_error"
	classRemoteNotReached = "cred_remote_resource_unavailable_error"
	classDecode           = "decode_error"
)

const adviseURL = "check that the KeyService's URL is the cluster's REST API"

var errNotQumulo = errors.New("the answer is not that of a Qumulo cluster; " + adviseURL)

// unknownUser reports that the answer to a question about a user says that the service does not know the user. It excludes
// the classes that mean something else, since the class may be absent.
func unknownUser(refused *rest.Refusal) bool {
	switch refused.Problem.Code {
	case classDecode, classNotSupported, classRemoteNotReached:
		return false
	default:
		return !refused.Strange && refused.Decided() && (refused.Status == http.StatusBadRequest || refused.Status == http.StatusNotFound)
	}
}

// userIsGone reports that the answer to a create for a user that was resolved before says that the service no longer knows
// the user. With a class, a 400 is about something else.
func userIsGone(refused *rest.Refusal) bool {
	return refused.Status == http.StatusNotFound || (refused.Problem.Code == "" && unknownUser(refused))
}

// classify sets the kind that the class means, and adds advice. authorized: the request was sent with a token.
func (c *client) classify(refused *rest.Refusal, authorized bool) {
	class := refused.Problem.Code
	switch decided := refused.Decided(); {
	case decided && class == classRemoteNotReached:
		refused.Err.Kind = keyservice.Unavailable
	case decided && class == classNotSupported:
		refused.Err.Kind = keyservice.Invalid
	case decided && strings.HasPrefix(class, credClass):
		refused.Err.Kind = keyservice.NotFound
	case refused.Status < 400, refused.Status == http.StatusNotFound: // a proxy, or another server
		refused.Err.Kind = keyservice.Unavailable
		refused.Advise(adviseURL)
	}
	if authorized {
		c.advise(refused)
	}
}

// advise says what to do about credentials that were refused.
func (c *client) advise(refused *rest.Refusal) {
	switch {
	case refused.Status == http.StatusUnauthorized && c.session.static:
		refused.Advise("the token is wrong or has ended: put a new one into its Secret")
	case refused.Status == http.StatusUnauthorized:
		refused.Advise("the service refuses even a new session")
	case refused.Status == http.StatusForbidden && !refused.Throttled():
		refused.Advise("give the operator's account the privileges PRIVILEGE_S3_CREDENTIALS_READ and _WRITE, " +
			"PRIVILEGE_S3_BUCKETS_READ and _WRITE")
	}
}
