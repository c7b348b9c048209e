// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// youth is how long after its creation a key that the service does not know is not yet taken for gone. Nothing tells how
// long the service takes; the vendor's Terraform provider waits six seconds for other things that it has just made.
const youth = time.Minute

// Delete implements keyservice.Service. The user may have been renamed, or be gone.
func (s *Service) Delete(ctx context.Context, user, keyID string) error {
	remove := keyRequest("delete key", keyID)
	remove.method = http.MethodDelete
	gone, err := s.change(ctx, remove, user, keyID)
	if err == nil && !gone {
		s.young.remove(keyID)
	}
	return err
}

// Disable implements keyservice.Disabler. A disabled key still counts for the user's limit.
func (s *Service) Disable(ctx context.Context, user, keyID string) error {
	disable := keyRequest("disable key", keyID)
	disable.method, disable.body = http.MethodPut, `{"status":"inactive"}`
	_, err := s.change(ctx, disable, user, keyID)
	return err
}

// LastUsed implements keyservice.LastUsedReporter. The service counts uses by the quarter of an hour, and some of its
// documents say that a key that was never used has the time of its creation (user guide, managing access keys).
func (s *Service) LastUsed(ctx context.Context, user, keyID string) (time.Time, error) {
	show := keyRequest("read last use", keyID)
	show.method = http.MethodGet
	if !idPattern.MatchString(keyID) {
		return time.Time{}, show.fail(keyservice.Invalid, errNoKeyID)
	}
	userID, err := s.users.resolve(ctx, user)
	if err != nil {
		return time.Time{}, err
	}
	show.path = keyPath(userID, keyID) + "/last-used"
	answer, err := s.client.do(ctx, show)
	if refused, ok := errors.AsType[*refusal](err); ok && refused.missing() {
		s.users.forget(user)
		return time.Time{}, show.fail(keyservice.NotFound, fmt.Errorf("the service knows no such key of the user: %w", refused.reason))
	}
	if err != nil {
		return time.Time{}, err
	}
	var body struct {
		LastUsed *struct {
			At *text `json:"last_used_at"`
		} `json:"access_key_last_used"`
	}
	if json.Unmarshal(answer.Body, &body) != nil || body.LastUsed == nil {
		return time.Time{}, show.fail(keyservice.Unavailable, errNotHuawei)
	}
	if body.LastUsed.At == nil || *body.LastUsed.At == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, string(*body.LastUsed.At))
	if err != nil { // taken for "never", it would let a key be revoked that is in use
		return time.Time{}, show.fail(keyservice.Unavailable, errors.New("the service gives a time that cannot be read"))
	}
	return at, nil
}

var (
	errNoKeyID = errors.New("this is not the ID of a key")
	errOwnKey  = errors.New("this is the key that the operator itself signs with, so it is left alone; to retire it, put another " +
		"one into the KeyService's credentials Secret, and delete it at the service")
)

func keyRequest(op, keyID string) request {
	return request{call: keyservice.Call{Op: op, Safe: true}, subject: "key " + keyservice.Excerpt(keyID)}
}

func keyPath(userID, keyID string) string { return keysPath(userID) + "/" + url.PathEscape(keyID) }

// change sends a request about one key, which may be repeated. gone: there is no such key any more, which is no error.
func (s *Service) change(ctx context.Context, r request, user, keyID string) (gone bool, err error) {
	switch {
	case !idPattern.MatchString(keyID): // it could name another resource
		return false, r.fail(keyservice.Invalid, errNoKeyID)
	case strings.EqualFold(keyID, s.client.signer.accessKeyID):
		return false, r.fail(keyservice.Invalid, errOwnKey)
	}
	userID, err := s.ownerOf(ctx, user, keyID)
	if err != nil {
		return false, err
	}
	if userID == "" {
		return s.settle(r, keyID, errors.New("no user has the key"))
	}
	r.path = keyPath(userID, keyID)
	_, err = s.client.do(ctx, r)
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case ok && refused.missing():
		s.users.forget(user)
		return s.settle(r, keyID, refused.reason)
	case ok && refused.silent404():
		return s.confirmGone(ctx, r, userID, keyID)
	default:
		return false, err
	}
}

// settle takes a key that the service does not know for gone, unless it was made a moment ago.
func (s *Service) settle(r request, keyID string, reason error) (gone bool, err error) {
	if s.young.has(keyID) {
		return false, r.fail(keyservice.Unavailable, fmt.Errorf("the key was made a moment ago, and the service may not know it yet: %w", reason))
	}
	return true, nil
}

// confirmGone: a 404 without the service's own words may come from a proxy, and taking it for "gone" would leave a live
// key.
func (s *Service) confirmGone(ctx context.Context, r request, userID, keyID string) (gone bool, err error) {
	keys, err := s.listKeys(ctx, r.subject, userID)
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case ok && refused.missing(): // the user is gone, and its keys with it
	case err != nil:
		return false, err
	case hasKey(keys, keyID):
		return false, r.fail(keyservice.Unavailable, errors.New("the service answered 404, yet it still lists the key"))
	}
	return s.settle(r, keyID, errors.New("the service answered 404"))
}

// ownerOf returns the ID of the user who has the key. A name that leads nowhere may have been changed while the key lives
// on, so the keys of every user are then looked through; "" if nobody has the key.
func (s *Service) ownerOf(ctx context.Context, user, keyID string) (string, error) {
	id, err := s.users.resolve(ctx, user)
	if keyservice.KindOf(err) != keyservice.NotFound {
		return id, err
	}
	find := request{
		call: keyservice.Call{Op: "find owner", Safe: true}, subject: "key " + keyservice.Excerpt(keyID),
		method: http.MethodGet, path: usersPath,
	}
	owner := ""
	err = eachPage(ctx, s.client, find, "users", func(entries []userEntry) (bool, error) {
		for _, entry := range entries {
			keys, err := s.listKeys(ctx, find.subject, string(entry.ID))
			if refused, ok := errors.AsType[*refusal](err); ok && refused.missing() {
				continue // deleted since the page was read, and its keys with it
			}
			if err != nil {
				return false, err
			}
			if hasKey(keys, keyID) {
				owner = string(entry.ID)
				return false, nil
			}
		}
		return true, nil
	})
	return owner, err
}

func hasKey(keys []keyservice.Key, keyID string) bool {
	return slices.ContainsFunc(keys, func(key keyservice.Key) bool { return key.ID == keyID })
}

// young remembers the keys that were made in the last minute.
type young struct {
	now func() time.Time

	mu   sync.Mutex
	born map[string]time.Time
}

func newYoung(now func() time.Time) *young { return &young{now: now, born: map[string]time.Time{}} }

func (y *young) add(keyID string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	now := y.now()
	maps.DeleteFunc(y.born, func(_ string, born time.Time) bool { return now.Sub(born) >= youth })
	y.born[keyID] = now
}

func (y *young) remove(keyID string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	delete(y.born, keyID)
}

func (y *young) has(keyID string) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	born, known := y.born[keyID]
	return known && y.now().Sub(born).Abs() < youth
}
