// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Text is a string that may be written as a number or null. Anything else counts as absent.
type Text string

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (t *Text) UnmarshalJSON(data []byte) error {
	var (
		quoted string
		number json.Number
	)
	switch {
	case json.Unmarshal(data, &quoted) == nil:
		*t = Text(quoted)
	case json.Unmarshal(data, &number) == nil:
		*t = Text(number)
	}
	return nil
}

// Cursor leads to the next page of a list; it is empty on the last page. It may be written as a number or null. Anything else is
// an error, because a list that ends too early makes the keys of the other pages look lost.
type Cursor string

// UnmarshalJSON implements json.Unmarshaler.
func (c *Cursor) UnmarshalJSON(data []byte) error {
	var text Text
	_ = text.UnmarshalJSON(data) // never fails
	if empty := string(data); text == "" && empty != `""` && empty != "null" {
		return errors.New("the service's list does not say where it goes on")
	}
	*c = Cursor(text)
	return nil
}

// Time is a time in a layout that ParseTime reads. Anything else is the zero time, since it is no reason to lose a key.
type Time struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (t *Time) UnmarshalJSON(data []byte) error {
	var quoted Text
	_ = quoted.UnmarshalJSON(data)
	t.Time, _ = ParseTime(string(quoted))
	return nil
}

// ParseTime reads RFC 3339, and what services write in its place: a blank for the T, another before the offset, and an offset
// without a colon.
func ParseTime(text string) (time.Time, bool) {
	date, clock, _ := strings.Cut(strings.Replace(text, "T", " ", 1), " ")
	plain := date + "T" + strings.ReplaceAll(clock, " ", "")
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if parsed, err := time.Parse(layout, plain); err == nil {
			return parsed.UTC(), true
		}
	}
	return time.Time{}, false
}

// Lenient is a value that counts as absent if it is of another type.
type Lenient[T any] struct{ Value T }

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (l *Lenient[T]) UnmarshalJSON(data []byte) error {
	var value T
	if json.Unmarshal(data, &value) == nil {
		l.Value = value
	}
	return nil
}
