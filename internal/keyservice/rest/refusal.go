// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
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
	// Credentials: the service refuses the credentials themselves, and not a right that their account lacks.
	Credentials bool
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
	undecided := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout}
	return r.Status >= 400 && r.Status < 500 && !slices.Contains(undecided, r.Status) && !r.Throttled()
}

// Throttled reports that the service refused the request because it gets too many, whatever the status of the answer.
func (r *Refusal) Throttled() bool { return r.Err.Kind == keyservice.Throttled }

// slowsDown reports that the service asks for fewer requests. A 503 with a Retry-After does, but the request may have been
// carried out.
func (r *Refusal) slowsDown() bool {
	return r.Throttled() || r.Status == http.StatusServiceUnavailable && r.Err.RetryAfter > 0
}

// Refused returns the refusal in err's chain.
func Refused(err error) (*Refusal, bool) { return errors.AsType[*Refusal](err) }

// refuse makes the error of an answer.
func (c *Client) refuse(r Request, response *Response) *Refusal {
	said := c.Explain(response.Body)
	refused := &Refusal{
		Problem: Problem{Code: c.Redact.Excerpt(said.Code), Text: c.Redact.Excerpt(said.Text)},
		// A body in another form is that of another server, such as a proxy.
		Strange:     len(bytes.TrimSpace(response.Body)) > 0 && !c.recognizes(response.Body),
		Credentials: response.Status == http.StatusUnauthorized,
		Status:      response.Status,
		Date:        response.Date(),
	}
	kind := kindOfStatus(response.Status, r.Safe)
	if throttles(response.Status, refused.Problem) {
		kind = keyservice.Throttled
	}
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

func (c *Client) recognizes(body []byte) bool {
	if c.Recognizes == nil {
		return json.Valid(body)
	}
	return c.Recognizes(body)
}

// throttling is how services and gateways say that they get too many requests.
var throttling = regexp.MustCompile(`(?i)throttl|slow[ _-]?down|too[ _-]?many[ _-]?(api[ _-]?)?(requests|calls)|` +
	`(^|[^a-z])rate[ _-]?(limit|exceeded)|request[ _-]?(rate|limit)[ _-]?exceeded`)

// throttles reports that a refusal is for too many requests. Services and gateways also answer 400, 403 and 503 then, and only
// their words say so. The words of a 401 and of a 404 do not count, because these answers have other consequences.
func throttles(status int, said Problem) bool {
	switch {
	case status == http.StatusTooManyRequests:
		return true
	case status == http.StatusUnauthorized, status == http.StatusNotFound, status < 400:
		return false
	case status < 500, status == http.StatusServiceUnavailable:
		return throttling.MatchString(said.String())
	default:
		return false
	}
}

func kindOfStatus(status int, safe bool) keyservice.Kind {
	switch {
	case status < 400: // a redirect, which no service sends
		return keyservice.Unavailable
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return keyservice.Unauthorized
	case status == http.StatusNotFound:
		return keyservice.NotFound
	case status >= 500 || status == http.StatusRequestTimeout:
		return unanswered(safe)
	default:
		return keyservice.Invalid
	}
}
