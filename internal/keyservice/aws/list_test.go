// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"slices"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	account "accesskey.dev/operator/test/simulator/aws"
)

func TestListReturnsTheUsersKeysFromAllPages(t *testing.T) {
	for name, options := range map[string]account.Options{
		"AWS":                 {PageSize: 1},
		"short pages":         {Pages: account.PagesShort},
		"SeaweedFS":           {Pages: account.PagesIgnored, Dates: account.DatesAbsent, Lenient: true},
		"Ceph":                {Markup: account.MarkupPlain, Dates: account.DatesNanoseconds},
		"Dell":                {Markup: account.MarkupPrefix},
		"a word for inactive": {InactiveWord: "Expired"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, options)
			b.account.AddUser("bob")
			b.makeKey(t, "bob")
			inactive, active := b.makeKey(t, "Alice").ID, b.create(t, "Alice").ID
			b.account.SetActive(inactive, false)
			keys, err := b.List(t.Context(), "alice") // AWS and SeaweedFS: in any case
			if options.CaseSensitive {
				keys, err = b.List(t.Context(), "Alice")
			}
			slices.SortFunc(keys, func(a, b keyservice.Key) int { return strings.Compare(string(a.State), string(b.State)) })
			created := start
			if options.Dates == account.DatesAbsent {
				created = time.Time{}
			}
			want := []keyservice.Key{
				{ID: active, AccessKeyID: active, CreatedAt: created, State: keyservice.Active},
				{ID: inactive, AccessKeyID: inactive, CreatedAt: created, State: keyservice.Disabled},
			}
			if err != nil || !slices.Equal(keys, want) {
				t.Errorf("got %v, %v, want %v", keys, err, want)
			}
		})
	}
}

func TestAnIncompleteListIsAnError(t *testing.T) {
	const member = "<AccessKeyMetadata><member><UserName>Alice</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status></member></AccessKeyMetadata>"
	for name, test := range map[string]struct{ body, text string }{
		"the pages go in a circle":      {result("ListAccessKeys", member+"<IsTruncated>true</IsTruncated><Marker>m</Marker>"), "circle"},
		"no marker":                     {result("ListAccessKeys", member+"<IsTruncated>true</IsTruncated>"), "where it goes on"},
		"no word on its end":            {result("ListAccessKeys", member), "whether"},
		"a key without an ID":           {result("ListAccessKeys", "<AccessKeyMetadata><member/></AccessKeyMetadata><IsTruncated>false</IsTruncated>"), "without its AccessKeyId"},
		"the keys of another user":      {strings.ReplaceAll(result("ListAccessKeys", member+"<IsTruncated>false</IsTruncated>"), "Alice", "operator"), "another user"},
		"no result":                     {"<ListAccessKeysResponse/>", "not that of the IAM API"},
		"another root":                  {result("ListUsers", "<IsTruncated>false</IsTruncated>"), "not that of the IAM API"},
		"cut off":                       {result("ListAccessKeys", member+"<IsTruncated>false</IsTruncated>")[:300], "not that of the IAM API"},
		"an error with a status of 200": {wrapped("NoSuchEntity", "no"), "not that of the IAM API"},
		"HTML":                          {"<!doctype html><html></html>", "not that of the IAM API"},
		"nothing":                       {"", "not that of the IAM API"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.answer("ListAccessKeys", 200, test.body)
			keys, err := b.List(t.Context(), "Alice")
			expectKind(t, err, keyservice.Unavailable, "list keys: user Alice: ", test.text)
			if keys != nil {
				t.Errorf("got %v", keys)
			}
		})
	}
	for _, pages := range []account.Pages{account.PagesLoop, account.PagesLost} {
		b := newBed(t, account.Options{Pages: pages, PageSize: 1})
		b.makeKey(t, "Alice")
		b.makeKey(t, "Alice")
		_, err := b.List(t.Context(), "Alice")
		expectKind(t, err, keyservice.Unavailable)
	}
}

