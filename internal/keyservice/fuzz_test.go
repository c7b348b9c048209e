// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzExcerpt makes any text fit for a condition: one printable line of at most 200 characters, which stays as it is.
func FuzzExcerpt(f *testing.F) {
	for _, text := range []string{"a: b, c", "a\x00b\x1b[31m", "\u202e\xff", strings.Repeat("ä", 300), strings.Repeat(" ", 3199) + "ä"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := Excerpt(text)
		switch {
		case !utf8.ValidString(quoted), utf8.RuneCountInString(quoted) > maxExcerpt, Excerpt(quoted) != quoted:
			t.Errorf("%q is quoted as %q", text, quoted)
		case strings.ContainsFunc(quoted, func(r rune) bool { return !unicode.IsPrint(r) }):
			t.Errorf("%q is quoted as %q", text, quoted)
		}
	})
}

// keeps reports whether the secret is in what is left of a text between the redacted parts.
func keeps(cleaned, secret string) bool {
	return slices.ContainsFunc(strings.Split(cleaned, redacted), func(kept string) bool { return strings.Contains(kept, secret) })
}

// FuzzRedactor quotes a secret in each form, between other text.
func FuzzRedactor(f *testing.F) {
	for _, secret := range []string{`p"<ä&\ +/w=7`, "Admin123!", "access-v1:abc/def+ghi=", "e", "[redacted]", "\x00\xff", "aaaaaaaa"} {
		f.Add("the token ", secret, " is wrong")
		f.Add("admin:", secret, "")
	}
	f.Add("0", "\x00", "0") // what stands beside it is one of its forms
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		if secret == "" || strings.Contains(redacted, secret) || len(before)+len(secret)+len(after) > 1000 {
			return
		}
		redactor := NewRedactor(Secret(secret))
		inJSON, err := json.Marshal(map[string]string{"password": secret})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)), string(inJSON),
		} {
			cleaned := redactor.Clean(before + text + after)
			if !strings.Contains(before+after, redacted) && keeps(cleaned, secret) {
				t.Errorf("%q became %q", before+text+after, cleaned)
			}
		}
		if len(secret) < minEncoded {
			return
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(before + secret + after))
		if cleaned := redactor.Clean(encoded); cleaned != redacted && !strings.Contains(cleaned, redacted) {
			t.Errorf("%q became %q", encoded, cleaned)
		}
	})
}
