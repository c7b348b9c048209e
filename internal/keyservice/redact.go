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

// minEncoded is the length from which a secret is also searched for in base64. Shorter ones occur by chance.
const minEncoded = 6

// Redactor removes secrets from foreign text: a service may quote the request that it refuses, and an API server the Secret.
// A nil Redactor knows no secrets. It must be kept behind a pointer, as everything that holds a Secret.
type Redactor struct{ secrets []Secret }

// NewRedactor returns a redactor of these secrets; empty ones are left out.
func NewRedactor(secrets ...Secret) *Redactor {
	return &Redactor{slices.DeleteFunc(slices.Clone(secrets), func(secret Secret) bool { return secret == "" })}
}

// Clean replaces the secrets in every form in which a request carries them or an answer quotes them.
func (r *Redactor) Clean(text string) string {
	if r == nil {
		return text
	}
	var plain, pairs []string
	for _, secret := range r.secrets {
		plain = append(plain, plainForms(secret.Reveal())...)
	}
	// Longer ones first, and all in one step, so that a replacement is not searched again.
	slices.SortFunc(plain, func(a, b string) int { return len(b) - len(a) })
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

// Excerpt returns the excerpt of a text without the secrets. It searches before the text is cut, which could leave half of a
// secret, and again after unprintable characters are removed, which could join two halves.
func (r *Redactor) Excerpt(text string) string { return cut(r.Clean(printable(r.Clean(text)))) }

// Error returns err with the same chain and a text without the secrets; nil for nil.
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

// plainForms returns the secret as it is, in JSON, in JSON within a JSON string, in URLs and in hexadecimal digits.
func plainForms(secret string) []string {
	once := quoted(secret)
	return []string{
		quoted(once), once, secret, url.QueryEscape(secret), url.PathEscape(secret),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
}

// quoted returns the text as json.Marshal writes it, without the quotes.
func quoted(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return string(encoded[1 : len(encoded)-1])
}

// encodedForms returns the part that the base64 of every text with the secret has in common, for each of the three positions
// at which the secret can begin. "Authorization: Basic" has the password after a name and a colon.
func encodedForms(secret string) []string {
	if len(secret) < minEncoded {
		return nil
	}
	var forms []string
	for before := range 3 {
		whole := (before + len(secret)) / 3 * 3 // the last group also encodes what follows
		padded := append(make([]byte, before), secret...)[:whole]
		first := (before + 2) / 3 * 4 // the first group also encodes what precedes
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			forms = append(forms, encoding.EncodeToString(padded)[first:])
		}
	}
	return forms
}

// base64Alphabet has the standard alphabet and that for URLs.
const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="

// replaceRuns replaces every run of base64 that contains the form, since the characters beside it encode the rest of the
// secret.
func replaceRuns(text, form string) string {
	var cleaned strings.Builder
	for {
		before, after, found := strings.Cut(text, form)
		if !found {
			return cleaned.String() + text
		}
		cleaned.WriteString(strings.TrimRight(before, base64Alphabet) + redacted)
		text = strings.TrimLeft(after, base64Alphabet)
	}
}
