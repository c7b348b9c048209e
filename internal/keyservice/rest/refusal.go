// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// Problem is what a service says in the body of a refusal.
type Problem struct {
	// Code is the service's own code or class.
	Code string
	// Text is for people.
	Text string
}

// String is the code and the text, in this order, since a long text is cut.
func (p Problem) String() string {
	code := p.Code
	if code != "" && strings.Trim(code, "0123456789") == "" {
		code = "code " + code
	}
	if code == "" || p.Text == "" {
		return code + p.Text
	}
	return code + ": " + p.Text
}

// Refusal is the error of an answer that is not a success. It wraps a *keyservice.Error.
type Refusal struct { //nolint:errname // it is the answer itself
	// Err is fit to be returned.
	Err *keyservice.Error
	// Reason is what the service said, with advice, and without the operation and the subject of the request.
	Reason error
	// Problem is an excerpt of what the service said in its own form, without secrets; zero if it said nothing.
	Problem Problem
	// Strange: the answer is not in the service's form, so that another server may have answered.
	Strange bool
	// Status of the answer.
	Status int
	// Date is the service's time of the answer; zero if the service did not say.
	Date time.Time
}

// Error implements error.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap implements errors.Unwrap.
func (r *Refusal) Unwrap() error { return r.Err }

// Advise adds what to do about the refusal.
func (r *Refusal) Advise(advice string) { r.Reason = fmt.Errorf("%w; %s", r.Reason, advice) }

// Decided reports that the service refused the request because of the request itself: not for want of credentials, rights
// or time.
func (r *Refusal) Decided() bool {
	undecided := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusRequestTimeout}
	return r.Status >= 400 && r.Status < 500 && !slices.Contains(undecided, r.Status)
}

// Refused returns the refusal in err's chain.
func Refused(err error) (*Refusal, bool) { return errors.AsType[*Refusal](err) }

// refuse makes the error of an answer.
func (c *Client) refuse(r Request, response *Response) *Refusal {
	said := c.Explain(response.Body)
	refused := &Refusal{
		Problem: Problem{Code: c.Redact.Excerpt(said.Code), Text: c.Redact.Excerpt(said.Text)},
		// Every service answers in JSON, so another server has answered, such as a proxy.
		Strange: len(bytes.TrimSpace(response.Body)) > 0 && !json.Valid(response.Body),
		Status:  response.Status,
		Date:    response.Date(),
	}
	kind := kindOfStatus(response.Status, r.Safe)
	if refused.Strange && (kind == keyservice.NotFound || kind == keyservice.Invalid) {
		kind = keyservice.Unavailable
	}
	words := keyservice.Excerpt(refused.Problem.String())
	switch {
	case words != "":
	case refused.Strange:
		words = "the answer is not in the service's own form, and may be a proxy's"
	default:
		words = "no explanation in the answer"
	}
	refused.Reason = fmt.Errorf("the service answered %d %s: %s", response.Status, http.StatusText(response.Status), words)
	refused.Err = &keyservice.Error{Kind: kind, Op: r.Op, RetryAfter: response.RetryAfter}
	c.Classify(refused)
	if refused.Err.Kind == keyservice.Ambiguous {
		refused.Err.Kind = unanswered(r.Safe)
	}
	refused.Err.Err = r.about(refused.Reason)
	return refused
}

func kindOfStatus(status int, safe bool) keyservice.Kind {
	switch {
	case status < 400: // a redirect, which no service sends
		return keyservice.Unavailable
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return keyservice.Unauthorized
	case status == http.StatusNotFound:
		return keyservice.NotFound
	case status == http.StatusTooManyRequests:
		return keyservice.Throttled
	case status >= 500 || status == http.StatusRequestTimeout:
		return unanswered(safe)
	default:
		return keyservice.Invalid
	}
}
