// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// keyEntry is a key as listed, and as created.
type keyEntry struct {
	ID      text      `json:"access_key_id"`
	Created timestamp `json:"created_at"`
	Status  text      `json:"status"`
	// Secret is only in the answer to a create.
	Secret text `json:"secret_access_key"`
}

func (e keyEntry) key() keyservice.Key {
	state := keyservice.Active
	if strings.EqualFold(string(e.Status), "inactive") {
		state = keyservice.Disabled
	}
	return keyservice.Key{ID: string(e.ID), AccessKeyID: string(e.ID), CreatedAt: e.Created.Time, State: state}
}

// userEntry is a user as listed.
type userEntry struct {
	ID   text `json:"user_id"`
	Name text `json:"user_name"`
}

// page is one page of a list.
type page[T any] struct {
	entries []T
	// next is the marker of the next page; empty on the last.
	next string
}

// decodePage reads a page whose entries are under the name list.
func decodePage[T any](body []byte, list string) (page[T], error) {
	var fields map[string]json.RawMessage
	var info struct {
		Next  text `json:"next_marker"`
		Count *int `json:"current_count"`
	}
	if json.Unmarshal(body, &fields) != nil {
		return page[T]{}, errNotHuawei
	}
	_ = json.Unmarshal(fields["page_info"], &info)
	decoded := page[T]{next: string(info.Next)}
	entries, listed := fields[list]
	if !listed || string(entries) == "null" {
		// A list that is not there is empty only if the service says so: taken for empty, it would make every key look lost.
		if info.Count == nil || *info.Count != 0 {
			return page[T]{}, errNotHuawei
		}
		return decoded, nil
	}
	if json.Unmarshal(entries, &decoded.entries) != nil {
		return page[T]{}, errNotHuawei
	}
	return decoded, nil
}

func checkKeys(entries []keyEntry) error {
	for _, entry := range entries {
		if entry.ID == "" {
			return errors.New("the service lists a key without its access_key_id")
		}
	}
	return nil
}

// problem is what the body of an error says; the zero problem if it says nothing.
type problem struct{ code, message string }

// decodeProblem reads every form that the vendor's documents and its SDK know: error_code with error_msg, code with
// message, the camel case that other services have, and each of them one level down.
func decodeProblem(body []byte) problem {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return problem{}
	}
	if found := problemOf(fields); found != (problem{}) {
		return found
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var nested map[string]json.RawMessage
		if json.Unmarshal(fields[name], &nested) != nil {
			continue
		}
		if found := problemOf(nested); found != (problem{}) {
			return found
		}
	}
	return problem{}
}

func problemOf(fields map[string]json.RawMessage) problem {
	return problem{
		code:    first(fields, "error_code", "errorCode", "code"),
		message: first(fields, "error_msg", "errorMsg", "error_message", "errorMessage", "message"),
	}
}

func first(fields map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		var value text
		_ = value.UnmarshalJSON(fields[name])
		if value != "" {
			return string(value)
		}
	}
	return ""
}

func (p problem) String() string {
	if p.code == "" || p.message == "" {
		return p.code + p.message
	}
	return p.code + ": " + p.message
}

// aboutLimit: the words are those of a limit. "akSkNumExceed" is the classic API's.
func (p problem) aboutLimit() bool {
	words := strings.ToLower(p.String())
	return strings.Contains(words, "exceed") || strings.Contains(words, "limit") || strings.Contains(words, "quota")
}

// text is a string that may be written as a number or null; anything else counts as absent.
type text string

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (t *text) UnmarshalJSON(data []byte) error {
	var (
		quoted string
		number json.Number
	)
	switch {
	case json.Unmarshal(data, &quoted) == nil:
		*t = text(quoted)
	case json.Unmarshal(data, &number) == nil:
		*t = text(number)
	}
	return nil
}

// timestamp is RFC 3339 with milliseconds; what can't be read is the zero time, since it is no reason to lose a key.
type timestamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (t *timestamp) UnmarshalJSON(data []byte) error {
	var quoted text
	_ = quoted.UnmarshalJSON(data)
	parsed, err := time.Parse(time.RFC3339Nano, string(quoted))
	if err == nil {
		t.Time = parsed
	}
	return nil
}
