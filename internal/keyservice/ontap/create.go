// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"fmt"
	"maps"
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
		return keyservice.Credential{}, t.userExists(fmt.Errorf(
			"the SVM has a user %s, and does not tell upper from lower case; name that one or another", keyservice.Excerpt(found.name)))
	}
	slot, err := t.chosen(found, wanted.ID)
	if err != nil {
		return keyservice.Credential{}, err
	}
	if found == nil {
		return t.makeUser(ctx, life, wanted.Owner)
	}
	ownerUID, err := t.markSlot(ctx, found, slot, wanted.Owner)
	if err != nil {
		return keyservice.Credential{}, err
	}
	credential, err := t.regenerate(ctx, slot, life)
	switch {
	case codeOf(err) == codeNotFound:
		return keyservice.Credential{}, t.changed("was deleted", reasonOf(err))
	case err != nil:
		return keyservice.Credential{}, err
	}
	credential.OwnerUID = ownerUID
	return credential, nil
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
	slot, err := slotOf(user, keyID)
	if err != nil {
		return keyservice.Credential{}, t.fail(keyservice.Invalid, err)
	}
	if err := t.checkSlot(slot); err != nil {
		return keyservice.Credential{}, err
	}
	found, err := t.read(ctx)
	if err != nil {
		return keyservice.Credential{}, err
	}
	if found == nil || found.keys[slot].accessKey == "" {
		return keyservice.Credential{}, t.fail(keyservice.NotFound, fmt.Errorf("the service has no key %s to regenerate", keyservice.Excerpt(keyID)))
	}
	marked, _ := parseMark(found.comment)
	credential, err := t.regenerate(ctx, slot, life)
	if err != nil {
		return keyservice.Credential{}, err
	}
	credential.OwnerUID = marked.uid(slot)
	return credential, nil
}

// chosen returns the slot with this ID, if it is free.
func (t *task) chosen(found *user, id string) (int, error) {
	keys := map[int]pair{}
	if found != nil {
		keys = found.keys
	}
	free := 0
	for slot := t.connected.slots(); slot > 0; slot-- {
		if _, taken := keys[slot]; !taken {
			free = slot
		}
	}
	slot := free
	if id != "" {
		var err error
		if slot, err = slotOf(t.name, id); err != nil {
			return 0, t.fail(keyservice.Invalid, err)
		}
		if err := t.checkSlot(slot); err != nil {
			return 0, err
		}
	}
	switch _, taken := keys[slot]; {
	case free == 0:
		return 0, t.full(found)
	case found == nil && slot != 1:
		return 0, t.changed("was deleted", nil)
	case taken:
		return 0, t.changed("was given another key", nil)
	}
	return slot, nil
}

// full refuses a user without a free slot.
func (t *task) full(found *user) error {
	ids := make([]string, 0, len(found.keys))
	for _, slot := range slices.Sorted(maps.Keys(found.keys)) {
		ids = append(ids, keyID(found.name, slot))
	}
	taken := strings.Join(ids, " and ")
	if _, ours := parseMark(found.comment); ours {
		return t.fail(keyservice.QuotaExceeded, fmt.Errorf(
			"as many keys as ONTAP %s gives a user are taken (%s); delete one that is not needed, or name another user", t.connected.version, taken))
	}
	advice := "delete the user or its key on the SVM if nobody needs it, or name another user"
	if t.connected.slots() == 1 {
		advice += "; ONTAP " + twoKeys.String() + " and newer give a user a second key, which the operator would use"
	}
	return t.userExists(fmt.Errorf(
		"the SVM has such a user, which the operator did not make, so its keys (%s) are foreign and are left alone; %s", taken, advice))
}

func (t *task) userExists(err error) error {
	failed := t.fail(keyservice.Invalid, err)
	failed.Reason = ReasonUserExists
	return failed
}

// changed refuses a change to a user that is no longer as the caller saw it. Nothing was done.
func (t *task) changed(how string, cause error) error {
	err := fmt.Errorf("the user %s meanwhile; it is read again before the next try", how)
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return t.fail(keyservice.Unavailable, err)
}

// makeUser makes the user with its first key.
func (t *task) makeUser(ctx context.Context, life string, owner keyservice.Owner) (keyservice.Credential, error) {
	comment := mark{}.with(1, owner)
	create := t.request(http.MethodPost)
	create.Path, create.Query = t.connected.usersPath(), url.Values{"return_records": {"true"}}
	create.Body = map[string]any{"name": t.name, "comment": comment.String(), "key_time_to_live": life}
	credential, err := t.issue(ctx, create, 1)
	if refused, ok := rest.Refused(err); ok {
		return keyservice.Credential{}, t.refusedUser(refused)
	}
	if err != nil {
		return keyservice.Credential{}, err
	}
	credential.OwnerUID = comment.uid(1)
	return credential, nil
}

// refusedUser recognizes a user that exists, whose code is not certain, and an SVM that is gone.
func (t *task) refusedUser(refused *rest.Refusal) error {
	_, documented := meanings[refused.Problem.Code]
	switch {
	case refused.Problem.Code == codeNotFound:
		failed := t.fail(keyservice.Invalid, fmt.Errorf("%w; create an S3 server on the SVM, or correct the KeyService's svm", refused.Reason))
		failed.Reason = ReasonSVMNotFound
		return failed
	case refused.Status == http.StatusConflict && refused.Err.Kind == keyservice.Invalid && !documented:
		return t.userExists(fmt.Errorf("%w; %s", refused.Reason, meanings[codeDuplicate].advice))
	}
	return refused
}

// markSlot writes the owner into the comment of a user that the operator made. It does so before the key exists, so that a key
// is recognized whose creation was not answered. It returns the UID that the mark then names. The comment of a foreign user
// stays as it is.
func (t *task) markSlot(ctx context.Context, found *user, slot int, owner keyservice.Owner) (string, error) {
	old, ours := parseMark(found.comment)
	if !ours {
		return "", nil
	}
	comment := old.with(slot, owner)
	if comment.String() == found.comment {
		return comment.uid(slot), nil
	}
	change := t.request(http.MethodPatch)
	change.Op, change.Safe = "mark user", true
	change.Body = map[string]any{"comment": comment.String()}
	_, err := t.client.Do(ctx, change)
	if codeOf(err) == codeNotFound {
		return "", t.changed("was deleted", reasonOf(err))
	}
	return comment.uid(slot), err
}
