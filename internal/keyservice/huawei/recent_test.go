// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"fmt"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestAKeyThatTheServiceDoesNotKnowYetIsNotTakenForGone(t *testing.T) {
	for _, change := range changes {
		for _, shape := range []account.Shape{account.ShapeFlat, account.ShapeBare} {
			t.Run(fmt.Sprint(change.name, " ", shape), func(t *testing.T) {
				b := newBed(t, account.Options{Lag: 30 * time.Second, Shape: shape})
				made := b.create(t, "alice")
				for range 2 {
					err := change.do(b, t, "alice", made.ID)
					expectKind(t, err, keyservice.Unavailable, change.name+": key "+made.ID+": ", "made a moment ago")
					b.pass(10 * time.Second)
				}
				b.pass(10 * time.Second)
				if err := change.do(b, t, "alice", made.ID); err != nil {
					t.Fatal(err)
				}
				if b.account.Valid(made.AccessKeyID, made.SecretAccessKey.Reveal()) {
					t.Error("the pair works")
				}
			})
		}
	}
}

func TestAKeyThatAPersonRemovedIsGoneAfterAMinute(t *testing.T) {
	b := newBed(t, account.Options{})
	made := b.create(t, "alice")
	b.account.RemoveKey(made.ID)
	expectKind(t, b.Delete(t.Context(), "alice", made.ID), keyservice.Unavailable)
	b.pass(time.Minute)
	if err := b.Delete(t.Context(), "alice", made.ID); err != nil {
		t.Error(err)
	}
	b.create(t, "alice")
	if len(b.recent.made) != 1 {
		t.Errorf("%d keys are remembered as recent", len(b.recent.made))
	}
}

func TestADeletedKeyThatIsStillListedCanBeDeletedAgain(t *testing.T) {
	b := newBed(t, account.Options{Lag: 30 * time.Second})
	pair := b.makeKey(t, "alice")
	b.pass(time.Minute)
	for range 2 {
		if err := b.Delete(t.Context(), "alice", pair.ID); err != nil {
			t.Fatal(err)
		}
		if keys, err := b.List(t.Context(), "alice"); err != nil || len(keys) != 1 {
			t.Errorf("got %v, %v", keys, err)
		}
	}
}
