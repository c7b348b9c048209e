// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

// credClass begins the classes of errors about identities, and the rest are those that mean something else than that
// there is no such identity (Qumulo/docs, how-audit-logging-works).
const (
	credClass             = "cred_"
	classNotSupported     = "cred_identity_not_supported_error"
	classRemoteNotReached = "cred_remote_resource_unavailable_error"
	classDecode           = "decode_error"
)

var errNotQumulo = errors.New("the answer is not that of a Qumulo cluster; check that the KeyService's URL is its REST API")

// refusal is the error of an answer that is not a success.
type refusal struct {
	// err is fit to be returned; reason is what the service said, without the request's subject.
	err    *keyservice.Error
	reason error
	status int
	// class is the service's error_class, empty if it gave none.
	class string
	// strange: somebody else than the service has answered.
	strange bool
}

// Error implements error.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap implements errors.Unwrap.
func (r *refusal) Unwrap() error { return r.err }

// clientError: the service did not do it because of the request itself, and neither for want of rights nor of time.
func clientError(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusRequestTimeout:
		return false
	default:
		return status >= 400 && status < 500
	}
}

// unknownUser: of the answer to a question about a user, that the service does not know the user. The class is not asked
// for more than it must be, since it may be absent.
func (r *refusal) unknownUser() bool {
	switch r.class {
	case classDecode, classNotSupported, classRemoteNotReached:
		return false
	default:
		return !r.strange && (r.status == http.StatusBadRequest || r.status == http.StatusNotFound)
	}
}

// userIsGone: of the answer to a create for a user that was resolved before, that the service knows the user no more. With
// a class, a 400 is about something else.
func (r *refusal) userIsGone() bool {
	return r.status == http.StatusNotFound || (r.class == "" && r.unknownUser())
}

// refuse makes the error of an answer, with the kind and advice that its status and class allow. token is what the
// request was sent with.
func (c *client) refuse(r request, token string, response *keyservice.Response) *refusal {
	problem := decodeProblem(response.Body)
	class := string(problem.Class)
	failed := keyservice.StatusError(r.call, response, problem.String())
	switch classed := clientError(response.Status); {
	case classed && class == classRemoteNotReached:
		failed.Kind = keyservice.Unavailable
	case classed && class == classNotSupported:
		failed.Kind = keyservice.Invalid
	case classed && strings.HasPrefix(class, credClass):
		failed.Kind = keyservice.NotFound
	case response.Status < 400, response.Status == http.StatusNotFound: // a proxy, or another server
		failed.Kind = keyservice.Unavailable
		failed.Err = fmt.Errorf("%w; check that the KeyService's URL is the cluster's REST API", failed.Err)
	}
	reason := c.advise(failed.Err, token, response.Status)
	failed.Err = about(r.subject, reason)
	return &refusal{err: failed, reason: reason, status: response.Status, class: class, strange: response.Strange()}
}

// advise says what to do about credentials that were sent and refused.
func (c *client) advise(err error, token string, status int) error {
	switch {
	case token == "":
		return err
	case status == http.StatusUnauthorized && c.session.static:
		return fmt.Errorf("%w; the token is wrong or has ended: put a new one into its Secret", err)
	case status == http.StatusUnauthorized:
		return fmt.Errorf("%w; the service refuses even a new session", err)
	case status == http.StatusForbidden:
		return fmt.Errorf("%w; give the operator's account the privileges PRIVILEGE_S3_CREDENTIALS_READ and _WRITE, "+
			"PRIVILEGE_S3_BUCKETS_READ and _WRITE", err)
	default:
		return err
	}
}

func about(subject string, err error) error {
	if subject == "" {
		return err
	}
	return fmt.Errorf("%s: %w", subject, err)
}
