// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

// maxPages ends a listing that would never end. A page holds up to 10,000 keys.
const maxPages = 1000

// ownerPrefix begins a user in the notation that is stable: an auth_id is never used twice.
const ownerPrefix = "auth_id:"

// List implements keyservice.Service. An auth_id that nobody has, or nobody any more, is no error: Create is refused.
func (s *Service) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	authID, err := s.users.resolve(ctx, user)
	if err != nil {
		return nil, err
	}
	return s.listOwner(ctx, user, authID)
}

// ListAll implements keyservice.AllLister. The owners are "auth_id:N"; "" stands for keys that the service lists without.
func (s *Service) ListAll(ctx context.Context) (map[string][]keyservice.Key, error) {
	entries, err := s.listEverything(ctx)
	if err != nil {
		return nil, err
	}
	keys := map[string][]keyservice.Key{}
	for _, entry := range entries {
		owner := ""
		if id := entry.authID(); id != "" {
			owner = ownerPrefix + id
		}
		keys[owner] = append(keys[owner], entry.key())
	}
	return keys, nil
}

// listOwner lists the keys of one auth_id. Where the service refuses that (it did for users that were deleted) or gives
// more than a user can have, the whole list is read and filtered.
func (s *Service) listOwner(ctx context.Context, user, authID string) ([]keyservice.Key, error) {
	entries, after, err := s.page(ctx, describeUser(user), url.Values{"user": {ownerPrefix + authID}})
	if refused, ok := errors.AsType[*refusal](err); after != "" || (ok && refused.unknownUser()) {
		entries, err = s.listEverything(ctx)
		// Of a list that names every owner, one without is nobody's.
		entries = slices.DeleteFunc(entries, func(entry keyEntry) bool { return entry.authID() == "" })
	}
	if err != nil {
		return nil, err
	}
	var keys []keyservice.Key
	for _, entry := range entries {
		if owner := entry.authID(); owner == authID || owner == "" {
			keys = append(keys, entry.key())
		}
	}
	return keys, nil
}

// listEverything reads every page, or fails: half a list would look like lost keys.
func (s *Service) listEverything(ctx context.Context) ([]keyEntry, error) {
	var all []keyEntry
	seen := map[string]bool{"": true}
	query := url.Values{}
	for range maxPages {
		entries, after, err := s.page(ctx, "", query)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
		if after == "" {
			return all, nil
		}
		if seen[after] {
			return nil, listRequest("", nil).fail(keyservice.Unavailable, errors.New("the service's pages go in a circle"))
		}
		seen[after] = true
		query.Set("after", after)
	}
	return nil, listRequest("", nil).fail(keyservice.Unavailable, errors.New("the service's list of keys does not end"))
}

// page reads one page, and what to ask the next one after: "" if it was the last.
func (s *Service) page(ctx context.Context, subject string, query url.Values) (entries []keyEntry, after string, err error) {
	list := listRequest(subject, query)
	answer, err := s.client.do(ctx, list)
	if err != nil {
		return nil, "", err
	}
	page, err := decodeKeyPage(answer.Body)
	if err != nil {
		return nil, "", list.fail(keyservice.Unavailable, err)
	}
	return page.entries, page.after, nil
}

func listRequest(subject string, query url.Values) request {
	return request{
		call: keyservice.Call{Op: "list keys", Safe: true}, subject: subject,
		method: http.MethodGet, path: keysPath, query: query,
	}
}

func describeKeys(keys []keyservice.Key) string {
	if len(keys) == 0 {
		return ""
	}
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = keyservice.Excerpt(key.ID)
	}
	slices.Sort(ids)
	return ": " + strings.Join(ids, " and ")
}
