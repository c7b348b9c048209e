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
	"accesskey.dev/operator/internal/keyservice/rest"
)

// Regenerate implements keyservice.Regenerator. The key gets a new secret and, as far as is known, keeps its access key. The
// service has no expiry, so ttl is not used.
func (s *Service) Regenerate(ctx context.Context, user, keyID string, _ time.Duration) (keyservice.Credential, error) {
	if err := ownUser("regenerate key", user); err != nil {
		return keyservice.Credential{}, err
	}
	return s.regenerate(ctx, keyID)
}

func (s *Service) regenerate(ctx context.Context, id string) (keyservice.Credential, error) {
	generate := rest.Request{
		Op: "regenerate key", Subject: rest.DescribeKey(id), Method: http.MethodPut, Path: keysPath + "/" + id + "/renew",
	}
	if !rest.Sendable(id) {
		return keyservice.Credential{}, generate.Fail(keyservice.Invalid, rest.ErrNoKeyID)
	}
	answer, err := s.client.Do(ctx, generate)
	if err != nil {
		return keyservice.Credential{}, s.refusedRegenerate(ctx, generate, id, err)
	}
	generated, err := decodeKey(answer.Body, id)
	if err == nil && !generated.paired() {
		err = errors.New("there is no pair in the answer")
	}
	if err != nil {
		return keyservice.Credential{}, generate.Fail(keyservice.Ambiguous, fmt.Errorf("the service accepted it, but: %w", err))
	}
	s.memory.update(s.key(generated))
	return generated.credential(), nil
}

// refusedRegenerate finds out from the list whether the reason of a refusal will pass. No source says how the service answers
// for a key that is not available yet, or no longer.
func (s *Service) refusedRegenerate(ctx context.Context, generate rest.Request, id string, err error) error {
	refused, ok := rest.Refused(err)
	if !ok || !decided(refused) {
		return err
	}
	keys, listErr := s.list(ctx)
	i := indexOf(keys, id)
	switch {
	case listErr != nil || i < 0:
		return err
	case keys[i].State == keyservice.Pending:
		return generate.Fail(keyservice.Unavailable, fmt.Errorf("the key is not available yet: %w", refused.Reason))
	case keys[i].State == keyservice.Deleting:
		return generate.Fail(keyservice.Unavailable, fmt.Errorf("the key is being deleted: %w", refused.Reason))
	default:
		return err
	}
}
