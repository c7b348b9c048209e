// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
)

func TestAKeyIsShownWholeOnceAndThenWithoutItsSecret(t *testing.T) {
	b := newBed(Options{})
	made := b.call("POST " + aliceKeys)
	id, _ := made.key()["access_key_id"].(string)
	secret, _ := made.key()["secret_access_key"].(string)
	if made.status != 201 || !regexp.MustCompile(`^[A-Z0-9]{20}$`).MatchString(id) ||
		!regexp.MustCompile(`^[A-Za-z0-9]{40}$`).MatchString(secret) || !b.Valid(id, secret) {
		t.Fatalf("got %d %s", made.status, made.body)
	}
	if made.key()["created_at"] != "2026-03-01T12:00:00.005Z" || made.key()["status"] != "active" || made.key()["user_id"] != b.alice {
		t.Errorf("got %s", made.body)
	}
	listed := b.call("GET " + aliceKeys)
	want := `{"access_keys":[{"access_key_id":"` + id + `","created_at":"2026-03-01T12:00:00.005Z","status":"active","user_id":"` +
		b.alice + `"}],"page_info":{"current_count":1}}`
	if listed.status != 200 || listed.body != want {
		t.Errorf("got %s, want %s", listed.body, want)
	}
}

func TestAKeyIsDisabledAndEnabled(t *testing.T) {
	b := newBed(Options{})
	pair, secret, err := b.MakeKey("alice")
	if err != nil || pair.CreatedBy != simulator.Person {
		t.Fatalf("got %+v, %v", pair, err)
	}
	for _, status := range []string{"active", "inactive", "active", "inactive"} {
		got := b.call("PUT " + aliceKeys + "/" + pair.ID + ` {"status":"` + status + `"}` + "\n")
		got.expect(t, 200, "")
		active := status == "active"
		if got.key()["status"] != status || b.Active(pair.ID) != active || b.Valid(pair.ID, secret) != active || b.Use(pair.ID, secret) != active {
			t.Errorf("%s: got %s", status, got.body)
		}
	}
}

func TestAChangeIsAnsweredAsTheOptionsSay(t *testing.T) {
	for updated, want := range map[string]string{"{}": "{}", "no body": ""} {
		b := newBed(Options{Updated: updated})
		pair, _, err := b.MakeKey("alice")
		if err != nil {
			t.Fatal(err)
		}
		got := b.call("PUT " + aliceKeys + "/" + pair.ID + ` {"status":"inactive"}`)
		if got.status != 200 || got.body != want || b.Active(pair.ID) {
			t.Errorf("%s: got %d %q", updated, got.status, got.body)
		}
	}
}

func TestADeletedKeyIsGoneAtOnceAndRemembered(t *testing.T) {
	b := newBed(Options{})
	id, _ := b.call("POST " + aliceKeys).key()["access_key_id"].(string)
	b.pass(time.Second)
	if got := b.call("DELETE " + aliceKeys + "/" + id); got.status != 204 || got.body != "" {
		t.Errorf("the delete: %d %q", got.status, got.body)
	}
	b.call("DELETE "+aliceKeys+"/"+id).expect(t, 404, "IAM.0004", "Could not find credential")
	history := b.History()
	want := simulator.Pair{
		ID: id, AccessKeyID: id, Owner: b.alice, CreatedBy: OperatorName, DeletedBy: OperatorName,
		CreatedAt: start, DeletedAt: start.Add(time.Second),
	}
	if len(history) != 1 || history[0] != want {
		t.Errorf("got %+v", history)
	}
}

func TestAUserHasTwoKeysAtMost(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		status  int
		code    string
	}{
		"as other limits are answered":  {Options{}, 409, "PAP5.0003"},
		"as the options say":            {Options{LimitStatus: 400, LimitCode: "x", LimitMessage: "akSkNumExceed"}, 400, "x"},
		"inactive ones counted":         {Options{}, 409, "PAP5.0003"},
		"inactive ones not counted yet": {Options{InactiveUncounted: true}, 201, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(test.options)
			first, _, err := b.MakeKey(b.alice)
			if err != nil {
				t.Fatal(err)
			}
			b.call("POST "+aliceKeys).expect(t, 201, "")
			b.SetActive(first.ID, !strings.HasPrefix(name, "inactive"))
			b.call("POST "+aliceKeys).expect(t, test.status, test.code)
			if _, _, err := b.MakeKey("alice"); err == nil {
				t.Error("a person made too many keys")
			}
			if !b.RemoveKey(first.ID) || b.RemoveKey(first.ID) {
				t.Error("a key is not removed once")
			}
			if keys := b.Keys("alice"); test.status != 201 && len(keys) != 1 {
				t.Errorf("got %v", keys)
			}
		})
	}
}

