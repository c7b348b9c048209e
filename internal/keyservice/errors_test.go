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
	if got := throttled.Error(); got != "list keys: slow down" || !errors.Is(throttled, throttled.Err) {
		t.Errorf("got %q", got)
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
