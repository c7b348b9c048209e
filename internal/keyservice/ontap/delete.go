// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"accesskey.dev/operator/internal/keyservice"
)

// Delete implements keyservice.Service. A user that the operator made goes with its last key; otherwise the key alone
// goes, so that a person's user and whatever is in its other slot stay.
func (s *Service) Delete(ctx context.Context, user, keyID string) error {
	t, err := s.begin(ctx, keyservice.Call{Op: "delete key", Safe: true}, user)
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

// refresh asks a cluster that gave users one key for its version again: since an upgrade, a second key could be there
// unseen, and would go with its user.
func (t *task) refresh(ctx context.Context) error {
	if t.connected.slots() > 1 {
		return nil
	}
	now, err := t.readVersion(ctx)
	if err == nil {
		t.connected = &cluster{version: now, svm: t.connected.svm}
	}
	return err
}

// deleteKey empties the slot, and takes its owner out of the mark.
func (t *task) deleteKey(ctx context.Context, found *user, slot int) error {
	change := t.request(http.MethodPatch)
	change.body = map[string]any{}
	_, taken := found.keys[slot]
	if taken {
		change.query, change.body = url.Values{"delete_keys": {"true"}}, t.aboutSlot(slot)
	}
	marked, _ := parseMark(found.comment)
	named := marked.uid(slot) != ""
	if named {
		change.body["comment"] = marked.with(slot, keyservice.Owner{}).String()
	}
	if !taken && !named {
		return nil
	}
	return t.finish(ctx, change)
}

// deleteUser reports whether the user is gone. The service may refuse it for a user that is in a group (no source tells
// how), and the account may lack the right; then the key is deleted without its user.
func (t *task) deleteUser(ctx context.Context) (bool, error) {
	err := t.finish(ctx, t.request(http.MethodDelete))
	if refused, ok := errors.AsType[*refusal](err); ok {
		switch refused.err.Kind {
		case keyservice.Invalid, keyservice.Unauthorized:
			return false, nil
		default:
		}
	}
	return err == nil, err
}

// finish sends a request that deletes. What is gone already is deleted.
func (t *task) finish(ctx context.Context, change request) error {
	answer, err := t.client.do(ctx, change)
	switch {
	case codeOf(err) == codeNotFound:
		return nil
	case err != nil:
		return err
	case answer.Status == http.StatusAccepted:
		return change.fail(keyservice.Unavailable, errors.New("the service goes on with it in a job; looking again whether it is done"))
	}
	return nil
}
