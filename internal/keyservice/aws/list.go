// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// List implements keyservice.Service. Keys that this process made within the list lag are always in it. SeaweedFS answers with an
// empty list for a user that it does not know.
func (s *Service) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	list := s.client.call("list keys", "ListAccessKeys", url.Values{"UserName": {user}})
	list.Subject = rest.DescribeUser(user)
	if !userPattern.MatchString(user) {
		return nil, list.Fail(keyservice.Invalid, errNoName)
	}
	keys := map[string]keyservice.Key{}
	var inOrder []keyservice.Key
	add := func(key keyservice.Key) {
		if _, known := keys[key.ID]; !known { // the first key of a page can be the last one of the page before (Ceph)
			keys[key.ID] = key
			inOrder = append(inOrder, key)
		}
	}
	err := rest.Pages(list, func(cursor string) (string, error) { return s.page(ctx, list, cursor, add) })
	if refused, ok := missing(err); ok {
		return nil, s.noUser(list, user, refused.Reason)
	}
	if err != nil {
		return nil, err
	}
	s.kept.listed(user, inOrder)
	for _, key := range s.recent.Of(strings.ToLower(user)) {
		add(s.activating(key))
	}
	return inOrder, nil
}

// page reads one page, and returns the marker of the next one. A page that is not full is not the last one: only IsTruncated says
// so.
func (s *Service) page(ctx context.Context, list rest.Request, cursor string, add func(keyservice.Key)) (next string, err error) {
	if cursor != "" {
		list.Form.Set("Marker", cursor)
	}
	var result listResult
	answer, err := s.client.query(ctx, list, &result)
	if err != nil {
		return "", err
	}
	now := answer.Date()
	if now.IsZero() {
		now = s.config.Now()
	}
	for _, entry := range result.Keys {
		switch {
		case entry.ID == "":
			return "", list.Fail(keyservice.Unavailable, errors.New("the service lists a key without its AccessKeyId"))
		case !sameUser(entry.User, list.Form.Get("UserName")):
			return "", list.Fail(keyservice.Unavailable, errors.New("the service lists a key of another user"))
		}
		add(s.activating(entry.key(now, s.config.ActivationDelay)))
	}
	more, err := strconv.ParseBool(strings.TrimSpace(result.Truncated))
	switch {
	case err != nil, more && result.Marker == "":
		return "", list.Fail(keyservice.Unavailable, errors.New("the service's list does not say whether and where it goes on"))
	case more:
		return result.Marker, nil
	default:
		return "", nil
	}
}

// activating returns a key as pending that was made within the activation delay by this process, or perhaps by the one before it. It
// matters where the service does not date keys.
func (s *Service) activating(key keyservice.Key) keyservice.Key {
	if s.isActivating(key) && key.State == keyservice.Active {
		key.State = keyservice.Pending
	}
	return key
}

func (s *Service) isActivating(key keyservice.Key) bool {
	made, known := s.recent.Made(key.ID)
	if !known {
		made, known = s.started, key.CreatedAt.IsZero()
	}
	return known && s.config.Now().Sub(made) < s.config.ActivationDelay
}

// sameUser reports whether the user in an answer is the one that was asked for. A server can leave it out.
func sameUser(answered, asked string) bool {
	return answered == "" || strings.EqualFold(answered, asked)
}

// LastUsed implements keyservice.LastUsedReporter. A server that does not know the action is asked once. No source says how late
// the time is.
func (s *Service) LastUsed(ctx context.Context, user, keyID string) (time.Time, error) {
	show := s.lastUsedRequest(keyID)
	if !keyIDPattern.MatchString(keyID) {
		return time.Time{}, show.Fail(keyservice.Invalid, rest.ErrNoKeyID)
	}
	result, err := s.lastUse(ctx, show)
	refused, gone := missing(err)
	switch {
	case gone:
		return time.Time{}, show.Fail(keyservice.NotFound, noSuchKey(refused.Reason))
	case err != nil:
		return time.Time{}, err
	case !sameUser(result.User, user):
		return time.Time{}, show.Fail(keyservice.NotFound, noSuchKey(errors.New("the key is of another user")))
	}
	at := strings.TrimSpace(result.Used.At)
	if at == "" || at == "N/A" { // never used
		return time.Time{}, nil
	}
	used, ok := rest.ParseTime(at)
	if !ok {
		return time.Time{}, show.Fail(keyservice.Unavailable, errors.New("the service gives a time that cannot be read"))
	}
	return used, nil
}

func (s *Service) lastUsedRequest(keyID string) rest.Request {
	show := s.client.call("read last use", "GetAccessKeyLastUsed", url.Values{"AccessKeyId": {keyID}})
	show.Subject = rest.DescribeKey(keyID)
	return show
}

// lastUse asks for the last use of a key, and so for its user.
func (s *Service) lastUse(ctx context.Context, show rest.Request) (result lastUsedResult, err error) {
	if untold := s.untold.Load(); untold != nil {
		return result, show.Fail(untold.Kind, untold.Err)
	}
	_, err = s.client.query(ctx, show, &result)
	if refused, ok := rest.Refused(err); ok && lacks(refused) {
		s.untold.Store(&keyservice.Error{Kind: refused.Err.Kind, Err: errors.New("the service does not tell when keys were last used")})
		return result, show.Fail(refused.Err.Kind, s.untold.Load().Err)
	}
	if err == nil && result.Used == nil {
		err = show.Fail(keyservice.Unavailable, errNotIAM)
	}
	return result, err
}
