// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
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
		return t.Fail(keyservice.Invalid, err)
	}
	if err := t.refresh(ctx); err != nil {
		return err
	}
	found, err := t.read(ctx, t.connected, user)
	if err != nil || found == nil {
		return err
	}
	if last := len(found.keys) == 0 || len(found.keys) == 1 && found.has(slot); found.ours && last {
		return t.deleteUser(ctx, found, slot)
	}
	return t.deleteKey(ctx, found, slot)
}

// refresh reads the version of a cluster that gave users one key again: since an upgrade, there could be a second key, which
// would be deleted with its user. It keeps an upgrade, so that the version is not read any more.
func (t *task) refresh(ctx context.Context) error {
	if t.connected.slots() > 1 {
		return nil
	}
	now, err := t.readCluster(ctx)
	if err != nil {
		return err
	}
	if upgraded := (cluster{now.version, t.connected.uuid, t.connected.svm}); upgraded != *t.connected {
		t.connected = &upgraded
		t.cluster.Store(&upgraded)
	}
	return nil
}

// deleteUser deletes the user, and with it the last key. The service may refuse to delete a user in a group (no source says how),
// the account may lack the right, and another administrator may have to approve it. The key is then deleted without its user.
func (t *task) deleteUser(ctx context.Context, found *user, slot int) error {
	refused := t.finish(ctx, t.request(http.MethodDelete))
	if kind := keyservice.KindOf(refused); kind != keyservice.Invalid && kind != keyservice.Unauthorized {
		return refused
	}
	err := t.deleteKey(ctx, found, slot)
	if needsApproval(refused) && (err == nil || needsApproval(err)) {
		return refused // once it is approved, the user goes too
	}
	return err
}

// deleteKey empties the slot, and takes its owner out of the mark.
func (t *task) deleteKey(ctx context.Context, found *user, slot int) error {
	change, body := t.request(http.MethodPatch), map[string]any{}
	if found.has(slot) {
		change.Query, body = url.Values{"delete_keys": {"true"}}, t.aboutSlot(slot)
	}
	if found.mark.uid(slot) != "" {
		body["comment"] = found.mark.with(slot, keyservice.Owner{}).String()
	}
	if change.Query == nil && len(body) == 0 {
		return nil
	}
	change.Body = body
	return t.finish(ctx, change)
}

// finish sends a request that deletes. It succeeds if there is nothing to delete.
func (t *task) finish(ctx context.Context, change rest.Request) error {
	_, err := t.send(ctx, change)
	if codeOf(err) == codeNotFound {
		return nil
	}
	return err
}
