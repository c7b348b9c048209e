// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// ChooseID implements keyservice.HandleChooser. It returns the first slot that is free, or else the first one, which Create then
// refuses.
func (s *Service) ChooseID(user string, _ keyservice.Owner, _ int64, keys []keyservice.Key) string {
	for slot := 1; slot <= s.Limits().KeysPerUser; slot++ {
		id := keyID(user, slot)
		if !slices.ContainsFunc(keys, func(key keyservice.Key) bool { return key.ID == id }) {
			return id
		}
	}
	return keyID(user, 1)
}

// Create implements keyservice.Service. It makes the user, or a key in a slot that is free; without an ID, in the first free
// one. It never replaces a key.
func (s *Service) Create(ctx context.Context, user string, wanted keyservice.CreateRequest) (keyservice.Credential, error) {
	t, err := s.begin(ctx, rest.Request{Op: "create key"}, user)
	if err != nil {
		return keyservice.Credential{}, err
	}
	defer t.end()
	life, err := t.timeToLive(wanted.TTL)
	if err != nil {
		return keyservice.Credential{}, err
	}
	found, err := t.readAnyCase(ctx, t.connected, user)
	if err != nil {
		return keyservice.Credential{}, err
	}
	if found != nil && found.name != user {
		return keyservice.Credential{}, invalid(t.Request, ReasonUserExists, fmt.Errorf(
			"the SVM has a user %s, and does not tell upper from lower case; name that one or another", keyservice.Excerpt(found.name)))
	}
	slot, err := t.chosen(found, wanted.ID)
	if err != nil {
		return keyservice.Credential{}, err
	}
	if found == nil {
		return t.makeUser(ctx, life, wanted.Owner)
	}
	if err := t.markSlot(ctx, found, slot, wanted.Owner); err != nil {
		return keyservice.Credential{}, err
	}
	credential, err := t.regenerate(ctx, found, slot, life)
	if codeOf(err) == codeNotFound {
		return keyservice.Credential{}, t.changed("was deleted", reasonOf(err))
	}
	return credential, err
}

// Regenerate implements keyservice.Regenerator. The access key changes too, and the old pair ends at once. It does not check
// who made the key.
func (s *Service) Regenerate(ctx context.Context, user, keyID string, ttl time.Duration) (keyservice.Credential, error) {
	t, err := s.begin(ctx, rest.Request{Op: "regenerate key"}, user)
	if err != nil {
		return keyservice.Credential{}, err
	}
	defer t.end()
	life, err := t.timeToLive(ttl)
	if err != nil {
		return keyservice.Credential{}, err
	}
	slot, err := t.slotOf(keyID)
	if err != nil {
		return keyservice.Credential{}, err
	}
	found, err := t.read(ctx, t.connected, user)
	if err != nil {
		return keyservice.Credential{}, err
	}
	if !found.has(slot) {
		return keyservice.Credential{}, t.Fail(keyservice.NotFound, fmt.Errorf("the service has no key %s to regenerate", keyservice.Excerpt(keyID)))
	}
	return t.regenerate(ctx, found, slot, life)
}

// chosen returns the slot with this ID, or else the first one, if it is free.
func (t *task) chosen(found *user, id string) (slot int, err error) {
	free := 0
	for slot := t.connected.slots(); slot > 0; slot-- {
		if !found.has(slot) {
			free = slot
		}
	}
	slot = free
	if id != "" {
		if slot, err = t.slotOf(id); err != nil {
			return 0, err
		}
	}
	switch {
	case free == 0:
		return 0, t.full(found)
	case found == nil && slot != 1:
		return 0, t.changed("was deleted", nil)
	case found.has(slot):
		return 0, t.changed("was given another key", nil)
	}
	return slot, nil
}

// full refuses a user without a free slot.
func (t *task) full(found *user) error {
	var ids []string
	for _, key := range found.list() {
		ids = append(ids, key.ID)
	}
	taken := strings.Join(ids, " and ")
	if found.ours {
		return t.Fail(keyservice.QuotaExceeded, fmt.Errorf(
			"as many keys as ONTAP %s gives a user are taken (%s); delete one that is not needed, or name another user", t.connected.version, taken))
	}
	advice := "delete the user or its key on the SVM if nobody needs it, or name another user"
	if t.connected.slots() == 1 {
		advice += "; ONTAP " + twoKeys.String() + " and newer give a user a second key, which the operator would use"
	}
	return invalid(t.Request, ReasonUserExists, fmt.Errorf(
		"the SVM has such a user, which the operator did not make, so its keys (%s) are foreign and are left alone; %s", taken, advice))
}

// changed refuses a change to a user that is no longer as the caller saw it. Nothing was done.
func (t *task) changed(how string, cause error) error {
	err := fmt.Errorf("the user %s meanwhile; it is read again before the next try", how)
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return t.Fail(keyservice.Unavailable, err)
}

// makeUser makes the user with its first key.
func (t *task) makeUser(ctx context.Context, life string, owner keyservice.Owner) (keyservice.Credential, error) {
	comment := mark{}.with(1, owner)
	create := t.request(http.MethodPost)
	create.Path, create.Query = t.connected.usersPath(), url.Values{"return_records": {"true"}}
	create.Body = map[string]any{"name": t.name, "comment": comment.String(), "key_time_to_live": life}
	credential, err := t.issue(ctx, create, 1, comment)
	if refused, ok := rest.Refused(err); ok {
		return keyservice.Credential{}, t.refusedUser(refused)
	}
	credential.MadeUser = err == nil
	return credential, err
}

// refusedUser recognizes a user that exists, whose code is not certain, and an SVM that is gone.
func (t *task) refusedUser(refused *rest.Refusal) error {
	_, documented := meanings[refused.Problem.Code]
	switch {
	case refused.Problem.Code == codeNotFound:
		return invalid(t.Request, ReasonSVMNotFound, fmt.Errorf("%w; %s", refused.Reason, adviseSVM))
	case refused.Status == http.StatusConflict && refused.Err.Kind == keyservice.Invalid && refused.Err.Reason == "" && !documented:
		return invalid(t.Request, ReasonUserExists, fmt.Errorf("%w; %s", refused.Reason, meanings[codeDuplicate].advice))
	}
	return refused
}

// markSlot writes the owner into the comment of a user that the operator made. It does so before the key exists, so that a key
// is recognized whose creation was not answered. The comment of a foreign user stays as it is.
func (t *task) markSlot(ctx context.Context, found *user, slot int, owner keyservice.Owner) error {
	if !found.ours {
		return nil
	}
	found.mark = found.mark.with(slot, owner)
	if found.mark.String() == found.comment {
		return nil
	}
	change := t.request(http.MethodPatch)
	change.Op, change.Safe = "mark user", true
	change.Body = map[string]any{"comment": found.mark.String()}
	_, err := t.send(ctx, change)
	if codeOf(err) == codeNotFound {
		return t.changed("was deleted", reasonOf(err))
	}
	return err
}