func TestAnEmptyListNeedsNoElement(t *testing.T) {
	b := newBed(t, account.Options{})
	b.answer("ListAccessKeys", 200, result("ListAccessKeys", "<IsTruncated>false</IsTruncated>")) // SeaweedFS
	if keys, err := b.List(t.Context(), "Alice"); err != nil || len(keys) != 0 {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestAKeyThatIsListedTwiceIsOneKey(t *testing.T) {
	const inner = "<AccessKeyMetadata><member><AccessKeyId>A</AccessKeyId></member><member><AccessKeyId>A</AccessKeyId></member></AccessKeyMetadata><IsTruncated>false</IsTruncated>"
	b := newBed(t, account.Options{})
	b.answer("ListAccessKeys", 200, result("ListAccessKeys", inner))
	if states := b.states(t); len(states) != 1 || states["A"] != keyservice.Active {
		t.Errorf("got %v", states)
	}
}

func TestANewKeyIsPendingForTheActivationDelay(t *testing.T) {
	for name, test := range map[string]struct {
		options account.Options
		skew    time.Duration
	}{
		"AWS":                        {account.Options{ActivationLag: 10 * time.Second}, 0},
		"a clock behind AWS'":        {account.Options{ActivationLag: 10 * time.Second}, -5 * time.Minute},
		"a clock ahead of AWS'":      {account.Options{ActivationLag: 10 * time.Second}, 5 * time.Minute},
		"a server without dates":     {account.Options{Dates: account.DatesAbsent}, 0},
		"a key that is listed later": {account.Options{ListLag: 5 * time.Second}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, test.options, delayed(15*time.Second))
			b.own.SetTime(b.clock.Now().Add(test.skew))
			made := b.create(t, "Alice")
			for wait, want := range []keyservice.State{keyservice.Pending, keyservice.Pending, keyservice.Active} {
				if wait == 0 && made.State != want || b.states(t)[made.ID] != want {
					t.Errorf("after %d × 7.5 s: %s, want %s", wait, b.states(t)[made.ID], want)
				}
				if want == keyservice.Active && !b.account.Valid(made.AccessKeyID, made.SecretAccessKey.Reveal()) {
					t.Error("the pair does not work yet")
				}
				b.pass(7500 * time.Millisecond)
			}
		})
	}
}

func TestAKeyOfAnotherProcessIsPendingByItsDate(t *testing.T) {
	b := newBed(t, account.Options{}, delayed(15*time.Second))
	b.own.SetTime(start.Add(10 * time.Minute)) // the account's clock counts
	made := b.makeKey(t, "Alice")
	b.pass(14 * time.Second)
	if state := b.states(t)[made.ID]; state != keyservice.Pending {
		t.Errorf("got %s", state)
	}
	b.pass(time.Second)
	for _, b.Service = range []*Service{b.Service, b.connect(t, delayed(15*time.Second))} {
		if state := b.states(t)[made.ID]; state != keyservice.Active {
			t.Errorf("got %s", state)
		}
	}
}

func TestAKeyWithoutADateIsPendingAfterAStart(t *testing.T) {
	b := newBed(t, account.Options{Dates: account.DatesAbsent}, delayed(5*time.Minute))
	before := b.create(t, "Alice")
	b.Service = b.connect(t, delayed(5*time.Minute))
	own := b.create(t, "Alice")
	for wait, want := range []keyservice.State{keyservice.Pending, keyservice.Pending, keyservice.Active} {
		if states := b.states(t); states[before.ID] != want || states[own.ID] != want {
			t.Errorf("after %d × 150 s: %v, want %s", wait, states, want)
		}
		b.pass(150 * time.Second)
	}
	b.account.RemoveKey(before.ID)
	later := b.create(t, "Alice")
	if b.pass(2 * time.Minute); b.states(t)[later.ID] != keyservice.Pending {
		t.Errorf("got %v", b.states(t))
	}
}

func TestANewKeyIsListedAtOnceUnlessItWasDeleted(t *testing.T) {
	b := newBed(t, account.Options{})
	b.account.AddStaticUser("static") // a server that answers and keeps nothing
	made := b.create(t, "Static")
	if keys, err := b.List(t.Context(), "static"); err != nil || len(keys) != 1 || keys[0].ID != made.ID || keys[0].State != keyservice.Active {
		t.Errorf("got %v, %v", keys, err)
	}
	if states := b.states(t); len(states) != 0 {
		t.Errorf("another user has %v", states)
	}
	b.pass(time.Minute)
	if keys, err := b.List(t.Context(), "static"); err != nil || len(keys) != 0 {
		t.Errorf("after the list lag: %v, %v", keys, err)
	}
	gone := b.create(t, "Alice")
	if err := b.Delete(t.Context(), "Alice", gone.ID); err != nil {
		t.Fatal(err)
	}
	if states := b.states(t); len(states) != 0 {
		t.Errorf("after the deletion: %v", states)
	}
}

