// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// Delete implements keyservice.Service. It deletes a user that the operator made together with the user's last key. Otherwise
// it deletes the key alone, so that a person's user and the other key stay.
func (s *Service) Delete(ctx context.Context, user, keyID string) error {
	t, err := s.begin(ctx, rest.Request{Op: "delete key", Safe: true}, user)
	if err != nil {
		return err
	}
	defer t.end()
	slot, err := slotOf(user, keyID)
	if err != nil {
		return t.fail(keyservice.Invalid, err)
	}
	if err := t.refresh(ctx); err != nil {
		return err
	}
	found, err := t.read(ctx)
	if err != nil || found == nil {
		return err
	}
	_, taken := found.keys[slot]
	others := len(found.keys)
	if taken {
		others--
	}
	if _, ours := parseMark(found.comment); ours && others == 0 {
		deleted, err := t.deleteUser(ctx)
		if deleted || err != nil {
			return err
		}
	}
	return t.deleteKey(ctx, found, slot)
}

// refresh reads the version of a cluster that gave users one key again: since an upgrade, there could be a second key, which
// would be deleted with its user.
func (t *task) refresh(ctx context.Context) error {
	if t.connected.slots() > 1 {
		return nil
	}
	now, err := t.readCluster(ctx)
	if err == nil {
		now.svm = t.connected.svm
		t.connected = now
	}
	return err
}

// deleteKey empties the slot, and takes its owner out of the mark.
func (t *task) deleteKey(ctx context.Context, found *user, slot int) error {
	change, body := t.request(http.MethodPatch), map[string]any{}
	_, taken := found.keys[slot]
	if taken {
		change.Query, body = url.Values{"delete_keys": {"true"}}, t.aboutSlot(slot)
	}
	marked, _ := parseMark(found.comment)
	named := marked.uid(slot) != ""
	if named {
		body["comment"] = marked.with(slot, keyservice.Owner{}).String()
	}
	change.Body = body
	if !taken && !named {
		return nil
	}
	return t.finish(ctx, change)
}

// deleteUser reports whether the user is gone. The service may refuse to delete a user in a group (no source says how), and
// the account may lack the right. The caller then deletes the key without its user.
func (t *task) deleteUser(ctx context.Context) (bool, error) {
	err := t.finish(ctx, t.request(http.MethodDelete))
	if refused, ok := rest.Refused(err); ok {
		switch refused.Err.Kind {
		case keyservice.Invalid, keyservice.Unauthorized:
			return false, nil
		default:
		}
	}
	return err == nil, err
}

// finish sends a request that deletes. It succeeds if there is nothing to delete.
func (t *task) finish(ctx context.Context, change rest.Request) error {
	answer, err := t.client.Do(ctx, change)
	switch {
	case codeOf(err) == codeNotFound:
		return nil
	case err != nil:
		return err
	case answer.Status == http.StatusAccepted:
		return change.Fail(keyservice.Unavailable, errors.New("the service goes on with it in a job; the next try finds out whether it is done"))
	}
	return nil
}
