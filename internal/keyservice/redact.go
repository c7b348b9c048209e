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
)

// minEncoded is the length from which a secret is also looked for inside of base64: less of it is found by chance.
const minEncoded = 6

// Redactor takes secrets out of what others say: a service that refuses a request may quote it, as may an API server that
// refuses a Secret. A nil Redactor knows no secrets. Like whatever keeps a Secret, it is kept behind a pointer.
type Redactor struct{ secrets []Secret }

// NewRedactor returns a redactor of these secrets; empty ones are left out.
func NewRedactor(secrets ...Secret) *Redactor {
	r := &Redactor{}
	for _, secret := range secrets {
		if secret != "" {
			r.secrets = append(r.secrets, secret)
		}
	}
	return r
}

// Clean replaces the secrets, in every form in which a request carries them or an answer quotes them.
func (r *Redactor) Clean(text string) string {
	if r == nil {
		return text
	}
	var plain []string
	for _, secret := range r.secrets {
		plain = append(plain, plainForms(secret.Reveal())...)
	}
	// Longer ones first, and all at once: what was put in is not looked at again.
	slices.SortFunc(plain, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, form := range plain {
		pairs = append(pairs, form, redacted)
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	for _, secret := range r.secrets {
		for _, form := range encodedForms(secret.Reveal()) {
			text = replaceRuns(text, form)
		}
	}
	return text
}

// Excerpt is the package's Excerpt without the secrets. They are looked for before the text is cut, which could leave half
// of one, and after what can't be printed was dropped, which could join two halves.
func (r *Redactor) Excerpt(text string) string { return cut(r.Clean(printable(r.Clean(text)))) }

// Error returns an error with the chain of err and its text without the secrets; nil for nil.
func (r *Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	return &redactedError{err: err, text: r.Clean(err.Error())}
}

type redactedError struct {
	err  error
	text string
}

// Error implements error.
func (e *redactedError) Error() string { return e.text }

// Unwrap implements errors.Unwrap.
func (e *redactedError) Unwrap() error { return e.err }

// plainForms are the secret itself, and as JSON, a JSON text in a JSON string, a URL or hexadecimal digits have it.
func plainForms(secret string) []string {
	once := quoted(secret)
	return []string{
		quoted(once), once, secret, url.QueryEscape(secret), url.PathEscape(secret),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
}

// quoted is the text as json.Marshal writes it, without the quotes.
func quoted(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return string(encoded[1 : len(encoded)-1])
}

// encodedForms are what is the same in the base64 of any text with the secret in it, by where in three bytes it begins:
// "Authorization: Basic" has a password behind a name and a colon.
func encodedForms(secret string) []string {
	if len(secret) < minEncoded {
		return nil
	}
	var forms []string
	for before := range 3 {
		whole := (before + len(secret)) / 3 * 3 // what follows the last whole group mixes with what comes behind
		padded := append(make([]byte, before), secret...)[:whole]
		first := (before + 2) / 3 * 4 // the group that mixes with what comes before
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			forms = append(forms, encoding.EncodeToString(padded)[first:])
		}
	}
	return forms
}

// isBase64: of a byte, that it may be in base64, the standard one or that for URLs.
func isBase64(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("+/-_=", c) >= 0
}

// replaceRuns replaces every run of base64 that has the form in it, since its neighbours tell the rest of the secret.
func replaceRuns(text, form string) string {
	var cleaned strings.Builder
	for {
		start := strings.Index(text, form)
		if start < 0 {
			return cleaned.String() + text
		}
		end := start + len(form)
		for start > 0 && isBase64(text[start-1]) {
			start--
		}
		for end < len(text) && isBase64(text[end]) {
			end++
		}
		cleaned.WriteString(text[:start] + redacted)
		text = text[end:]
	}
}
