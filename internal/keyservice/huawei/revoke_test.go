// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

// change is Delete or Disable, which treat everything but success alike.
type change struct {
	name  string
	route string
	rule  simulator.Rule
	do    func(b *testBed, t *testing.T, user, keyID string) error
}

var changes = []change{
	{"delete key", deleteKeys, anyDelete, func(b *testBed, t *testing.T, user, keyID string) error {
		return b.Delete(t.Context(), user, keyID)
	}},
	{"disable key", putKeys, anyUpdate, func(b *testBed, t *testing.T, user, keyID string) error {
		return b.Disable(t.Context(), user, keyID)
	}},
}

func TestEveryFormOfAnAnswerToThePutIsAccepted(t *testing.T) {
	for _, body := range []string{"", "{}", "no body", `{"access_key":null}`} {
		t.Run(body, func(t *testing.T) {
			b := newBed(t, account.Options{Updated: body})
			made := b.create(t, "alice")
			if err := b.Disable(t.Context(), "alice", made.ID); err != nil {
				t.Fatal(err)
			}
			if keys, err := b.List(t.Context(), "alice"); err != nil || len(keys) != 1 || keys[0].State != keyservice.Disabled {
				t.Errorf("got %v, %v", keys, err)
			}
			if err := b.Delete(t.Context(), "alice", made.ID); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheOperatorsOwnKeyIsLeftAlone(t *testing.T) {
	for _, change := range changes {
		b := newBed(t, account.Options{})
		for _, id := range []string{account.DefaultAccessKeyID, strings.ToLower(account.DefaultAccessKeyID)} {
			err := change.do(b, t, account.OperatorID, id)
			expectKind(t, err, keyservice.Invalid, change.name+": key "+id+": ", "the operator itself signs with")
		}
		b.noCalls(t)
		keys, err := b.List(t.Context(), account.OperatorName)
		if err != nil || len(keys) != 1 || keys[0].ID != account.DefaultAccessKeyID {
			t.Errorf("got %v, %v", keys, err)
		}
	}
}

func TestAnotherKeyOfTheOperatorsUserCanBeRetired(t *testing.T) {
	b := newBed(t, account.Options{})
	next := b.create(t, account.OperatorName)
	fresh := b.connect(t, next.AccessKeyID, next.SecretAccessKey.Reveal())
	if err := fresh.Delete(t.Context(), account.OperatorName, account.DefaultAccessKeyID); err != nil {
		t.Fatal(err)
	}
	_, err := b.List(t.Context(), b.alice)
	expectKind(t, err, keyservice.Unauthorized, "ak not exist")
	if _, err := fresh.List(t.Context(), b.alice); err != nil {
		t.Error(err)
	}
}

func TestAKeyThatIsGoneIsNoError(t *testing.T) {
	for name, test := range map[string]struct {
		options account.Options
		lists   int
	}{
		"with the code of another v5 path":            {account.Options{}, 0},
		"with no body, after reading the user's list": {account.Options{Shape: account.ShapeBare}, 1},
	} {
		for _, change := range changes {
			t.Run(name+", "+change.name, func(t *testing.T) {
				b := newBed(t, test.options)
				b.makeKey(t, "alice")
				if err := change.do(b, t, "alice", "HPUAGONE000000000000"); err != nil {
					t.Error(err)
				}
				b.calls(t, change.route, 1)
				b.calls(t, getKeys, test.lists)
			})
		}
	}
}

func TestAKeyWhoseUserIsGoneIsGone(t *testing.T) {
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			pair := b.makeKey(t, "alice")
			b.account.DeleteUser("alice")
			if err := change.do(b, t, b.alice, pair.ID); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestANameThatLeadsNowhereDoesNotMakeAKeyGone checks that a key is not taken for gone when its user was renamed.
func TestANameThatLeadsNowhereDoesNotMakeAKeyGone(t *testing.T) {
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			pair := b.makeKey(t, "alice")
			b.account.RenameUser("alice", "alison")
			expectKind(t, change.do(b, t, "alice", pair.ID), keyservice.NotFound, "no IAM user of this name")
			if !b.account.Active(pair.ID) {
				t.Error("the key was changed")
			}
			if err := change.do(b, t, b.alice, pair.ID); err != nil || b.account.Active(pair.ID) {
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
