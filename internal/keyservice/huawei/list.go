// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	usersPath = "/v5/users"
	// pageLimit is the largest that is allowed.
	pageLimit = 200
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

func keysPath(userID string) string { return usersPath + "/" + url.PathEscape(userID) + "/access-keys" }

// List implements keyservice.Service.
func (s *Service) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	userID, err := s.ResolveUser(ctx, user)
	if err != nil {
		return nil, err
	}
	keys, err := s.listKeys(ctx, rest.DescribeUser(user), userID)
	if refused, ok := isMissing(err); ok {
		s.users.Forget(userID) // it was deleted, and perhaps made again with another ID
		return nil, listRequest(rest.DescribeUser(user)).Fail(keyservice.NotFound,
			fmt.Errorf("the service knows no such user: %w", refused.Reason))
	}
	return keys, err
}

// listKeys lists the keys of a user ID.
func (s *Service) listKeys(ctx context.Context, subject, userID string) ([]keyservice.Key, error) {
	list := listRequest(subject)
	list.Path = keysPath(userID)
	var keys []keyservice.Key
	err := eachPage(ctx, s.client, list, "access_keys", func(entries []keyEntry) (bool, error) {
		for _, entry := range entries {
			if entry.ID == "" {
				return false, list.Fail(keyservice.Unavailable, errors.New("the service lists a key without its access_key_id"))
			}
			keys = append(keys, entry.key())
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func listRequest(subject string) rest.Request {
	return rest.Request{Op: "list keys", Safe: true, Subject: subject, Method: http.MethodGet}
}

// eachPage reads a list page by page until the last one, or until visit needs no more. A page that is not full, or even
// empty, is not the last one: only the lack of a marker says so.
func eachPage[T any](ctx context.Context, c *client, list rest.Request, name string, visit func([]T) (more bool, err error)) error {
	list.Query = url.Values{"limit": {strconv.Itoa(pageLimit)}}
	return rest.Pages(list, func(cursor string) (string, error) {
		if cursor != "" {
			list.Query.Set("marker", cursor)
		}
		answer, err := c.do(ctx, list)
		if err != nil {
			return "", err
		}
		entries, next, err := decodePage[T](answer.Body, name)
		if err != nil {
			return "", list.Fail(keyservice.Unavailable, err)
		}
		if more, err := visit(entries); err != nil || !more {
			return "", err
		}
		return next, nil
	})
}

// decodePage reads a page whose entries are under the name list. The last page has no next.
func decodePage[T any](body []byte, list string) (entries []T, next string, err error) {
	var fields map[string]json.RawMessage
	var info struct {
		Next  rest.Cursor        `json:"next_marker"`
		Count rest.Lenient[*int] `json:"current_count"`
	}
	if json.Unmarshal(body, &fields) != nil {
		return nil, "", errNotHuawei
	}
	if len(fields["page_info"]) > 0 && json.Unmarshal(fields["page_info"], &info) != nil {
		return nil, "", errNotHuawei
	}
	switch found, listed := fields[list]; {
	case !listed || string(found) == "null":
		// A missing list is empty only if the service says so. Taken for empty, it would make every key look lost.
		if info.Count.Value == nil || *info.Count.Value != 0 {
			return nil, "", errNotHuawei
		}
	case json.Unmarshal(found, &entries) != nil:
		return nil, "", errNotHuawei
	}
	return entries, string(info.Next), nil
}
