// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// Create implements keyservice.Service. It makes the key req.ID, or takes it over if it is there from an earlier try. It does
// not wait until the key is available. The service has no expiry, so the request's TTL is not used.
func (s *Service) Create(ctx context.Context, user string, req keyservice.CreateRequest) (keyservice.Credential, error) {
	if err := ownUser("create key", user); err != nil {
		return keyservice.Credential{}, err
	}
	create := rest.Request{Op: "create key", Subject: rest.DescribeKey(req.ID), Method: http.MethodPut, Path: keysPath + "/" + req.ID}
	switch {
	case !uuidPattern.MatchString(req.ID):
		return keyservice.Credential{}, create.Fail(keyservice.Invalid, errors.New("this is not a UUID as ChooseID gives it"))
	case !uidPattern.MatchString(req.Owner.UID):
		return keyservice.Credential{}, create.Fail(keyservice.Invalid, errors.New("the AccessKey has no UID to mark the key with"))
	}
	credential, err := s.put(ctx, create, req, mark(req.Owner, req.ID))
	if refused, ok := rest.Refused(err); ok && keyservice.KindOf(err) == keyservice.Invalid && refused.Decided() {
		// No source says how the service answers to a description that is too long for it.
		return s.put(ctx, create, req, shortMark(req.Owner.UID, req.ID))
	}
	return credential, err
}

// put makes the key with this description, or takes it over.
func (s *Service) put(ctx context.Context, create rest.Request, req keyservice.CreateRequest, description string) (keyservice.Credential, error) {
	create.Body = keyBody{ID: req.ID, Properties: properties{Description: description}}
	answer, err := s.client.Do(ctx, create)
	if err != nil {
		return s.refusedCreate(ctx, create, req, err)
	}
	made, err := decodeKey(answer.Body, req.ID)
	if err != nil {
		return keyservice.Credential{}, create.Fail(keyservice.Ambiguous, fmt.Errorf("the service accepted it, but: %w", err))
	}
	switch key := s.key(made); key.State {
	case keyservice.Deleting:
		return keyservice.Credential{}, create.Fail(keyservice.Unavailable, errBeingDeleted)
	case keyservice.Failed:
		return keyservice.Credential{}, create.Fail(keyservice.Ambiguous, failure(key))
	default:
		s.memory.remember(key, answer.Date())
	}
	if answer.Status == http.StatusCreated && made.paired() {
		return made.credential(), nil
	}
	return s.takeOver(ctx, create, req.ID)
}

var errBeingDeleted = errors.New("an earlier key of this ID is still being deleted; another ID is chosen, or this one once it is free")

func failure(key keyservice.Key) error {
	return fmt.Errorf("the service could not make the key, which is left as FAILED: %s", cmp.Or(key.Message, "it does not say why"))
}

// takeOver gives the key a pair that nobody else has. If anything goes wrong, the key still exists.
func (s *Service) takeOver(ctx context.Context, create rest.Request, id string) (keyservice.Credential, error) {
	credential, err := s.regenerate(ctx, id)
	if err == nil {
		return credential, nil
	}
	failed := create.Fail(keyservice.Ambiguous, fmt.Errorf("the key exists, but it could not be given a pair yet: %w", err))
	failed.RetryAfter = keyservice.RetryAfterOf(err)
	return keyservice.Credential{}, failed
}

// refusedCreate finds out from the list what a refused create means. No source says how the limit is answered, nor how a PUT
// of an existing key can be.
func (s *Service) refusedCreate(
	ctx context.Context, create rest.Request, req keyservice.CreateRequest, err error,
) (keyservice.Credential, error) {
	refused, ok := rest.Refused(err)
	if !ok || !decided(refused) {
		return keyservice.Credential{}, err
	}
	keys, listErr := s.list(ctx)
	if listErr != nil {
		return keyservice.Credential{}, create.Unexplained(refused, listErr)
	}
	if i := indexOf(keys, req.ID); i >= 0 {
		switch key := keys[i]; {
		case key.State == keyservice.Deleting:
			return keyservice.Credential{}, create.Fail(keyservice.Unavailable, fmt.Errorf("%w: %w", errBeingDeleted, refused.Reason))
		case key.State != keyservice.Failed && key.OwnerUID == req.Owner.UID:
			return s.takeOver(ctx, create, req.ID)
		}
	}
	return keyservice.Credential{}, s.explain(create, req.ID, keys, refused)
}

// explain finds out why a create was refused whose key does not exist.
func (s *Service) explain(create rest.Request, id string, keys []keyservice.Key, refused *rest.Refusal) error {
	leaving := 0
	for _, key := range keys {
		if key.State == keyservice.Deleting {
			leaving++
		}
	}
	switch {
	case len(keys)-leaving >= keysPerUser:
		return create.QuotaExceeded(keysPerUser, keys, refused)
	case len(keys) >= keysPerUser:
		return create.Fail(keyservice.Unavailable, fmt.Errorf(
			"the token's user has as many keys as the service allows (%d), of which %d are still being deleted: %w",
			keysPerUser, leaving, refused.Reason))
	case refused.Status == http.StatusConflict && refused.Err.Kind == keyservice.Invalid:
		s.memory.take(id)
		return create.Fail(keyservice.Invalid, fmt.Errorf(
			"the UUID is taken by another party, such as another user whose token this KeyService had before; "+
				"the next key gets another one: %w", refused.Reason))
	default:
		return refused
	}
}
