// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"fmt"
	"log/slog"
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