func TestTheOperatorsKeyCountsForItsUserAndIsNotInTheHistory(t *testing.T) {
	b := newBed(Options{})
	path := "/v5/users/" + OperatorID + "/access-keys"
	b.call("POST "+path).expect(t, 201, "")
	b.call("POST "+path).expect(t, 409, "PAP5.0003")
	if keys := b.Keys(OperatorName); len(keys) != 2 || len(b.History()) != 1 || b.Valid(DefaultAccessKeyID, DefaultSecretAccessKey) {
		t.Errorf("got %v", keys)
	}
	b.call("DELETE "+path+"/"+DefaultAccessKeyID).expect(t, 204, "")
	b.call("GET "+path).expect(t, 401, "APIGW.0301", "ak not exist")
	if b.RemoveKey(DefaultAccessKeyID) {
		t.Error("a deleted key was removed")
	}
}

func TestUsersComeAndGoAndChangeTheirNames(t *testing.T) {
	b := newBed(Options{})
	pair, secret, err := b.MakeKey("alice")
	if err != nil {
		t.Fatal(err)
	}
	b.RenameUser("alice", "alison")
	b.RenameUser("nobody", "x")
	if keys := b.Keys("alison"); len(keys) != 1 || b.Keys("alice") != nil {
		t.Errorf("got %v", keys)
	}
	if listed := b.call("GET /v5/users"); !strings.Contains(listed.body, `"user_name":"alison"`) || strings.Contains(listed.body, "alice") {
		t.Errorf("got %s", listed.body)
	}
	b.DeleteUser("alison")
	b.DeleteUser("nobody")
	if b.Valid(pair.ID, secret) || b.AddUser("alison") == b.alice {
		t.Error("a key outlives its user, or an ID is used again")
	}
	b.call("GET "+aliceKeys).expect(t, 404, "IAM.0004", "Could not find user")
	if _, _, err := b.MakeKey("nobody"); err == nil {
		t.Error("nobody has a key")
	}
}

func TestTheLastUseIsCountedByTheQuarterOfAnHour(t *testing.T) {
	for since, unused := range map[bool]string{false: `{"access_key_last_used":{}}`, true: `{"access_key_last_used":{"last_used_at":"2026-03-01T12:00:00.005Z"}}`} {
		b := newBed(Options{UsedAtCreation: since})
		pair, secret, err := b.MakeKey("alice")
		if err != nil {
			t.Fatal(err)
		}
		path := "GET " + aliceKeys + "/" + pair.ID + "/last-used"
		if got := b.call(path); got.status != 200 || got.body != unused {
			t.Errorf("got %s", got.body)
		}
		if b.Use(pair.ID, "wrong") {
			t.Error("a wrong secret is good")
		}
		for _, minutes := range []int{60, 5, 9} {
			b.pass(time.Duration(minutes) * time.Minute)
			b.Use(pair.ID, secret)
			if got := b.call(path); !strings.Contains(got.body, "T13:00:00.005Z") {
				t.Errorf("got %s", got.body)
			}
		}
		b.pass(time.Minute)
		b.Use(pair.ID, secret)
		if got := b.call(path); !strings.Contains(got.body, "T13:15:00.005Z") {
			t.Errorf("got %s", got.body)
		}
	}
}

func TestTheAccountCanBeUsedAtOnce(t *testing.T) {
	b := newBed(Options{})
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() {
			b.call("POST " + aliceKeys)
			b.call("GET " + aliceKeys)
			b.Keys("alice")
		})
	}
	waiting.Wait()
	if made := len(b.History()); made != 2 {
		t.Errorf("%d keys were made", made)
	}
	if calls := b.Calls(); calls["POST "+keysPath] != 8 || calls["GET "+keysPath] != 8 {
		t.Errorf("got %v", calls)
	}
}
