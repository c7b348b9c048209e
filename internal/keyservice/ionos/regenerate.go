// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// Regenerate implements keyservice.Regenerator: the same key, with a new secret and, for all that is known, the same access key. The
// service has no expiry, so ttl is not used.
func (s *Service) Regenerate(ctx context.Context, user, keyID string, _ time.Duration) (keyservice.Credential, error) {
	if err := ownUser("regenerate key", user); err != nil {
		return keyservice.Credential{}, err
	}
	return s.renew(ctx, keyID)
}

func (s *Service) renew(ctx context.Context, id string) (keyservice.Credential, error) {
	renew := request{
		call: keyservice.Call{Op: "regenerate key"}, subject: "key " + keyservice.Excerpt(id),
		method: http.MethodPut, path: keysPath + "/" + id + "/renew",
	}
	if !sendable(id) {
		return keyservice.Credential{}, renew.fail(keyservice.Invalid, errNoID)
	}
	answer, err := s.client.do(ctx, renew)
	if err != nil {
		return keyservice.Credential{}, s.refusedRenewal(ctx, renew, id, err)
	}
	renewed, err := decodeKey(answer.Body, id)
	if err == nil && !renewed.paired() {
		err = errors.New("there is no pair in the answer")
	}
	if err != nil {
		return keyservice.Credential{}, renew.fail(keyservice.Ambiguous, fmt.Errorf("the service accepted it, but: %w", err))
	}
	s.memory.update(renewed.key())
	return renewed.credential(), nil
}

// refusedRenewal finds out from the list whether a refusal will pass: no source tells how a key is answered that is not
// available yet, or no more.
func (s *Service) refusedRenewal(ctx context.Context, renew request, id string, err error) error {
	refused, ok := errors.AsType[*refusal](err)
	if !ok || !refused.decided() {
		return err
	}
	keys, listErr := s.list(ctx)
	i := indexOf(keys, id)
	switch {
	case listErr != nil || i < 0:
		return err
	case keys[i].State == keyservice.Pending:
		return renew.fail(keyservice.Unavailable, fmt.Errorf("the key is not available yet: %w", refused.reason))
	case keys[i].State == keyservice.Deleting:
		return renew.fail(keyservice.Unavailable, fmt.Errorf("the key is being deleted: %w", refused.reason))
	default:
		return err
	}
}
