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

// wireKey is what every answer says of a key.
type wireKey struct {
	ID      rest.Text `json:"access_key_id"`
	Created rest.Time `json:"creation_time"`
}

func (k wireKey) key() keyservice.Key {
	return keyservice.Key{ID: string(k.ID), AccessKeyID: string(k.ID), CreatedAt: k.Created.Time}
}

// createdKey is the only answer that has the secret. It leaves the owner out, so that nothing in it makes a good key
// unreadable.
type createdKey struct {
	wireKey

	Secret rest.Text `json:"secret_access_key"`
}

// keyEntry is a key as listed. The list gives only the owner's auth_id (the guide's example answer).
type keyEntry struct {
	wireKey

	Owner struct {
		AuthID rest.Text `json:"auth_id"`
	} `json:"owner"`
}

// decodeKeyPage reads one page of the list, and the cursor of the next one: empty if it was the last.
func decodeKeyPage(body []byte) (entries []keyEntry, after string, err error) {
	var wire struct {
		Entries json.RawMessage `json:"entries"`
		Paging  struct {
			Next string `json:"next"`
		} `json:"paging"`
	}
	// A JSON object without entries is not an empty list, which would make every key look lost.
	if json.Unmarshal(body, &wire) != nil || json.Unmarshal(wire.Entries, &entries) != nil {
		return nil, "", errNotQumulo
	}
	for _, entry := range entries {
		if entry.ID == "" {
			return nil, "", errors.New("the service lists a key without its access_key_id")
		}
	}
	if wire.Paging.Next == "" {
		return entries, "", nil
	}
	// A URI, relative or absolute, and perhaps with a host that only the service knows. Only its cursor is used.
	next, err := url.Parse(wire.Paging.Next)
	if err != nil || next.Query().Get("after") == "" {
		return nil, "", errors.New("the service's paging.next does not say after which key to go on")
	}
	return entries, next.Query().Get("after"), nil
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
