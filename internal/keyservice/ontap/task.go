// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// maxTTL is the longest life of a key that the service accepts: code 92406083.
const maxTTL = 1095 * 24 * time.Hour

// task is a change to one user, whom no other task changes meanwhile.
type task struct {
	*Service
	rest.Request // the template of the requests, with the operation and the subject

	connected *cluster
	name      string
	// end releases the lock and must be called.
	end func()
}

func (s *Service) begin(ctx context.Context, template rest.Request, name string) (*task, error) {
	template.Subject = describeUser(name)
	err := checkName(name)
	if err != nil {
		return nil, template.Fail(keyservice.Invalid, err)
	}
	t := &task{Service: s, Request: template, name: name}
	if t.connected, err = s.connected(ctx); err != nil {
		return nil, err
	}
	var ok bool
	if t.end, ok = s.users.lock(ctx, name); !ok {
		return nil, template.Done(ctx)
	}
	return t, nil
}

// request returns one that changes the user.
func (t *task) request(method string) rest.Request {
	change := t.Request
	change.Method, change.Path = method, t.connected.usersPath()+"/"+url.PathEscape(t.name)
	return change
}

// aboutSlot returns the body of a PATCH about one key. A service with one key per user does not know key_id.
func (t *task) aboutSlot(slot int) map[string]any {
	if t.connected.slots() > 1 {
		return map[string]any{"key_id": slot}
	}
	return map[string]any{}
}

// slotOf reads the ID of one of the user's keys, and refuses a slot that this version does not have.
func (t *task) slotOf(id string) (int, error) {
	slot, err := slotOf(t.name, id)
	switch {
	case err != nil:
		return 0, t.Fail(keyservice.Invalid, err)
	case slot > t.connected.slots():
		return 0, t.Fail(keyservice.Unavailable, fmt.Errorf(
			"ONTAP %s has no key %d of a user; it was recorded when the cluster ran another version", t.connected.version, slot))
	}
	return slot, nil
}

// issue sends a request that makes a pair, and reads the pair. Its owner is the one in the mark.
func (t *task) issue(ctx context.Context, generate rest.Request, slot int, marked mark) (keyservice.Credential, error) {
	answer, err := t.send(ctx, generate)
	if err != nil {
		return keyservice.Credential{}, err
	}
	made, ok := decodePair(answer.Body, slot)
	if !ok {
		return keyservice.Credential{}, generate.NoKey(answer)
	}
	made.ID, made.OwnerUID = keyID(t.name, slot), marked.uid(slot)
	return made, nil
}

// regenerate gives the slot a new pair. The request changes nothing else that may fail, such as the comment.
func (t *task) regenerate(ctx context.Context, found *user, slot int, life string) (keyservice.Credential, error) {
	change := t.request(http.MethodPatch)
	change.Query = url.Values{"regenerate_keys": {"true"}}
	body := t.aboutSlot(slot)
	body["key_time_to_live"] = life
	change.Body = body
	credential, err := t.issue(ctx, change, slot, found.mark)
	if codeOf(err) != codeRegenerated {
		return credential, err
	}
	// The old pair is gone and the new one was not shown, so the next request must not fail for the same cause.
	change.Body = t.aboutSlot(slot)
	credential, again := t.issue(ctx, change, slot, found.mark)
	if again != nil {
		failed := t.Fail(keyservice.Ambiguous, fmt.Errorf("%w; a second try failed too: %w", reasonOf(err), reasonOf(again)))
		failed.RetryAfter = keyservice.RetryAfterOf(again)
		return keyservice.Credential{}, failed
	}
	return credential, nil
}

// timeToLive writes a duration with every part, PnDTnHnMnS. It also writes none, since it is not known whether a key that is
// regenerated without it keeps the end of the one before.
func (t *task) timeToLive(ttl time.Duration) (string, error) {
	if ttl < 0 || ttl > maxTTL {
		return "", invalid(t.Request, ReasonTTLUnsupported, fmt.Errorf(
			"the service lets keys live for up to %d days, and the AccessKey's ttl is %s; %s", maxTTL/(24*time.Hour), ttl, adviseTTL))
	}
	seconds := int64(ttl / time.Second)
	if ttl > 0 {
		seconds = max(seconds, 1) // 0 means no end
	}
	return fmt.Sprintf("P%dDT%dH%dM%dS", seconds/86400, seconds/3600%24, seconds/60%60, seconds%60), nil
}

// userLocks allow one change to a user at a time. Without them, deleting a user with its revoked key could also delete the
// second key that is being made.
type userLocks struct{ held sync.Map }

// lock waits for the lock, or until ctx is done. It ignores the case of the name, as the service may.
func (l *userLocks) lock(ctx context.Context, name string) (unlock func(), ok bool) {
	name = strings.ToLower(name)
	freed := make(chan struct{})
	for {
		turn, taken := l.held.LoadOrStore(name, freed)
		if !taken {
			return func() {
				l.held.Delete(name)
				close(freed)
			}, true
		}
		select {
		case <-turn.(chan struct{}): //nolint:forcetypeassert // what LoadOrStore stores
		case <-ctx.Done():
			return nil, false
		}
	}
}
