// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	usersPath = "/v5/users"
	// pageLimit is the largest that is allowed.
	pageLimit = 200
	// maxPages ends a listing that would never end: 200,000 users.
	maxPages = 1000
)

func keysPath(userID string) string { return usersPath + "/" + url.PathEscape(userID) + "/access-keys" }

// List implements keyservice.Service.
func (s *Service) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	userID, err := s.users.resolve(ctx, user)
	if err != nil {
		return nil, err
	}
	keys, err := s.listKeys(ctx, describeUser(user), userID)
	if refused, ok := errors.AsType[*refusal](err); ok && refused.missing() {
		s.users.forget(user) // it was deleted, and perhaps made again with another ID
		return nil, listRequest(describeUser(user)).fail(keyservice.NotFound,
			fmt.Errorf("the service knows no such user: %w", refused.reason))
	}
	return keys, err
}

// listKeys lists the keys of a user ID, or fails: half a list would look like lost keys.
func (s *Service) listKeys(ctx context.Context, subject, userID string) ([]keyservice.Key, error) {
	list := listRequest(subject)
	list.path = keysPath(userID)
	var keys []keyservice.Key
	err := eachPage(ctx, s.client, list, "access_keys", func(entries []keyEntry) (bool, error) {
		if err := checkKeys(entries); err != nil {
			return false, list.fail(keyservice.Unavailable, err)
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

func listRequest(subject string) request {
	return request{call: keyservice.Call{Op: "list keys", Safe: true}, subject: subject, method: http.MethodGet}
}

// eachPage reads a list page by page until the last one, or until visit wants no more. A page that is not full, or even
// empty, is not the last one: only the lack of a marker says so.
func eachPage[T any](ctx context.Context, c *client, list request, name string, visit func([]T) (more bool, err error)) error {
	seen := map[string]bool{}
	list.query = url.Values{"limit": {strconv.Itoa(pageLimit)}}
	for range maxPages {
		answer, err := c.do(ctx, list)
		if err != nil {
			return err
		}
		page, err := decodePage[T](answer.Body, name)
		if err != nil {
			return list.fail(keyservice.Unavailable, err)
		}
		more, err := visit(page.entries)
		if err != nil || !more || page.next == "" {
			return err
		}
		if seen[page.next] {
			return list.fail(keyservice.Unavailable, errors.New("the service's pages go in a circle"))
		}
		seen[page.next] = true
		list.query.Set("marker", page.next)
	}
	return list.fail(keyservice.Unavailable, errors.New("the service's list does not end"))
}

func describeKeys(keys []keyservice.Key) string {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = keyservice.Excerpt(key.ID)
		if key.State == keyservice.Disabled {
			ids[i] += " (inactive)"
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " and ")
}
