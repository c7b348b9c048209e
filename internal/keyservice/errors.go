// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// maxExcerpt bounds what is quoted of a service, characters.
const maxExcerpt = 200

// Kind tells errors apart by what can be done about them.
type Kind string

// The kinds of errors of a key service.
const (
	// Unavailable: the service did not answer, or not in a way that can be read; nothing was changed.
	Unavailable Kind = "Unavailable"
	// Throttled: the service asks to come back later (RetryAfter); nothing was changed.
	Throttled Kind = "Throttled"
	// Unauthorized: the operator's credentials were refused, or lack a right.
	Unauthorized Kind = "Unauthorized"
	// QuotaExceeded: the user has as many keys as the service allows.
	QuotaExceeded Kind = "QuotaExceeded"
	// NotFound: the service knows no such user.
	NotFound Kind = "NotFound"
	// Invalid: the service does not accept the request as it is; repeating it does not help.
	Invalid Kind = "Invalid"
	// Ambiguous: the request may have been carried out although its answer is lost.
	Ambiguous Kind = "Ambiguous"
)

// Error is an error of a key service. Its text is fit for a condition's message: stable between two tries of the same
// failure, and free of secret material.
type Error struct {
	Kind Kind
	// Op is what was tried, in words: "create key", "list keys".
	Op string
	// Reason names the trouble more closely than Kind where a person has to act on it (a condition's reason, such as
	// "UserExists"); mostly empty.
	Reason string
	// RetryAfter is how long the service asked to wait; 0 if it did not.
	RetryAfter time.Duration
	Err        error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Op, e.Err) }

// Unwrap implements errors.Unwrap.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in err's chain, and Unavailable for any other error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Unavailable
}

// RetryAfterOf returns how long the service asked to wait, 0 if it did not.
func RetryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// StatusError classifies an HTTP answer that is not a success by its status, and by whether the service can have written
// it. A backend that knows better from the body sets the kind itself. detail is the service's own words, of which an
// excerpt is quoted, without the call's secrets.
func StatusError(call Call, response *Response, detail string) *Error {
	kind := kindOfStatus(response.Status, call.Safe)
	if response.Strange() && (kind == NotFound || kind == Invalid) {
		kind = Unavailable
	}
	detail = call.Redact.Excerpt(detail)
	switch {
	case detail != "":
	case response.Strange():
		detail = "the answer is not in the service's own form, and may be a proxy's"
	default:
		detail = "no explanation in the answer"
	}
	return &Error{
		Kind:       kind,
		Op:         call.Op,
		RetryAfter: response.RetryAfter,
		Err:        fmt.Errorf("the service answered %d %s: %s", response.Status, http.StatusText(response.Status), detail),
	}
}

// Excerpt makes foreign text fit for a condition's message: one line, printable, at most 200 characters.
func Excerpt(text string) string { return cut(printable(text)) }

func printable(text string) string {
	text = text[:min(len(text), 16*maxExcerpt)] // the rest can't matter, and may be megabytes
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r) && r != unicode.ReplacementChar:
			return r
		default:
			return -1
		}
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

func cut(text string) string {
	if runes := []rune(text); len(runes) > maxExcerpt {
		return string(runes[:maxExcerpt-1]) + "…"
	}
	return text
}

func kindOfStatus(status int, safe bool) Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return Unauthorized
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusTooManyRequests:
		return Throttled
	case status >= 500 || status == http.StatusRequestTimeout:
		return unanswered(safe)
	default:
		return Invalid
	}
}

// unanswered is the kind of a request that was sent and whose fate is unknown.
func unanswered(safe bool) Kind {
	if safe {
		return Unavailable
	}
	return Ambiguous
}
