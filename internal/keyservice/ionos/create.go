// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

// Create implements keyservice.Service: it makes the key req.ID, or takes it over if it is there from an earlier try, and
// does not wait until it is available. The service has no expiry, so the request's TTL is not used.
func (s *Service) Create(ctx context.Context, user string, req keyservice.CreateRequest) (keyservice.Credential, error) {
	if err := ownUser("create key", user); err != nil {
		return keyservice.Credential{}, err
	}
	create := request{
		call: keyservice.Call{Op: "create key"}, subject: "key " + keyservice.Excerpt(req.ID),
		method: http.MethodPut, path: keysPath + "/" + req.ID,
		body: keyBody{ID: req.ID, Properties: properties{Description: mark(req.Owner, req.ID)}},
	}
	switch {
	case !uuidPattern.MatchString(req.ID):
		return keyservice.Credential{}, create.fail(keyservice.Invalid, errors.New("this is not a UUID as ChooseID gives it"))
	case !uidPattern.MatchString(req.Owner.UID):
		return keyservice.Credential{}, create.fail(keyservice.Invalid, errors.New("the AccessKey has no UID to mark the key with"))
	}
	answer, err := s.client.do(ctx, create)
	if err != nil {
		return s.refusedCreate(ctx, create, req, err)
	}
	made, err := decodeKey(answer.Body, req.ID)
	if err != nil {
		return keyservice.Credential{}, create.fail(keyservice.Ambiguous, fmt.Errorf("the service accepted it, but: %w", err))
	}
	switch key := made.key(); key.State {
	case keyservice.Deleting:
		return keyservice.Credential{}, create.fail(keyservice.Unavailable, errBeingDeleted)
	case keyservice.Failed:
		return keyservice.Credential{}, create.fail(keyservice.Ambiguous, s.failure(made))
	default:
		s.memory.remember(key, dateOf(answer))
	}
	if answer.Status == http.StatusCreated && made.paired() {
		return made.credential(), nil
	}
	return s.takeOver(ctx, create, req.ID)
}

var errBeingDeleted = errors.New("an earlier key of this ID is still being deleted; another ID is chosen, or this one once it is free")

func (s *Service) failure(made keyRead) error {
	reason := keyservice.NewRedactor(*s.client.token).Excerpt(string(made.Metadata.value.Message))
	if reason == "" {
		reason = "it does not say why"
	}
	return fmt.Errorf("the service could not make the key, which is left as FAILED: %s", reason)
}

// takeOver gives the key a pair that nobody else has. Whatever goes wrong, the key exists.
func (s *Service) takeOver(ctx context.Context, create request, id string) (keyservice.Credential, error) {
	credential, err := s.renew(ctx, id)
	if err == nil {
		return credential, nil
	}
	failed := create.fail(keyservice.Ambiguous, fmt.Errorf("the key is there, but a pair for it could not be had yet: %w", err))
	failed.RetryAfter = keyservice.RetryAfterOf(err)
	return keyservice.Credential{}, failed
}

// refusedCreate finds out from the list what a refused create means: no source tells how the limit is answered, nor what
// a PUT of an existing key can meet.
func (s *Service) refusedCreate(
	ctx context.Context, create request, req keyservice.CreateRequest, err error,
) (keyservice.Credential, error) {
	refused, ok := errors.AsType[*refusal](err)
	if !ok || !refused.decided() {
		return keyservice.Credential{}, err
	}
	keys, listErr := s.list(ctx)
	if listErr != nil {
		failed := create.fail(keyservice.KindOf(listErr), fmt.Errorf(
			"%w; the keys that would tell why could not be listed: %w", refused.reason, listErr))
		failed.RetryAfter = keyservice.RetryAfterOf(listErr)
		return keyservice.Credential{}, failed
	}
	if i := indexOf(keys, req.ID); i >= 0 {
		switch key := keys[i]; {
		case key.State == keyservice.Deleting:
			return keyservice.Credential{}, create.fail(keyservice.Unavailable, fmt.Errorf("%w: %w", errBeingDeleted, refused.reason))
		case key.State != keyservice.Failed && key.OwnerUID == req.Owner.UID:
			return s.takeOver(ctx, create, req.ID)
		}
	}
	return keyservice.Credential{}, s.explain(create, req.ID, keys, refused)
}

// explain tells why a create was refused whose key is not there.
func (s *Service) explain(create request, id string, keys []keyservice.Key, refused *refusal) error {
	leaving := 0
	for _, key := range keys {
		if key.State == keyservice.Deleting {
			leaving++
		}
	}
	switch {
	case len(keys)-leaving >= keysPerUser:
		return create.fail(keyservice.QuotaExceeded, fmt.Errorf(
			"the token's user has as many keys as the service allows (%d: %s); delete one that is not needed: %w",
			keysPerUser, describeKeys(keys), refused.reason))
	case len(keys) >= keysPerUser:
		return create.fail(keyservice.Unavailable, fmt.Errorf(
			"the token's user has as many keys as the service allows (%d), of which %d are still being deleted: %w",
			keysPerUser, leaving, refused.reason))
	case refused.status == http.StatusConflict && refused.err.Kind == keyservice.Invalid:
		s.memory.take(id)
		return create.fail(keyservice.Invalid, fmt.Errorf(
			"the UUID is taken by another party, such as another user whose token this KeyService had before; "+
				"the next key gets another one: %w", refused.reason))
	default:
		return refused
	}
}

func describeKeys(keys []keyservice.Key) string {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = keyservice.Excerpt(key.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}
