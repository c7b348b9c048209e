// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// identity is api_identity as it is sent: the fields that are known, and no others.
type identity struct {
	Domain string  `json:"domain,omitempty"`
	AuthID string  `json:"auth_id,omitempty"`
	UID    *uint32 `json:"uid,omitempty"`
	SID    string  `json:"sid,omitempty"`
	Name   string  `json:"name,omitempty"`
}

// foundIdentity is api_identity as it is answered. uid may be a number, null or "", and is not needed.
type foundIdentity struct {
	AuthID text `json:"auth_id"`
}

// decodeAuthID reads the answer to an identity. One that says nothing of an auth_id is no identity; one that has null there
// is, of somebody who can't own keys.
func decodeAuthID(body []byte) (string, error) {
	var wire struct {
		AuthID json.RawMessage `json:"auth_id"`
	}
	if json.Unmarshal(body, &wire) != nil || wire.AuthID == nil {
		return "", errNotQumulo
	}
	var authID text
	_ = authID.UnmarshalJSON(wire.AuthID)
	return string(authID), nil
}

// keyEntry is a key as listed. Of its owner the list gives nothing but auth_id (the guide's example answer).
type keyEntry struct {
	ID      text           `json:"access_key_id"`
	Owner   *foundIdentity `json:"owner"`
	Created timestamp      `json:"creation_time"`
}

func (e keyEntry) authID() string {
	if e.Owner == nil {
		return ""
	}
	return string(e.Owner.AuthID)
}

func (e keyEntry) key() keyservice.Key {
	return keyservice.Key{ID: string(e.ID), AccessKeyID: string(e.ID), CreatedAt: e.Created.Time}
}

// createdKey is the one answer that has the secret. Its owner is left out: nothing in it may make a good key unreadable.
type createdKey struct {
	ID      text      `json:"access_key_id"`
	Secret  text      `json:"secret_access_key"`
	Created timestamp `json:"creation_time"`
}

func (k createdKey) key() keyservice.Key {
	return keyEntry{ID: k.ID, Created: k.Created}.key()
}

// keyPage is one page of the list.
type keyPage struct {
	entries []keyEntry
	after   string
}

func decodeKeyPage(body []byte) (keyPage, error) {
	var wire struct {
		Entries json.RawMessage `json:"entries"`
		Paging  struct {
			Next *string `json:"next"`
		} `json:"paging"`
	}
	var page keyPage
	// A JSON object without entries is not an empty list: taken for one, it would make every key look lost.
	if json.Unmarshal(body, &wire) != nil || json.Unmarshal(wire.Entries, &page.entries) != nil {
		return keyPage{}, errNotQumulo
	}
	for _, entry := range page.entries {
		if entry.ID == "" {
			return keyPage{}, errors.New("the service lists a key without its access_key_id")
		}
	}
	if wire.Paging.Next == nil || *wire.Paging.Next == "" {
		return page, nil
	}
	// A URI, relative or absolute, and perhaps with a host that only the service knows: its cursor is all that is used.
	next, err := url.Parse(*wire.Paging.Next)
	if err != nil || next.Query().Get("after") == "" {
		return keyPage{}, errors.New("the service's paging.next does not say after which key to go on")
	}
	page.after = next.Query().Get("after")
	return page, nil
}

// problem is the body of an error. Every member is optional, and so is the body.
type problem struct {
	Class       text `json:"error_class"`
	Description text `json:"description"`
}

// decodeProblem reads the body, or what it has inside where it says nothing itself.
func decodeProblem(body []byte) problem {
	var decoded struct {
		problem

		Inner *problem `json:"inner"`
	}
	if json.Unmarshal(body, &decoded) != nil {
		return problem{}
	}
	if decoded.problem == (problem{}) && decoded.Inner != nil {
		return *decoded.Inner
	}
	return decoded.problem
}

func (p problem) String() string {
	if p.Class == "" || p.Description == "" {
		return string(p.Class + p.Description)
	}
	return string(p.Class + ": " + p.Description)
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

// timestamp is RFC 3339 with nanoseconds; what can't be read is the zero time, since it is no reason to lose a key.
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
