// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// privilege is what a user needs for keys of their own. The older Cloud API names it in a 422 where one would expect a
// 403 (ionos-cloud/terraform-provider-ionoscloud, docs/resources/s3_key.md).
const privilege = "ACCESS_S3_OBJECT_STORAGE"

// refusal is the error of an answer that is not a success.
type refusal struct {
	// err is fit to be returned; reason is what the service said, without the request's subject.
	err    *keyservice.Error
	reason error
	status int
	// explained: the service gave its reason in its own form, so that it was not some other server.
	explained bool
	// unprivileged: what the service said is about the privilege.
	unprivileged bool
	// at is the service's time of the answer; zero if it did not say.
	at time.Time
}

// Error implements error.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap implements errors.Unwrap.
func (r *refusal) Unwrap() error { return r.err }

// decided: the service did not do it because of the request itself or of the state of the keys. 403 is among them, since
// it could be the answer to a sixth key.
func (r *refusal) decided() bool {
	switch r.status {
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	default:
		return r.status >= 400 && r.status < 500 && !r.unprivileged
	}
}

// refuse makes the error of an answer, with the kind and the advice that its status allows.
func (c *client) refuse(r request, response *keyservice.Response) *refusal {
	problem, explained := decodeProblem(response.Body)
	// The service's words might quote the request.
	failed := keyservice.StatusError(r.call, response, keyservice.Redact(problem, c.token.Reveal()))
	refused := &refusal{
		err: failed, reason: failed.Err, status: response.Status, at: dateOf(response),
		explained: explained, unprivileged: strings.Contains(problem, privilege),
	}
	switch {
	case response.Status < 400, response.Status == http.StatusNotFound && !explained: // a proxy, or another server
		failed.Kind = keyservice.Unavailable
		refused.reason = fmt.Errorf("%w; check that the KeyService's URL is that of the management API, %s", failed.Err, defaultURL)
	case response.Status == http.StatusNotFound:
		// NotFound is for users. A key that was just made is not found for a while, so this is worth another try.
		failed.Kind = keyservice.Unavailable
	case response.Status == http.StatusUnauthorized:
		refused.reason = fmt.Errorf("%w; the token is wrong or has ended: put a new one into its Secret", failed.Err)
	case refused.unprivileged, response.Status == http.StatusForbidden:
		failed.Kind = keyservice.Unauthorized
		refused.reason = fmt.Errorf("%w; add the token's user to a group with the privilege to use the Object Storage (%s)",
			failed.Err, privilege)
	}
	failed.Err = about(r.subject, refused.reason)
	return refused
}

func about(subject string, err error) error {
	if subject == "" {
		return err
	}
	return fmt.Errorf("%s: %w", subject, err)
}
