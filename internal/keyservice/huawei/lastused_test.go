// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestTheLastUseOfAKey(t *testing.T) {
	for name, test := range map[string]struct {
		options account.Options
		unused  time.Time
	}{
		"of one never used is absent":              {account.Options{}, time.Time{}},
		"of one never used may be its creation":    {account.Options{UsedAtCreation: true}, start.Truncate(time.Millisecond)},
		"does not depend on how errors are shaped": {account.Options{Shape: account.ShapeBare}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, test.options)
			made := b.create(t, "alice")
			if at, err := b.LastUsed(t.Context(), "alice", made.ID); err != nil || !at.Equal(test.unused) {
				t.Errorf("got %s, %v", at, err)
			}
			b.pass(time.Hour)
			b.account.Use(made.AccessKeyID, made.SecretAccessKey.Reveal())
			if at, err := b.LastUsed(t.Context(), b.alice, made.ID); err != nil || !at.Equal(start.Add(time.Hour).Truncate(time.Millisecond)) {
				t.Errorf("got %s, %v", at, err)
			}
		})
	}
}

func TestAnUnknownLastUseIsAnError(t *testing.T) {
	lastUsed := simulator.Rule{Path: usersPath + "/"}
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		text   string
	}{
		"a key that is gone":         {nil, keyservice.NotFound, "no such key of the user"},
		"a time that cannot be read": {simulator.Answer(200, nil, `{"access_key_last_used":{"last_used_at":"recently"}}`), keyservice.Unavailable, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			if test.effect != nil {
				b.account.Inject(lastUsed, test.effect)
			}
			_, err := b.LastUsed(t.Context(), b.alice, "A")
			expectKind(t, err, test.kind, "read last use: key A: ", test.text)
		})
	}
}
