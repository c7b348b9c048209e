// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is secret material that redacts itself wherever it is printed, logged or encoded. Only Reveal returns the value, so
// that a search for Reveal finds all code that handles secrets. fmt does not call methods of unexported fields, so a struct
// with a Secret in such a field must be kept behind a pointer.
type Secret string

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer (%#v).
func (s Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, which also covers the verbs that do not use String, such as %x and %d.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which JSON, YAML and XML use.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
