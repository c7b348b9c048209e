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
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// listLag is how long a new key may be missing from lists and unknown to other requests. No source says how long the service
// takes; the vendor's Terraform provider waits six seconds for other things that it has just made.
const listLag = time.Minute

// Delete implements keyservice.Service. A user who is given by ID need not exist. A name must resolve, since the user may have
// been renamed and still have the key.
func (s *Service) Delete(ctx context.Context, user, keyID string) error {
	remove := keyRequest("delete key", http.MethodDelete, keyID)
	if _, err := s.change(ctx, remove, user, keyID); err != nil {
		return err
	}
	s.recent.Remove(keyID)
	return nil
}

// Disable implements keyservice.Disabler. A disabled key still counts for the user's limit.
func (s *Service) Disable(ctx context.Context, user, keyID string) error {
	disable := keyRequest("disable key", http.MethodPut, keyID)
	disable.Body = map[string]string{"status": "inactive"}
	_, err := s.change(ctx, disable, user, keyID)
	return err
}

// Enable implements keyservice.Enabler.
func (s *Service) Enable(ctx context.Context, user, keyID string) error {
	enable := keyRequest("enable key", http.MethodPut, keyID)
	enable.Body = map[string]string{"status": "active"}
	gone, err := s.change(ctx, enable, user, keyID)
	if gone != nil {
		return enable.Fail(keyservice.NotFound, fmt.Errorf("the service knows no such key of the user: %w", gone))
	}
	return err
}

// LastUsed implements keyservice.LastUsedReporter. The service counts uses by the quarter of an hour, and some of its
// documents say that a key that was never used has the time of its creation (user guide, managing access keys).
func (s *Service) LastUsed(ctx context.Context, user, keyID string) (time.Time, error) {
	show := keyRequest("read last use", http.MethodGet, keyID)
	if !idPattern.MatchString(keyID) {
		return time.Time{}, show.Fail(keyservice.Invalid, rest.ErrNoKeyID)
	}
	userID, err := s.ResolveUser(ctx, user)
	if err != nil {
		return time.Time{}, err
	}
	show.Path = keyPath(userID, keyID) + "/last-used"
	answer, err := s.client.do(ctx, show)
	if refused, ok := isMissing(err); ok {
		s.users.Forget(userID)
		return time.Time{}, show.Fail(keyservice.NotFound, fmt.Errorf("the service knows no such key of the user: %w", refused.Reason))
	}
	if err != nil {
		return time.Time{}, err
	}
	at, err := decodeLastUsed(answer.Body)
	if err != nil {
		return time.Time{}, show.Fail(keyservice.Unavailable, err)
	}
	return at, nil
}

// decodeLastUsed returns when a key was last used; zero if never, which is an absent time, null or an empty text. Anything else
// that is not a time is an error: taken for "never", it would let a key be revoked that is in use.
func decodeLastUsed(body []byte) (time.Time, error) {
	var read struct {
		LastUsed *struct {
			At *json.RawMessage `json:"last_used_at"`
		} `json:"access_key_last_used"`
	}
	if json.Unmarshal(body, &read) != nil || read.LastUsed == nil {
		return time.Time{}, errNotHuawei
	}
	if read.LastUsed.At == nil {
		return time.Time{}, nil
	}
	var text string
	err := json.Unmarshal(*read.LastUsed.At, &text)
	if err == nil && text == "" {
		return time.Time{}, nil
	}
	at, ok := rest.ParseTime(text)
	if err != nil || !ok {
		return time.Time{}, errors.New("the service gives a time that cannot be read")
	}
	return at, nil
}

var errOwnKey = errors.New("this is the key that the operator itself signs with, so it is left alone; to retire it, put another " +
	"one into the KeyService's credentials Secret, and delete it at the service")

func keyRequest(op, method, keyID string) rest.Request {
	return rest.Request{Op: op, Safe: true, Subject: rest.DescribeKey(keyID), Method: method}
}

func keyPath(userID, keyID string) string { return keysPath(userID) + "/" + url.PathEscape(keyID) }

// change sends a request about one key, which may be repeated. That the key is gone is not an error; gone says then how the
// service answered.
func (s *Service) change(ctx context.Context, r rest.Request, user, keyID string) (gone, err error) {
	switch {
	case !idPattern.MatchString(keyID): // it could name another resource
		return nil, r.Fail(keyservice.Invalid, rest.ErrNoKeyID)
	case strings.EqualFold(keyID, s.client.signer.accessKeyID):
		return nil, r.Fail(keyservice.Invalid, errOwnKey)
	}
	userID, err := s.ResolveUser(ctx, user)
	if err != nil {
		return nil, err
	}
	r.Path = keyPath(userID, keyID)
	_, err = s.client.do(ctx, r)
	refused, ok := rest.Refused(err)
	switch {
	case ok && missing(refused):
		s.users.Forget(userID)
		err = s.settle(r, keyID, refused.Reason)
	case ok && refused.Status == http.StatusNotFound && refused.Problem == (rest.Problem{}):
		err = s.confirmGone(ctx, r, userID, keyID)
	default:
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	return refused.Reason, nil
}

// settle takes a key that the service does not know for gone, unless the service may not know it yet.
func (s *Service) settle(r rest.Request, keyID string, reason error) error {
	if _, isNew := s.recent.Made(keyID); isNew {
		return r.Fail(keyservice.Unavailable, fmt.Errorf("the key was made a moment ago, and the service may not know it yet: %w", reason))
	}
	return nil
}

// confirmGone asks the list about a 404 without the service's own words. It may come from a proxy, and taking it for "gone"
// would leave a working key.
func (s *Service) confirmGone(ctx context.Context, r rest.Request, userID, keyID string) error {
	keys, err := s.listKeys(ctx, r.Subject, userID)
	_, userGone := isMissing(err)
	switch {
	case userGone: // and its keys with it
	case err != nil:
		return err
	case slices.ContainsFunc(keys, func(key keyservice.Key) bool { return key.ID == keyID }):
		return r.Fail(keyservice.Unavailable, rest.ErrStillListed)
	}
	return s.settle(r, keyID, errors.New("the service answered 404"))
}
