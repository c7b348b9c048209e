// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

const redacted = "[redacted]"

// Secret is secret material that redacts itself wherever it is printed, logged or encoded. Reveal is the one way to
// the value, so that a search for it finds every place that handles one. One thing it can't do: fmt calls no methods of
// unexported fields, so a struct that keeps one in such a field must itself be kept behind a pointer.
type Secret string

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer (%#v).
func (s Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, which also covers the verbs that go around String, such as %x and %d.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, and by it JSON, YAML and XML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Redact takes secrets out of a text of the service's, which may quote the request: as they are, and in each form in which
// a request can carry them.
func Redact(text string, secrets ...string) string {
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		escaped, _ := json.Marshal(secret) // a string never fails
		var plain bytes.Buffer
		encoder := json.NewEncoder(&plain)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(secret)
		for _, form := range []string{
			secret, unquoted(escaped), unquoted(bytes.TrimSpace(plain.Bytes())),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="), url.QueryEscape(secret),
		} {
			text = strings.ReplaceAll(text, form, redacted)
		}
	}
	return text
}

func unquoted(text []byte) string { return string(text[1 : len(text)-1]) }
