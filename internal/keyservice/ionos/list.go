// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	opList = "list keys"
	// pageLimit is the documented default, twenty times what a user can have.
	pageLimit = 100
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

func (s *Service) list(ctx context.Context) ([]keyservice.Key, error) {
	var all []keyservice.Key
	var at time.Time
	offset := 0
	list := listRequest(opList, nil)
	err := rest.Pages(list, func(string) (string, error) {
		page, date, err := s.page(ctx, opList, offset, pageLimit)
		if err != nil {
			return "", err
		}
		before := len(all)
		for _, read := range page.keys {
			key := s.key(read)
			if indexOf(all, key.ID) < 0 { // the pages may have shifted between two calls
				all = append(all, key)
			}
		}
		switch {
		case page.step == 0:
			at = date
			return "", nil
		case len(all) == before:
			return "", list.Fail(keyservice.Unavailable, rest.ErrCircle)
		}
		offset += page.step
		return strconv.Itoa(offset), nil
	})
	if err != nil {
		return nil, err
	}
	return s.memory.complete(all, at), nil
}

// page reads one page, and returns the service's time of the answer.
func (s *Service) page(ctx context.Context, op string, offset, limit int) (keyPage, time.Time, error) {
	list := listRequest(op, url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}})
	answer, err := s.client.Do(ctx, list)
	if err != nil {
		return keyPage{}, time.Time{}, err
	}
	page, err := decodeKeyPage(answer.Body, limit)
	if err != nil {
		return keyPage{}, time.Time{}, list.Fail(keyservice.Unavailable, err)
	}
	return page, answer.Date(), nil
}

// key returns a key with what the service says about its state.
func (s *Service) key(read keyRead) keyservice.Key {
	key := read.key()
	key.Message = s.client.Redact.Excerpt(string(read.Metadata.Value.Message))
	return key
}

func listRequest(op string, query url.Values) rest.Request {
	return rest.Request{Op: op, Safe: true, Method: http.MethodGet, Path: keysPath, Query: query}
}
