// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"accesskey.dev/operator/internal/keyservice"
)

func TestKindOf(t *testing.T) {
	throttled := &keyservice.Error{Kind: keyservice.Throttled, Op: "list keys", RetryAfter: time.Minute, Err: errors.New("slow down")}
	inner := &keyservice.Error{Kind: keyservice.Invalid, Op: "find user", Err: errors.New("no")}
	for name, test := range map[string]struct {
		err        error
		kind       keyservice.Kind
		retryAfter time.Duration
	}{
		"an error of a service":              {throttled, keyservice.Throttled, time.Minute},
		"one that is wrapped":                {fmt.Errorf("outer: %w", throttled), keyservice.Throttled, time.Minute},
		"one that is joined with others":     {errors.Join(errors.New("other"), throttled), keyservice.Throttled, time.Minute},
		"the outer of two":                   {&keyservice.Error{Kind: keyservice.Ambiguous, Err: inner}, keyservice.Ambiguous, 0},
		"any other error may be tried again": {errors.New("other"), keyservice.Unavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := keyservice.KindOf(test.err); got != test.kind {
				t.Errorf("kind %s, want %s", got, test.kind)
			}
			if got := keyservice.RetryAfterOf(test.err); got != test.retryAfter {
				t.Errorf("retry after %s, want %s", got, test.retryAfter)
			}
		})
	}
	if got := throttled.Error(); got != "list keys: slow down" {
		t.Errorf("got %q", got)
	}
}

func TestStatusErrorTellsKindsByTheStatus(t *testing.T) {
	for status, want := range map[int][2]keyservice.Kind{ // for a safe request, and for one that is not
		302: {keyservice.Invalid, keyservice.Invalid},
		400: {keyservice.Invalid, keyservice.Invalid},
		401: {keyservice.Unauthorized, keyservice.Unauthorized},
		403: {keyservice.Unauthorized, keyservice.Unauthorized},
		404: {keyservice.NotFound, keyservice.NotFound},
		407: {keyservice.Unauthorized, keyservice.Unauthorized},
		408: {keyservice.Unavailable, keyservice.Ambiguous},
		409: {keyservice.Invalid, keyservice.Invalid},
		422: {keyservice.Invalid, keyservice.Invalid},
		429: {keyservice.Throttled, keyservice.Throttled},
		500: {keyservice.Unavailable, keyservice.Ambiguous},
		503: {keyservice.Unavailable, keyservice.Ambiguous},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			for i, safe := range []bool{true, false} {
				response := &keyservice.Response{Status: status, RetryAfter: time.Second}
				err := keyservice.StatusError(keyservice.Call{Op: "create key", Safe: safe}, response, "because")
				if err.Kind != want[i] || err.RetryAfter != time.Second {
					t.Errorf("safe %t: %s, %s", safe, err.Kind, err.RetryAfter)
				}
				if text := err.Error(); !strings.HasPrefix(text, fmt.Sprintf("create key: the service answered %d ", status)) ||
					!strings.HasSuffix(text, ": because") {
					t.Errorf("got %q", text)
				}
			}
		})
	}
}

func TestStatusErrorWithoutAnExplanationSaysSo(t *testing.T) {
	for _, detail := range []string{"", " \n", "\x00\x01"} {
		err := keyservice.StatusError(keyservice.Call{Op: "list keys"}, &keyservice.Response{Status: 400}, detail)
		if want := "list keys: the service answered 400 Bad Request: no explanation in the answer"; err.Error() != want {
			t.Errorf("%q: got %q", detail, err)
		}
	}
}

func TestAnAnswerThatTheServiceCannotHaveWrittenIsNoVerdict(t *testing.T) {
	for body, want := range map[string]keyservice.Kind{
		"":                  keyservice.Invalid,
		" \n":               keyservice.Invalid,
		"{}":                keyservice.Invalid,
		`{"error":"words"}`: keyservice.Invalid,
		"<html>":            keyservice.Unavailable,
		"default backend":   keyservice.Unavailable,
		`{"error":`:         keyservice.Unavailable,
	} {
		err := keyservice.StatusError(keyservice.Call{Op: "create key"}, &keyservice.Response{Status: 400, Body: []byte(body)}, "")
		if err.Kind != want || strings.Contains(err.Error(), "a proxy") != (want == keyservice.Unavailable) {
			t.Errorf("%q: got %s, %v", body, err.Kind, err)
		}
	}
	for status, want := range map[int]keyservice.Kind{401: keyservice.Unauthorized, 403: keyservice.Unauthorized, 404: keyservice.Unavailable, 429: keyservice.Throttled, 500: keyservice.Ambiguous} {
		if err := keyservice.StatusError(keyservice.Call{}, &keyservice.Response{Status: status, Body: []byte("<html>")}, ""); err.Kind != want {
			t.Errorf("%d: got %s", status, err.Kind)
		}
	}
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("ä", 201)
	for name, test := range map[string]struct{ text, want string }{
		"plain words stay":                   {"a: b, c", "a: b, c"},
		"white space becomes one blank":      {"  a\r\n\tb\u00a0 c\u2028", "a b c"},
		"control characters go":              {"a\x00b\x1b[31mc\x7f", "ab[31mc"},
		"marks that turn the text round go":  {"a\u202eb\u200bc", "abc"},
		"bytes that are no UTF-8 go":         {"a\xff\xfeb", "ab"},
		"200 characters stay":                {long[:400], long[:400]},
		"more are cut":                       {long, long[:398] + "…"},
		"megabytes are cut":                  {strings.Repeat("x", 1<<20), strings.Repeat("x", 199) + "…"},
		"a character at the cut stays whole": {strings.Repeat(" ", 3199) + "ä", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := keyservice.Excerpt(test.text)
			if got != test.want || !utf8.ValidString(got) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
