// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// maxTTL is the longest life of a key that the service takes: code 92406083.
const maxTTL = 1095 * 24 * time.Hour

// task is a change to one user, which nobody else changes meanwhile.
type task struct {
	*Service

	connected *cluster
	call      keyservice.Call
	name      string
	// end must be called.
	end func()
}

func (s *Service) begin(ctx context.Context, call keyservice.Call, name string) (*task, error) {
	t := &task{Service: s, call: call, name: name}
	if err := checkName(name); err != nil {
		return nil, t.fail(keyservice.Invalid, err)
	}
	var err error
	if t.connected, err = s.connected(ctx); err != nil {
		return nil, err
	}
	var ok bool
	if t.end, ok = s.users.lock(ctx, name); !ok {
		return nil, t.fail(keyservice.Unavailable, describeDone(ctx))
	}
	return t, nil
}

func (t *task) fail(kind keyservice.Kind, err error) *keyservice.Error {
	return request{call: t.call, subject: describeUser(t.name)}.fail(kind, err)
}

func (t *task) read(ctx context.Context) (*user, error) {
	return t.Service.read(ctx, t.connected, t.name)
}

// request is one that changes the user.
func (t *task) request(method string) request {
	return request{
		call: t.call, subject: describeUser(t.name), method: method,
		path: t.connected.usersPath() + "/" + url.PathEscape(t.name),
	}
}

// aboutSlot is the body of a PATCH that is about one key. Where there is one only, the service knows no key_id.
func (t *task) aboutSlot(slot int) map[string]any {
	if t.connected.slots() > 1 {
		return map[string]any{"key_id": slot}
	}
	return map[string]any{}
}

// checkSlot refuses a slot that this version does not have.
func (t *task) checkSlot(slot int) error {
	if slots := t.connected.slots(); slot > slots {
		return t.fail(keyservice.Unavailable, fmt.Errorf(
			"ONTAP %s has no key %d of a user; it was recorded when the cluster ran another version", t.connected.version, slot))
	}
	return nil
}

var errJob = errors.New("the service went on with it in a job, whose answer would not have the secret")

// issue sends a request that makes a pair, and reads the pair.
func (t *task) issue(ctx context.Context, generate request, slot int) (keyservice.Credential, error) {
	answer, err := t.client.do(ctx, generate)
	if err != nil {
		return keyservice.Credential{}, err
	}
	if answer.Status == http.StatusAccepted {
		return keyservice.Credential{}, generate.fail(keyservice.Ambiguous, errJob)
	}
	made, secret, ok := decodePair(answer.Body, slot)
	if !ok {
		return keyservice.Credential{}, generate.fail(keyservice.Ambiguous, fmt.Errorf(
			"the service answered %d, but with no key that can be read", answer.Status))
	}
	return keyservice.Credential{Key: made.key(keyID(t.name, slot), ""), SecretAccessKey: keyservice.Secret(secret)}, nil
}

// regenerate gives the slot a new pair. Nothing that may fail by itself goes with it, such as the comment.
func (t *task) regenerate(ctx context.Context, slot int, life string) (keyservice.Credential, error) {
	change := t.request(http.MethodPatch)
	change.query = url.Values{"regenerate_keys": {"true"}}
	change.body = t.aboutSlot(slot)
	change.body["key_time_to_live"] = life
	credential, err := t.issue(ctx, change, slot)
	if codeOf(err) != codeRenewed {
		return credential, err
	}
	// The old pair is gone and nobody was shown the new one, so the next must not fail for the same cause.
	change.body = t.aboutSlot(slot)
	credential, again := t.issue(ctx, change, slot)
	if again != nil {
		failed := t.fail(keyservice.Ambiguous, fmt.Errorf("%w; another pair in its place was not had either: %w", reasonOf(err), reasonOf(again)))
		failed.RetryAfter = keyservice.RetryAfterOf(again)
		return keyservice.Credential{}, failed
	}
	return credential, nil
}

// timeToLive writes a duration as the service reads it, in every part: PnDTnHnMnS. None is written too, since it is not
// known whether a key that is regenerated without it would end as the one before.
func (t *task) timeToLive(ttl time.Duration) (string, error) {
	if ttl < 0 || ttl > maxTTL {
		failed := t.fail(keyservice.Invalid, fmt.Errorf(
			"the service lets keys live for up to %d days, and the AccessKey's ttl is %s; %s", maxTTL/(24*time.Hour), ttl, adviseTTL))
		failed.Reason = ReasonTTLUnsupported
		return "", failed
	}
	seconds := int64(ttl / time.Second)
	if ttl > 0 {
		seconds = max(seconds, 1) // 0 would be for ever
	}
	return fmt.Sprintf("P%dDT%dH%dM%dS", seconds/86400, seconds/3600%24, seconds/60%60, seconds%60), nil
}
