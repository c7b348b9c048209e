// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

// change is Delete or Disable, which treat everything but success alike.
type change struct {
	name  string
	route string
	do    func(s *Service, t *testing.T, user, keyID string) error
}

var changes = []change{
	{"delete key", deleteKeys, func(s *Service, t *testing.T, user, keyID string) error {
		return s.Delete(t.Context(), user, keyID)
	}},
	{"disable key", putKeys, func(s *Service, t *testing.T, user, keyID string) error {
		return s.Disable(t.Context(), user, keyID)
	}},
}

func TestTheOperatorsOwnKeyIsLeftAloneUntilItHasAnother(t *testing.T) {
	for _, change := range changes {
		b := newBed(t, account.Options{})
		for _, id := range []string{account.DefaultAccessKeyID, strings.ToLower(account.DefaultAccessKeyID)} {
			err := change.do(b.Service, t, account.OperatorID, id)
			expectKind(t, err, keyservice.Invalid, change.name+": key "+id+": ", "the operator itself signs with")
		}
		b.noCalls(t)
		next := b.create(t, account.OperatorName)
		fresh := b.connect(t, next.AccessKeyID, next.SecretAccessKey.Reveal())
		if err := change.do(fresh, t, account.OperatorName, account.DefaultAccessKeyID); err != nil {
			t.Error(err)
		}
		_, err := b.List(t.Context(), b.alice)
		expectKind(t, err, keyservice.Unauthorized)
	}
}

func TestAKeyThatIsGoneIsNoError(t *testing.T) {
	for shape, lists := range map[account.Shape]int{account.ShapeFlat: 0, account.ShapeBare: 1} { // without words, the list is asked
		for _, change := range changes {
			t.Run(fmt.Sprint(change.name, " ", shape), func(t *testing.T) {
				b := newBed(t, account.Options{Shape: shape})
				b.makeKey(t, "alice")
				if err := change.do(b.Service, t, "alice", "HPUAGONE000000000000"); err != nil {
					t.Error(err)
				}
				b.calls(t, change.route, 1)
				b.calls(t, getKeys, lists)
			})
		}
	}
}

// TestANameThatLeadsNowhereDoesNotMakeAKeyGone checks that a key is not taken for gone when its user was renamed.
func TestANameThatLeadsNowhereDoesNotMakeAKeyGone(t *testing.T) {
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			pair := b.makeKey(t, "alice")
			b.account.RenameUser("alice", "alison")
			expectKind(t, change.do(b.Service, t, "alice", pair.ID), keyservice.NotFound, "no IAM user of this name")
			if !b.account.Active(pair.ID) {
				t.Error("the key was changed")
			}
			if err := change.do(b.Service, t, b.alice, pair.ID); err != nil || b.account.Active(pair.ID) {
				t.Errorf("by the user's ID: %v", err)
			}
		})
	}
}

func TestAFailedListDoesNotDecideAnUnexplained404(t *testing.T) {
	b := newBed(t, account.Options{})
	pair := b.makeKey(t, "alice")
	b.account.Inject(anyDelete, simulator.Answer(404, nil, ""))
	lift := b.account.Inject(anyList, simulator.Answer(500, nil, ""))
	expectKind(t, b.Delete(t.Context(), "alice", pair.ID), keyservice.Unavailable, "500")
	lift()
	b.account.Inject(anyList, simulator.Answer(404, nil, `{"error_code":"IAM.0004"}`))
	if err := b.Delete(t.Context(), "alice", pair.ID); err != nil {
		t.Error(err)
	}
}

func TestAKeyThatTheServiceDoesNotKnowYetIsNotTakenForGone(t *testing.T) {
	for _, change := range changes {
		for _, shape := range []account.Shape{account.ShapeFlat, account.ShapeBare} {
			t.Run(fmt.Sprint(change.name, " ", shape), func(t *testing.T) {
				b := newBed(t, account.Options{Lag: 30 * time.Second, Shape: shape})
				made := b.create(t, "alice")
				for range 2 {
					err := change.do(b.Service, t, "alice", made.ID)
					expectKind(t, err, keyservice.Unavailable, change.name+": key "+made.ID+": ", "made a moment ago")
					b.pass(10 * time.Second)
				}
				b.pass(10 * time.Second)
				if err := change.do(b.Service, t, "alice", made.ID); err != nil {
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
	b.create(t, "alice")
	made := b.create(t, "alice")
	b.account.RemoveKey(made.ID)
	expectKind(t, b.Delete(t.Context(), "alice", made.ID), keyservice.Unavailable)
	b.pass(time.Minute)
	if err := b.Delete(t.Context(), "alice", made.ID); err != nil {
		t.Error(err)
	}
	b.create(t, "alice")
	if recent := b.recent.Of(b.alice); len(recent) != 1 {
		t.Errorf("remembered as recent: %v", recent)
	}
}
