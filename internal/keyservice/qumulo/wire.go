// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"encoding/json"
	"errors"
	"net/url"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
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
	AuthID rest.Text `json:"auth_id"`
}

// decodeAuthID reads the answer to an identity. An answer without an auth_id is no identity. One with null is an identity
// that cannot own keys.
func decodeAuthID(body []byte) (string, error) {
	var wire struct {
		AuthID json.RawMessage `json:"auth_id"`
	}
	if json.Unmarshal(body, &wire) != nil || wire.AuthID == nil {
		return "", errNotQumulo
	}
	var authID rest.Text
	_ = authID.UnmarshalJSON(wire.AuthID)
	return string(authID), nil
}

// keyEntry is a key as listed. The list gives only the owner's auth_id (the guide's example answer).
type keyEntry struct {
	ID      rest.Text      `json:"access_key_id"`
	Owner   *foundIdentity `json:"owner"`
	Created rest.Time      `json:"creation_time"`
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

// createdKey is the only answer that has the secret. It leaves the owner out, so that nothing in it makes a good key
// unreadable.
type createdKey struct {
	ID      rest.Text `json:"access_key_id"`
	Secret  rest.Text `json:"secret_access_key"`
	Created rest.Time `json:"creation_time"`
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
	// A JSON object without entries is not an empty list, which would make every key look lost.
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
	// A URI, relative or absolute, and perhaps with a host that only the service knows. Only its cursor is used.
	next, err := url.Parse(*wire.Paging.Next)
	if err != nil || next.Query().Get("after") == "" {
		return keyPage{}, errors.New("the service's paging.next does not say after which key to go on")
	}
	page.after = next.Query().Get("after")
	return page, nil
}

// problem is the body of an error. Every member is optional, and so is the body.
type problem struct {
	Class       rest.Text `json:"error_class"`
	Description rest.Text `json:"description"`
}

// decodeProblem reads the body of an error, or its inner part if the body itself says nothing.
func decodeProblem(body []byte) rest.Problem {
	var decoded struct {
		problem

		Inner *problem `json:"inner"`
	}
	if json.Unmarshal(body, &decoded) != nil {
		return rest.Problem{}
	}
	if decoded.problem == (problem{}) && decoded.Inner != nil {
		decoded.problem = *decoded.Inner
	}
	return rest.Problem{Code: string(decoded.Class), Text: string(decoded.Description)}
}
