// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	opList = "list keys"
	// pageLimit is the documented default, twenty times what a user can have.
	pageLimit = 100
	// maxPages ends a listing that would never end.
	maxPages = 1000
)

// List implements keyservice.Service. A key that is being destroyed is listed, as Deleting, until it is gone.
func (s *Service) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	if err := ownUser(opList, user); err != nil {
		return nil, err
	}
	return s.list(ctx)
}

// ListAll implements keyservice.AllLister. The one owner is "".
func (s *Service) ListAll(ctx context.Context) (map[string][]keyservice.Key, error) {
	keys, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return map[string][]keyservice.Key{}, nil
	}
	return map[string][]keyservice.Key{"": keys}, nil
}

// list reads every page, or fails: half a list would look like lost keys.
func (s *Service) list(ctx context.Context) ([]keyservice.Key, error) {
	var all []keyservice.Key
	offset := 0
	for range maxPages {
		page, at, err := s.page(ctx, opList, offset, pageLimit)
		if err != nil {
			return nil, err
		}
		before := len(all)
		for _, key := range page.keys {
			if indexOf(all, key.ID) < 0 { // the pages may have shifted between two calls
				all = append(all, key)
			}
		}
		if !page.more {
			return s.memory.complete(all, at), nil
		}
		if len(all) == before {
			return nil, listRequest(opList, nil).fail(keyservice.Unavailable, errors.New("the service's pages go in a circle"))
		}
		offset += page.step
	}
	return nil, listRequest(opList, nil).fail(keyservice.Unavailable, errors.New("the service's list of keys does not end"))
}

// page reads one page, at the service's time.
func (s *Service) page(ctx context.Context, op string, offset, limit int) (keyPage, time.Time, error) {
	list := listRequest(op, url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}})
	answer, err := s.client.do(ctx, list)
	if err != nil {
		return keyPage{}, time.Time{}, err
	}
	page, err := decodeKeyPage(answer.Body, limit)
	if err != nil {
		return keyPage{}, time.Time{}, list.fail(keyservice.Unavailable, err)
	}
	return page, dateOf(answer), nil
}

func listRequest(op string, query url.Values) request {
	return request{call: keyservice.Call{Op: op, Safe: true}, method: http.MethodGet, path: keysPath, query: query}
}
