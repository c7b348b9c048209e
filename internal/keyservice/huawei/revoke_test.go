// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"fmt"
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
	do    func(b *bed, t *testing.T, user, keyID string) error
}

var changes = []change{
	{"delete key", deleteKeys, anyDelete, func(b *bed, t *testing.T, user, keyID string) error {
		return b.Delete(t.Context(), user, keyID)
	}},
	{"disable key", putKeys, anyUpdate, func(b *bed, t *testing.T, user, keyID string) error {
		return b.Disable(t.Context(), user, keyID)
	}},
}

func TestAKeyThatIsChangedStopsWorking(t *testing.T) {
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			made, other := b.create(t, "alice"), b.create(t, "alice")
			for range 2 { // it may be repeated
				if err := change.do(b, t, "alice", made.ID); err != nil {
					t.Fatal(err)
				}
			}
			if b.account.Valid(made.AccessKeyID, made.SecretAccessKey.Reveal()) {
				t.Error("the pair works")
			}
			if !b.account.Valid(other.AccessKeyID, other.SecretAccessKey.Reveal()) {
				t.Error("the other pair does not work")
			}
		})
	}
}

func TestADisabledKeyIsAcceptedHoweverThePutIsAnswered(t *testing.T) {
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
		"with the code of another v5 path":              {account.Options{}, 0},
		"with a code of its own":                        {account.Options{NotFoundCode: "PAP5.0012"}, 0},
		"with code and message":                         {account.Options{Shape: account.ShapeCode}, 0},
		"with a nested error":                           {account.Options{Shape: account.ShapeNested}, 0},
		"with a code that is a number":                  {account.Options{Shape: account.ShapeClassic}, 0},
		"with an error in camel case":                   {account.Options{Shape: account.ShapeCamel}, 0},
		"with no body, after a look at the user's list": {account.Options{Shape: account.ShapeBare}, 1},
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
		for name, options := range map[string]account.Options{
			"in full pages":  {},
			"in short pages": {Pages: account.PagesShort},
		} {
			t.Run(change.name+" "+name, func(t *testing.T) {
				b := newBed(t, options)
				pair := b.makeKey(t, "alice")
				b.account.AddUser("bob")
				b.account.DeleteUser("alice")
				for _, user := range []string{"alice", b.alice} {
					if err := change.do(b, t, user, pair.ID); err != nil {
						t.Errorf("%s: %v", user, err)
					}
				}
			})
		}
	}
}

func TestAKeyWhoseUserWasRenamedIsFoundAtItsUser(t *testing.T) {
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			b := newBed(t, account.Options{PageSize: 1})
			b.account.AddUser("bob")
			b.makeKey(t, "bob")
			pair, secret, err := b.account.MakeKey("alice")
			if err != nil {
				t.Fatal(err)
			}
			b.account.RenameUser("alice", "alison")
			if err := change.do(b, t, "alice", pair.ID); err != nil {
				t.Fatal(err)
			}
			if b.account.Valid(pair.AccessKeyID, secret) {
				t.Error("the pair works")
			}
		})
	}
}

func TestASearchForAKeyThatFailsSaysSo(t *testing.T) {
	b := newBed(t, account.Options{})
	pair := b.makeKey(t, "alice")
	b.account.RenameUser("alice", "alison")
	lift := b.account.Inject(anyList, simulator.Throttle("3"))
	expectKind(t, b.Delete(t.Context(), "alice", pair.ID), keyservice.Throttled, "list keys: key "+pair.ID)
	lift()
	b.account.Inject(anyList.Once(), simulator.Answer(404, nil, `{"error_code":"IAM.0004"}`)) // a user that was deleted meanwhile
	if err := b.Delete(t.Context(), "alice", pair.ID); err != nil || b.account.Active(pair.ID) {
		t.Errorf("the key is not deleted: %v", err)
	}
	b.account.Allow(account.ListKeys, account.DeleteKeys)
	expectKind(t, b.Delete(t.Context(), "x", pair.ID), keyservice.Unauthorized, "iam:users:listUsersV5")
}

func TestFailuresOfAChange(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		done   bool
		text   string
	}{
		"a proxy's 404":              {simulator.Answer(404, nil, "<html>"), keyservice.Unavailable, false, "still lists"},
		"a 404 without a body":       {simulator.Answer(404, nil, ""), keyservice.Unavailable, false, "still lists"},
		"a 404 of the gateway":       {simulator.Answer(404, nil, `{"error_code":"APIGW.0101"}`), keyservice.Unavailable, false, "URL"},
		"a server error":             {simulator.Answer(500, nil, ""), keyservice.Unavailable, false, "500"},
		"forbidden":                  {simulator.Answer(403, nil, ""), keyservice.Unauthorized, false, "deleteCredentialV5"},
		"throttled":                  {simulator.Throttle("5"), keyservice.Throttled, false, "429"},
		"refused":                    {simulator.Answer(409, nil, `{"error_msg":"busy"}`), keyservice.Invalid, false, "busy"},
		"no answer, not carried out": {simulator.Drop(), keyservice.Unavailable, false, "closed the connection"},
		"no answer, but carried out": {simulator.DropAnswer(), keyservice.Unavailable, true, "closed the connection"},
	} {
		for _, change := range changes {
			t.Run(name+", "+change.name, func(t *testing.T) {
				b := newBed(t, account.Options{})
				pair := b.makeKey(t, "alice")
				b.account.Inject(change.rule.Once(), test.effect)
				err := change.do(b, t, "alice", pair.ID)
				expectKind(t, err, test.kind, change.name+": key "+pair.ID+": ", test.text)
				if done := !b.account.Active(pair.ID); done != test.done {
					t.Errorf("done: %t", done)
				}
				if err := change.do(b, t, "alice", pair.ID); err != nil {
					t.Errorf("the repeated call: %v", err)
				}
				if b.account.Active(pair.ID) {
					t.Error("the key works")
				}
			})
		}
	}
}

func TestAnUnansweredListLeavesAnUnexplained404Open(t *testing.T) {
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

func TestAnIDThatCannotBeAKeysIsNeverSent(t *testing.T) {
	b := newBed(t, account.Options{})
	for _, id := range []string{"", ".", "..", "../../users/x", "a/b", "a?b", "a#b", "a%2fb", `a\b`, "a b", "a\n", "ä"} {
		t.Run(fmt.Sprintf("%q", id), func(t *testing.T) {
			for _, change := range changes {
				expectKind(t, change.do(b, t, "alice", id), keyservice.Invalid, change.name)
			}
			_, err := b.LastUsed(t.Context(), "alice", id)
			expectKind(t, err, keyservice.Invalid, "read last use")
		})
	}
	b.noCalls(t)
}
