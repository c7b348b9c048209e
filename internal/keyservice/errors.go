// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// maxExcerpt bounds what is quoted of a service, in characters.
const maxExcerpt = 200

// Kind classifies errors by what can be done about them.
type Kind string

// The kinds of errors of a key service.
const (
	// Unavailable: the service did not answer, or its answer cannot be read. Nothing was changed.
	Unavailable Kind = "Unavailable"
	// Throttled: the service asks the operator to wait (RetryAfter). Nothing was changed.
	Throttled Kind = "Throttled"
	// Unauthorized: the service refused the operator's credentials, or they lack a right.
	Unauthorized Kind = "Unauthorized"
	// QuotaExceeded: the user has as many keys as the service allows.
	QuotaExceeded Kind = "QuotaExceeded"
	// NotFound: the service knows no such user.
	NotFound Kind = "NotFound"
	// Invalid: the service does not accept the request. Repeating it does not help.
	Invalid Kind = "Invalid"
	// Ambiguous: the answer is lost, and the request may have been carried out.
	Ambiguous Kind = "Ambiguous"
)

// Error is an error of a key service. Its text is fit for the message of a condition: it is the same each time the same
// failure occurs, and contains no secret material.
type Error struct {
	Kind Kind
	// Op is what was tried, in words: "create key", "list keys".
	Op string
	// Reason is the reason of a condition, such as "UserExists", if a person has to act and Kind is not specific enough;
	// otherwise empty.
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

// RetryAfterOf returns how long the service asked to wait; 0 if it did not.
func RetryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// Excerpt makes foreign text fit for the message of a condition: one line, printable, at most 200 characters.
func Excerpt(text string) string { return cut(printable(text)) }

func printable(text string) string {
	text = text[:min(len(text), 16*maxExcerpt)] // the rest is cut off anyway, and may be megabytes
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
