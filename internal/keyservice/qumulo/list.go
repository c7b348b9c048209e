// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// ownerPrefix begins a user in the stable notation: an auth_id is never used twice.
const ownerPrefix = "auth_id:"

// ResolveUser implements keyservice.UserResolver: it returns "auth_id:N".
func (s *Service) ResolveUser(ctx context.Context, user string) (string, error) {
	authID, err := s.users.resolve(ctx, user)
	if err != nil {
		return "", err
	}
	return ownerPrefix + authID, nil
}

// List implements keyservice.Service. An auth_id that does not or no longer exist has an empty list; Create is refused.
func (s *Service) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	authID, err := s.users.resolve(ctx, user)
	if err != nil {
		return nil, err
	}
	return s.listOwner(ctx, user, authID)
}

// ListAll implements keyservice.AllLister. The owners are "auth_id:N", and "" for keys that are listed
// without one.
func (s *Service) ListAll(ctx context.Context) (map[string][]keyservice.Key, error) {
	entries, err := s.listEverything(ctx)
	if err != nil {
		return nil, err
	}
	keys := map[string][]keyservice.Key{}
	for _, entry := range entries {
		owner := ""
		if id := entry.Owner.AuthID; id != "" {
			owner = ownerPrefix + string(id)
		}
		keys[owner] = append(keys[owner], entry.key())
	}
	return keys, nil
}

// listOwner lists the keys of one auth_id. If the service refuses that (it did for users that were deleted) or lists more
// than a user can have, listOwner reads the whole list and filters it.
func (s *Service) listOwner(ctx context.Context, user, authID string) ([]keyservice.Key, error) {
	entries, after, err := s.page(ctx, rest.DescribeUser(user), url.Values{"user": {ownerPrefix + authID}})
	if refused, ok := rest.Refused(err); after != "" || (ok && unknownUser(refused)) {
		entries, err = s.listEverything(ctx)
		// In a list that names every owner, a key without one belongs to nobody.
		entries = slices.DeleteFunc(entries, func(entry keyEntry) bool { return entry.Owner.AuthID == "" })
	}
	if err != nil {
		return nil, err
	}
	var keys []keyservice.Key
	for _, entry := range entries {
		if owner := string(entry.Owner.AuthID); owner == authID || owner == "" {
			keys = append(keys, entry.key())
		}
	}
	return keys, nil
}

func (s *Service) listEverything(ctx context.Context) ([]keyEntry, error) {
	var all []keyEntry
	query := url.Values{}
	err := rest.Pages(listRequest("", nil), func(cursor string) (string, error) {
		if cursor != "" {
			query.Set("after", cursor)
		}
		entries, after, err := s.page(ctx, "", query)
		all = append(all, entries...)
		return after, err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// page reads one page, and the cursor of the next one: empty if it was the last.
func (s *Service) page(ctx context.Context, subject string, query url.Values) (entries []keyEntry, after string, err error) {
	list := listRequest(subject, query)
	answer, err := s.client.do(ctx, list)
	if err != nil {
		return nil, "", err
	}
	if entries, after, err = decodeKeyPage(answer.Body); err != nil {
		return nil, "", list.Fail(keyservice.Unavailable, err)
	}
	return entries, after, nil
}

func listRequest(subject string, query url.Values) rest.Request {
	return rest.Request{Op: "list keys", Safe: true, Subject: subject, Method: http.MethodGet, Path: keysPath, Query: query}
}
