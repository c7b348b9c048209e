// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"context"
	"errors"
	"net/http"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// Delete implements keyservice.Service. Success means that the deletion was accepted: the key is listed as Deleting until it
// is gone. The user is not used, since the token has only one.
func (s *Service) Delete(ctx context.Context, _, keyID string) error {
	remove := rest.Request{
		Op: "delete key", Safe: true, Subject: rest.DescribeKey(keyID), Method: http.MethodDelete, Path: keysPath + "/" + keyID,
	}
	if !rest.Sendable(keyID) {
		return remove.Fail(keyservice.Invalid, rest.ErrNoKeyID)
	}
	_, err := s.client.Do(ctx, remove)
	if err == nil {
		s.memory.forget(keyID)
		return nil
	}
	refused, ok := rest.Refused(err)
	switch {
	case !ok:
		return err
	case refused.Status == http.StatusNotFound && s.memory.isNew(keyID, refused.Date):
		return remove.Fail(keyservice.Unavailable, errors.New("the service does not know the key yet that it has just made"))
	case refused.Status == http.StatusNotFound && explained(refused):
		return nil
	case refused.Status == http.StatusNotFound, decided(refused):
		return s.confirmGone(ctx, remove, keyID, refused)
	default:
		return err
	}
}

// confirmGone asks the list what a refusal means. The key may already be on its way out, and a 404 that the service did not
// explain may come from a proxy. Taken for "gone", it would leave a working key.
func (s *Service) confirmGone(ctx context.Context, remove rest.Request, keyID string, refused *rest.Refusal) error {
	keys, err := s.list(ctx)
	if err != nil {
		return err
	}
	switch i := indexOf(keys, keyID); {
	case i < 0 || keys[i].State == keyservice.Deleting:
		return nil
	case refused.Status == http.StatusNotFound:
		return remove.Fail(keyservice.Unavailable, rest.ErrStillListed)
	default:
		return refused
	}
}
