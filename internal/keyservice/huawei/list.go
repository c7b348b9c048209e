// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	usersPath = "/v5/users"
	// pageLimit is the largest that is allowed.
	pageLimit = 200
)

func keysPath(userID string) string { return usersPath + "/" + url.PathEscape(userID) + "/access-keys" }

// List implements keyservice.Service.
func (s *Service) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	userID, err := s.users.resolve(ctx, user)
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
		if err := checkKeys(entries); err != nil {
			return false, list.Fail(keyservice.Unavailable, err)
		}
		for _, entry := range entries {
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
		page, err := decodePage[T](answer.Body, name)
		if err != nil {
			return "", list.Fail(keyservice.Unavailable, err)
		}
		if more, err := visit(page.entries); err != nil || !more {
			return "", err
		}
		return page.next, nil
	})
}
