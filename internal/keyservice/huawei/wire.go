// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// keyEntry is a key as listed, and as created.
type keyEntry struct {
	ID      rest.Text `json:"access_key_id"`
	Created rest.Time `json:"created_at"`
	Status  rest.Text `json:"status"`
	// Secret is in the answer to a create only.
	Secret rest.Text `json:"secret_access_key"`
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
	ID   rest.Text `json:"user_id"`
	Name rest.Text `json:"user_name"`
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
		Next  rest.Text `json:"next_marker"`
		Count *int      `json:"current_count"`
	}
	if json.Unmarshal(body, &fields) != nil {
		return page[T]{}, errNotHuawei
	}
	_ = json.Unmarshal(fields["page_info"], &info)
	decoded := page[T]{next: string(info.Next)}
	entries, listed := fields[list]
	if !listed || string(entries) == "null" {
		// A missing list is empty only if the service says so. Taken for empty, it would make every key look lost.
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

// decodeProblem reads every form that the vendor's documents and its SDK know: error_code with error_msg, code with
// message, the camel case that other services have, and each of them one level down.
func decodeProblem(body []byte) rest.Problem {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return rest.Problem{}
	}
	if found := problemOf(fields); found != (rest.Problem{}) {
		return found
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var nested map[string]json.RawMessage
		if json.Unmarshal(fields[name], &nested) != nil {
			continue
		}
		if found := problemOf(nested); found != (rest.Problem{}) {
			return found
		}
	}
	return rest.Problem{}
}

func problemOf(fields map[string]json.RawMessage) rest.Problem {
	return rest.Problem{
		Code: first(fields, "error_code", "errorCode", "code"),
		Text: timestamps.ReplaceAllString(first(fields, "error_msg", "errorMsg", "error_message", "errorMessage", "message"), ""),
	}
}

func first(fields map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		var value rest.Text
		_ = value.UnmarshalJSON(fields[name])
		if value != "" {
			return string(value)
		}
	}
	return ""
}

// aboutLimit reports that the words are those of a limit. "akSkNumExceed" is the classic API's.
func aboutLimit(p rest.Problem) bool {
	words := strings.ToLower(p.String())
	return strings.Contains(words, "exceed") || strings.Contains(words, "limit") || strings.Contains(words, "quota")
}
