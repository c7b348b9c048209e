// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// Create implements keyservice.Service. The service has no expiry, so the request's TTL is not used.
func (s *Service) Create(ctx context.Context, user string, req keyservice.CreateRequest) (keyservice.Credential, error) {
	create := s.client.call("create key", "CreateAccessKey", url.Values{"UserName": {user}})
	create.Subject, create.Safe = rest.DescribeUser(user), false
	switch {
	case !userPattern.MatchString(user):
		return keyservice.Credential{}, create.Fail(keyservice.Invalid, errNoName)
	case req.ID != "" && !chosenPattern.MatchString(req.ID):
		return keyservice.Credential{}, create.Fail(keyservice.Invalid, errNotChosen)
	case s.kept.fails(user, s.config.Now()):
		return keyservice.Credential{}, create.Fail(keyservice.Invalid, errNotKept)
	}
	if req.ID != "" {
		choose(create.Form, req.ID)
	}
	var result createResult
	answer, err := s.client.query(ctx, create, &result)
	if err != nil {
		return keyservice.Credential{}, s.refusedCreate(ctx, create, user, err)
	}
	made := result.Key
	switch {
	case made.ID == "" || made.Secret == "":
		return keyservice.Credential{}, create.NoKey(answer)
	case !sameUser(made.User, user): // such as the operator's own
		return keyservice.Credential{}, create.Fail(keyservice.Ambiguous, fmt.Errorf(
			"the service made key %s for the user %s instead; delete it at the service", keyservice.Excerpt(made.ID), keyservice.Excerpt(made.User)))
	}
	key := made.key(answer.Date(), 0)
	s.recent.Add(strings.ToLower(user), key)
	s.kept.made(user, key.ID, s.config.Now())
	return keyservice.Credential{Key: s.activating(key), SecretAccessKey: keyservice.Secret(made.Secret)}, nil
}

// refusedCreate finds out what a refused create means. Servers answer the limit of keys with 400, 403 or 409, and AWS has used the
// code to throttle, too, so that the words and the number of keys decide.
func (s *Service) refusedCreate(ctx context.Context, create rest.Request, user string, err error) error {
	if refused, ok := missing(err); ok {
		return s.noUser(create, user, refused.Reason)
	}
	refused, ok := rest.Refused(err)
	if ok && refused.Problem.Code == entityExists && create.Form.Has("AccessKeyId") {
		return create.Fail(keyservice.Ambiguous, fmt.Errorf("%w: %w", errIDInUse, refused.Reason))
	}
	if !ok || refused.Problem.Code != limitExceeded || refused.Status >= 500 {
		return err
	}
	words := strings.ToLower(refused.Problem.Text)
	keys, listErr := s.List(ctx, user)
	switch {
	case len(keys) >= s.Limits().KeysPerUser, strings.Contains(words, "quota"), strings.Contains(words, "limit"):
		return create.QuotaExceeded(cmp.Or(len(keys), s.Limits().KeysPerUser), keys, refused)
	case listErr != nil:
		return create.Unexplained(refused, listErr)
	default:
		return create.Fail(keyservice.Throttled, refused.Reason)
	}
}

// Delete implements keyservice.Service. SeaweedFS answers 200 for a key or a user that it does not know.
func (s *Service) Delete(ctx context.Context, user, keyID string) error {
	if _, err := s.changeWherever(ctx, s.changeRequest("delete key", "DeleteAccessKey", user, keyID)); err != nil {
		return err
	}
	s.recent.Remove(keyID)
	s.kept.deleted(user, keyID)
	return nil
}

// Disable implements keyservice.Disabler. A disabled key still counts for the user's limit.
func (s *Service) Disable(ctx context.Context, user, keyID string) error {
	disable := s.changeRequest("disable key", "UpdateAccessKey", user, keyID)
	disable.Form.Set("Status", "Inactive")
	_, err := s.changeWherever(ctx, disable)
	return err
}

// Enable implements keyservice.Enabler.
func (s *Service) Enable(ctx context.Context, user, keyID string) error {
	enable := s.changeRequest("enable key", "UpdateAccessKey", user, keyID)
	enable.Form.Set("Status", "Active")
	gone, err := s.change(ctx, enable)
	if gone != nil {
		return enable.Fail(keyservice.NotFound, noSuchKey(gone))
	}
	return err
}

func noSuchKey(reason error) error {
	return fmt.Errorf("the service knows no such key of the user: %w", reason)
}

// changeRequest returns a request about one key. It always names the user: without it, it would be about the operator's own.
func (s *Service) changeRequest(op, action, user, keyID string) rest.Request {
	r := s.client.call(op, action, url.Values{"UserName": {user}, "AccessKeyId": {keyID}})
	r.Subject = rest.DescribeKey(keyID)
	return r
}

// keyIDPattern: the model has 16 to 128 word characters, and the keys of other servers can be of any kind.
var keyIDPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$`)

// changeWherever sends a request that ends a key, which may be repeated. That the key is gone is not an error; gone says then how the
// service answered. A user can have another name by now, and a key that is gone from it can still work: the request is then sent
// again for the user that has the key.
func (s *Service) changeWherever(ctx context.Context, r rest.Request) (gone, err error) {
	for range 2 {
		if gone, err = s.change(ctx, r); gone == nil {
			return nil, err
		}
		owner, err := s.ownerOf(ctx, r.Form.Get("AccessKeyId"))
		switch {
		case err != nil:
			return nil, err
		case sameUser(owner, r.Form.Get("UserName")):
			return gone, nil
		}
		r.Form.Set("UserName", owner)
	}
	return gone, nil
}

// change sends a request about one key of the named user, once, unless it is the operator's own key. gone says how the service answered
// that it knows no such key, or no such user.
func (s *Service) change(ctx context.Context, r rest.Request) (gone, err error) {
	user, keyID := r.Form.Get("UserName"), r.Form.Get("AccessKeyId")
	switch {
	case !keyIDPattern.MatchString(keyID):
		return nil, r.Fail(keyservice.Invalid, rest.ErrNoKeyID)
	case !userPattern.MatchString(user):
		return nil, r.Fail(keyservice.Invalid, errNoName)
	}
	if own, err := s.client.signsWith(ctx, r, keyID); err != nil {
		return nil, err
	} else if own {
		return nil, r.Fail(keyservice.Invalid, errOwnKey)
	}
	_, err = s.client.query(ctx, r, nil)
	refused, ok := missing(err)
	if !ok {
		return nil, throttledChange(err)
	}
	if _, isNew := s.recent.Made(keyID); isNew {
		return nil, r.Fail(keyservice.Unavailable, fmt.Errorf("the key was made a moment ago, and the service may not know it yet: %w", refused.Reason))
	}
	s.users.Forget(user)
	return refused.Reason, nil
}

// throttledChange: a change of a key adds none, so that a limit is one of requests.
func throttledChange(err error) error {
	if refused, ok := rest.Refused(err); ok && refused.Problem.Code == limitExceeded && refused.Status < 500 {
		refused.Err.Kind = keyservice.Throttled
	}
	return err
}

// ownerOf returns the user that has a key; empty if the service knows no such key, or does not tell.
func (s *Service) ownerOf(ctx context.Context, keyID string) (string, error) {
	result, err := s.lastUse(ctx, s.lastUsedRequest(keyID))
	_, gone := missing(err)
	refused, ok := rest.Refused(err)
	if gone || ok && denied(refused) || s.untold.Load() != nil {
		err = nil
	}
	return result.User, err
}
