// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/simtest"
)

func TestSecretIsShownOnlyOnce(t *testing.T) {
	b := newBed(Options{})
	made := b.call("POST " + aliceKeys)
	id, secret := made.Text("access_key.access_key_id"), made.Text("access_key.secret_access_key")
	if made.Status != 201 || !regexp.MustCompile(`^[A-Z0-9]{20}$`).MatchString(id) ||
		!regexp.MustCompile(`^[A-Za-z0-9]{40}$`).MatchString(secret) || !b.Valid(id, secret) {
		t.Fatalf("got %d %s", made.Status, made.Body)
	}
	shown := `"access_key_id":"` + id + `","created_at":"2026-03-01T12:00:00.005Z",`
	state := `"status":"active","user_id":"` + b.alice + `"}`
	if want := `{"access_key":{` + shown + `"secret_access_key":"` + secret + `",` + state + "}"; made.Body != want {
		t.Errorf("got %s, want %s", made.Body, want)
	}
	listed := b.call("GET " + aliceKeys)
	if want := `{"access_keys":[{` + shown + state + `],"page_info":{"current_count":1}}`; listed.Status != 200 || listed.Body != want {
		t.Errorf("got %s, want %s", listed.Body, want)
	}
}

func TestKeyIsDisabledAndEnabled(t *testing.T) {
	for updated, want := range map[string]string{"": `"status":"inactive"`, "{}": "{}", "no body": ""} {
		b := newBed(Options{Updated: updated})
		pair, secret := b.make(t)
		for _, status := range []string{"inactive", "active"} {
			got := b.call("PUT " + aliceKeys + "/" + pair.ID + ` {"status":"` + status + `"}` + "\n")
			got.Expect(t, 200, "", strings.ReplaceAll(want, "inactive", status))
			if active := status == "active"; b.Active(pair.ID) != active || b.Use(pair.ID, secret) != active || (updated != "" && got.Body != want) {
				t.Errorf("%s: got %s", status, got.Body)
			}
		}
	}
}

func TestDeletedKeyIsRecorded(t *testing.T) {
	b := newBed(Options{})
	id := b.call("POST " + aliceKeys).Text("access_key.access_key_id")
	if got := b.call("DELETE " + aliceKeys + "/" + id); got.Status != 204 || got.Body != "" {
		t.Errorf("got %d %q", got.Status, got.Body)
	}
	want := simulator.Pair{
		ID: id, AccessKeyID: id, Owner: b.alice, CreatedBy: OperatorName, DeletedBy: OperatorName, CreatedAt: simtest.Start, DeletedAt: simtest.Start,
	}
	if history := b.History(); len(history) != 1 || history[0] != want {
		t.Errorf("got %+v", history)
	}
}

func TestUserHasAtMostTwoKeys(t *testing.T) {
	for name, test := range map[string]struct {
		options  Options
		disabled bool // whether the first key is disabled
		status   int
		code     string
	}{
		"default response":           {Options{}, false, 409, "PAP5.0003"},
		"response of the options":    {Options{LimitStatus: 400, LimitCode: "x", LimitMessage: "akSkNumExceed"}, false, 400, "x"},
		"disabled keys count":        {Options{}, true, 409, "PAP5.0003"},
		"disabled keys do not count": {Options{InactiveUncounted: true}, true, 201, ""},
	} {
		b := newBed(test.options)
		first, _ := b.make(t)
		b.call("POST "+aliceKeys).Expect(t, 201, "")
		b.SetActive(first.ID, !test.disabled)
		b.call("POST "+aliceKeys).Expect(t, test.status, test.code, test.options.LimitMessage)
		if _, _, err := b.MakeKey(b.alice); err == nil || !strings.Contains(err.Error(), test.code) {
			t.Errorf("%s: one key too many was created by hand, or the error is wrong: %v", name, err)
		}
		if !b.RemoveKey(first.ID) || b.RemoveKey(first.ID) {
			t.Errorf("%s: RemoveKey does not remove a key once", name)
		}
	}
}

func TestKeyOfTheOperatorCountsAndIsNotInTheHistory(t *testing.T) {
	b := newBed(Options{})
	path := "/v5/users/" + OperatorID + "/access-keys"
	b.call("POST "+path).Expect(t, 201, "")
	b.call("POST "+path).Expect(t, 409, "PAP5.0003")
	if keys := b.Keys(OperatorName); len(keys) != 2 || len(b.History()) != 1 || b.Valid(DefaultAccessKeyID, DefaultSecretAccessKey) {
		t.Errorf("got %v", keys)
	}
	b.call("DELETE "+path+"/"+DefaultAccessKeyID).Expect(t, 204, "")
	b.call("GET "+path).Expect(t, 401, "APIGW.0301", "ak not exist")
	if b.RemoveKey(DefaultAccessKeyID) {
		t.Error("a deleted key was removed again")
	}
}

func TestUsersAreRenamedAndDeleted(t *testing.T) {
	b := newBed(Options{})
	pair, secret := b.make(t)
	b.RenameUser("alice", "alison")
	if keys := b.Keys("alison"); len(keys) != 1 || b.Keys("alice") != nil {
		t.Errorf("got %v", keys)
	}
	b.call("GET /v5/users").Expect(t, 200, "", `"user_name":"alison"`)
	b.DeleteUser("alison")
	if b.Valid(pair.ID, secret) || b.AddUser("alison") == b.alice {
		t.Error("a key works without its user, or an ID was reused")
	}
	b.call("GET "+aliceKeys).Expect(t, 404, "IAM.0004", "Could not find user")
	if _, _, err := b.MakeKey("nobody"); err == nil || err.Error() != "IAM.0004: Could not find user" {
		t.Errorf("got %v", err)
	}
}

func TestLastUseHasAResolutionOf15Minutes(t *testing.T) {
	for atCreation, unused := range map[bool]string{false: `{"access_key_last_used":{}}`, true: `{"access_key_last_used":{"last_used_at":"2026-03-01T12:00:00.005Z"}}`} {
		b := newBed(Options{UsedAtCreation: atCreation})
		pair, secret := b.make(t)
		path := "GET " + aliceKeys + "/" + pair.ID + "/last-used"
		if got := b.call(path); got.Status != 200 || got.Body != unused || b.Use(pair.ID, "wrong") {
			t.Errorf("got %s", got.Body)
		}
		for _, use := range []struct {
			minutes time.Duration // since the previous use
			want    string
		}{{60, "T13:00:00.005Z"}, {5, "T13:00:00.005Z"}, {9, "T13:00:00.005Z"}, {1, "T13:15:00.005Z"}} {
			b.clock.Pass(use.minutes * time.Minute)
			b.Use(pair.ID, secret)
			b.call(path).Expect(t, 200, "", use.want)
		}
	}
}
