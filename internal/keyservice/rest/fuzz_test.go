// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzRetryAfter reads the header: between nothing and an hour.
func FuzzRetryAfter(f *testing.F) {
	const date = "Sun, 01 Mar 2026 12:00:00 GMT"
	for _, value := range []string{"", "90", " 90 ", "-5", "99999999999999999999", "soon", "Sun, 01 Mar 2026 12:00:30 GMT", "Sun, 01 Mar 9999 12:00:00 GMT"} {
		f.Add(value, date)
	}
	f.Add(date, "Mon, 01 Jan 0001 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, value, date string) {
		answered, _ := http.ParseTime(date)
		if wait := retryAfter(value, answered); wait < 0 || wait > time.Hour {
			t.Errorf("%q at %q: %s", value, date, wait)
		}
	})
}

// FuzzTime reads times in the layouts of the services. One that cannot be read is zero, and no error.
func FuzzTime(f *testing.F) {
	for _, text := range []string{
		`"2022-12-12T21:37:53.553457928Z"`, `"2026-03-01T12:00:00.5+01:00"`, `"2023-09-13T06:51:20.550Z"`, `"2023-12-31 19:00:00 -0500"`,
		`"2024-01-01 00:00:00+00:00"`, `"2024-01-01T00:00:00.000+0000"`, `"0000-00-00T00:00:00Z"`, `null`, `1`, `""`, `{}`, `"T T"`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var read, again Time
		if err := read.UnmarshalJSON([]byte(text)); err != nil {
			t.Error(err)
		}
		if read.IsZero() {
			return
		}
		if _ = again.UnmarshalJSON(fmt.Appendf(nil, "%q", read.Format(time.RFC3339Nano))); !again.Equal(read.Time) && read.Year() > 0 && read.Year() < 10000 {
			t.Errorf("%s was read as %s, and that as %s", text, read, again)
		}
	})
}

// FuzzSendable puts IDs into a path, which then names that resource and nothing else.
func FuzzSendable(f *testing.F) {
	for _, id := range []string{"000000000001fEXAMPLE", "", ".", "..", "a/b", "a?user=root", "a#b", "a%2f..", `a\b`, "a b", "ä", "\x00"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if !Sendable(id) {
			return
		}
		for _, written := range []string{id, url.PathEscape(id)} {
			address, err := url.Parse("https://a.example/keys/" + written)
			if err != nil || address.Path != "/keys/"+id || address.RawQuery != "" || address.Fragment != "" || strings.Contains(id, "/") {
				t.Errorf("%q is sent as %s, %v", id, address, err)
			}
		}
	})
}