func TestAUserWhoseKeysAreNotKeptGetsNoMore(t *testing.T) {
	b := newBed(t, account.Options{KeysPerUser: -1})
	b.account.AddStaticUser("static")
	list := func() {
		t.Helper()
		if _, err := b.List(t.Context(), "static"); err != nil {
			t.Fatal(err)
		}
	}
	refused := func() {
		t.Helper()
		_, err := b.Create(t.Context(), "static", ttlIgnored)
		expectKind(t, err, keyservice.Invalid, "create key: user static: ", "has never listed them", "create the user by the IAM API")
	}
	for range 2 {
		b.create(t, "Static")
		b.pass(time.Minute)
		list()
	}
	refused()
	b.create(t, "Alice")
	b.pass(59*time.Minute - 1)
	refused()
	b.calls(t, "CreateAccessKey", 3)
	b.pass(1)
	b.create(t, "static") // perhaps it was corrected
	b.pass(time.Minute)
	list()
	refused()
	b.account.DeleteUser("static")
	b.account.AddUser("static")
	b.pass(time.Hour)
	b.create(t, "static")
	list()
	for range 3 {
		b.create(t, "static")
		b.pass(time.Minute)
		list()
	}
	for range 3 { // deleted before a list shows them
		made := b.create(t, "static")
		if err := b.Delete(t.Context(), "static", made.ID); err != nil {
			t.Fatal(err)
		}
		b.pass(time.Minute)
	}
}

func TestTheLastUseOfAKey(t *testing.T) {
	b := newBed(t, account.Options{})
	made := b.create(t, "Alice")
	lastUsed := func(want time.Time) {
		t.Helper()
		if at, err := b.LastUsed(t.Context(), "alice", made.ID); err != nil || !at.Equal(want) {
			t.Errorf("got %s, %v", at, err)
		}
	}
	lastUsed(time.Time{})
	b.pass(time.Hour)
	b.account.Use(made.AccessKeyID, made.SecretAccessKey.Reveal())
	lastUsed(start.Add(time.Hour))

	_, err := b.LastUsed(t.Context(), "Alice", "AKIAIOSFODNN7EXAMPLE")
	expectKind(t, err, keyservice.NotFound, "read last use: key AKIAIOSFODNN7EXAMPLE: the service knows no such key of the user")
	b.account.AddUser("bob")
	_, err = b.LastUsed(t.Context(), "bob", made.ID)
	expectKind(t, err, keyservice.NotFound, "the key is of another user")
}

func TestALastUseThatCannotBeReadIsNotNever(t *testing.T) {
	for inner, never := range map[string]bool{
		"<UserName>Alice</UserName><AccessKeyLastUsed><Region>N/A</Region><ServiceName>N/A</ServiceName></AccessKeyLastUsed>": true,
		"<AccessKeyLastUsed/>": true, "<AccessKeyLastUsed><LastUsedDate> </LastUsedDate></AccessKeyLastUsed>": true,
		"<AccessKeyLastUsed><LastUsedDate>N/A</LastUsedDate></AccessKeyLastUsed>":    true,
		"<AccessKeyLastUsed><LastUsedDate>lately</LastUsedDate></AccessKeyLastUsed>": false,
		"<AccessKeyLastUsed><LastUsedDate>0</LastUsedDate></AccessKeyLastUsed>":      false,
		"<UserName>Alice</UserName>": false, "": false,
	} {
		b := newBed(t, account.Options{})
		b.answer("GetAccessKeyLastUsed", 200, result("GetAccessKeyLastUsed", inner))
		at, err := b.LastUsed(t.Context(), "Alice", "AKIAIOSFODNN7EXAMPLE")
		if never != (err == nil) || !at.IsZero() {
			t.Errorf("%s: got %s, %v", inner, at, err)
		}
		if !never {
			expectKind(t, err, keyservice.Unavailable, "read last use: key AKIAIOSFODNN7EXAMPLE: ")
		}
	}
}

func TestAServerThatDoesNotTellTheLastUseIsAskedOnce(t *testing.T) {
	for name, test := range map[string]struct {
		options account.Options
		calls   int
	}{
		"SeaweedFS 4.44": {account.Options{Missing: []string{"GetAccessKeyLastUsed"}, MissingStatus: 501, MissingCode: "NotImplemented"}, 1},
		"SeaweedFS 4.53": {account.Options{Missing: []string{"GetAccessKeyLastUsed"}, MissingStatus: 404, MissingCode: "InvalidAction"}, 1},
		"no right":       {account.Options{DeniesUnknown: true}, 3}, // it may be about this key only
	} {
		b := newBed(t, test.options)
		texts := map[string]bool{}
		for range 3 {
			_, err := b.LastUsed(t.Context(), "Alice", "AKIAIOSFODNN7EXAMPLE")
			if err == nil || keyservice.KindOf(err) == keyservice.NotFound {
				t.Errorf("%s: got %v", name, err)
			}
			texts[err.Error()] = true
		}
		if len(texts) != 1 {
			t.Errorf("%s: %v", name, texts)
		}
		b.calls(t, "GetAccessKeyLastUsed", test.calls)
	}
}
