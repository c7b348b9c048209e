// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

var errNoID = errors.New("this is not the ID of a key")

// Delete implements keyservice.Service. Success means that the deletion was accepted: the key is listed as Deleting until
// it is gone. The user is not asked for; the token has one only.
func (s *Service) Delete(ctx context.Context, _, keyID string) error {
	remove := request{
		call: keyservice.Call{Op: "delete key", Safe: true}, subject: "key " + keyservice.Excerpt(keyID),
		method: http.MethodDelete, path: keysPath + "/" + keyID,
	}
	if !sendable(keyID) {
		return remove.fail(keyservice.Invalid, errNoID)
	}
	_, err := s.client.do(ctx, remove)
	if err == nil {
		s.memory.forget(keyID)
		return nil
	}
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case !ok:
		return err
	case refused.status == http.StatusNotFound && s.memory.isNew(keyID, refused.at):
		return remove.fail(keyservice.Unavailable, errTooEarly)
	case refused.status == http.StatusNotFound && refused.explained:
		return nil
	case refused.status == http.StatusNotFound, refused.decided():
		return s.confirmGone(ctx, remove, keyID, refused)
	default:
		return err
	}
}

var errTooEarly = errors.New("the service does not know the key yet that it has just made")

// confirmGone asks the list what a refusal means: the key may be on its way out already, and a 404 that the service did
// not explain may come from a proxy, so that taking it for "gone" would leave a live key.
func (s *Service) confirmGone(ctx context.Context, remove request, keyID string, refused *refusal) error {
	keys, err := s.list(ctx)
	if err != nil {
		return err
	}
	switch i := indexOf(keys, keyID); {
	case i < 0 || keys[i].State == keyservice.Deleting:
		return nil
	case refused.status == http.StatusNotFound:
		return remove.fail(keyservice.Unavailable, errors.New("the service answered 404, yet it still lists the key"))
	default:
		return refused
	}
}

// sendable keeps an empty or strange ID from naming the collection, or some other resource.
func sendable(id string) bool {
	return id != "" && id != "." && id != ".." && !strings.ContainsFunc(id, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`/\?#%`, r)
	})
}
