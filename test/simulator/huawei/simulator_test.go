// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/simtest"
)

// aliceKeys is the path of alice's keys. The helper request replaces her name by her ID.
const aliceKeys = "/v5/users/alice/access-keys"

// bed is an account with the user alice, on a fake clock.
type bed struct {
	*Simulator

	clock simtest.Clock
	alice string // the ID of alice
}

func newBed(options Options) *bed {
	clock := simtest.NewClock()
	options.Clock = clock
	b := &bed{Simulator: New(options), clock: clock}
	b.alice = b.AddUser("alice")
	return b
}

// make creates a key of alice by hand.
func (b *bed) make(t *testing.T) (pair simulator.Pair, secret string) {
	t.Helper()
	pair, secret, err := b.MakeKey("alice")
	if err != nil || pair.CreatedBy != simulator.Person {
		t.Fatalf("got %+v, %v", pair, err)
	}
	return pair, secret
}

// call sends a request that is signed with the key of the operator. See simtest.Request for the format of the line.
func (b *bed) call(line string) simtest.Reply {
	return b.send(b.request(line), DefaultAccessKeyID, DefaultSecretAccessKey, "host;x-domain-id;x-sdk-date")
}

func (b *bed) request(line string) *http.Request {
	request := simtest.Request(strings.Replace(line, "/alice/", "/"+b.alice+"/", 1))
	request.Header.Set("X-Domain-Id", b.options.DomainID)
	request.Header.Set("X-Sdk-Date", b.clock.Now().UTC().Format(dateFormat))
	request.Header.Set("User-Agent", "test")
	return request
}

// send signs a request over these headers and sends it.
func (b *bed) send(request *http.Request, accessKeyID, secret, signed string) simtest.Reply {
	body, _ := io.ReadAll(request.Body)
	request.Body = io.NopCloser(bytes.NewReader(body))
	signature := sign(secret, request, strings.Split(signed, ";"), body)
	request.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+accessKeyID+", SignedHeaders="+signed+", Signature="+signature)
	return simtest.Send(b, request)
}

func TestLifeOfAKey(t *testing.T) {
	b := newBed(Options{})
	made := b.call("POST " + aliceKeys)
	id, secret := made.Text("access_key.access_key_id"), made.Text("access_key.secret_access_key")
	if made.Status != 201 || !regexp.MustCompile(`^[A-Z0-9]{20} [A-Za-z0-9]{40}$`).MatchString(id+" "+secret) || !b.Valid(id, secret) {
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
	b.RenameUser("nobody", "x")
	if keys := b.Keys("alison"); len(keys) != 1 || b.Keys("alice") != nil {
		t.Errorf("got %v", keys)
	}
	b.call("GET /v5/users").Expect(t, 200, "", `"user_name":"alison"`)
	b.DeleteUser("alison")
	b.DeleteUser("nobody")
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

func TestPages(t *testing.T) {
	for sizes, options := range map[string]Options{
		"[3 3 2]":                           {},
		"[2 2 2 2]":                         {PageSize: 2},
		"[0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1]": {Pages: PagesShort},
	} {
		b := newBed(options)
		for i := range 6 {
			b.AddUser(fmt.Sprint("user", i))
		}
		var got []int
		seen := map[string]bool{}
		for query, more := "", true; more; {
			page := b.call("GET /v5/users?limit=3" + query)
			for _, user := range page.List("users") {
				seen[fmt.Sprint(user)] = true
			}
			size, next := len(page.List("users")), page.Text("page_info.next_marker")
			got = append(got, size)
			if more = page.Has("page_info", "next_marker"); more != markerPattern.MatchString(next) || page.At("page_info.current_count") != float64(size) {
				t.Fatalf("got %s", page.Body)
			}
			query = "&marker=" + url.QueryEscape(next)
		}
		if fmt.Sprint(got) != sizes || len(seen) != 8 {
			t.Errorf("got pages of %v with %d users, want %s", got, len(seen), sizes)
		}
	}
}

func TestFormOfAnEmptyList(t *testing.T) {
	for empty, want := range map[string]string{
		"": `{"access_keys":[],"page_info":{"current_count":0}}`, "null": `{"access_keys":null,"page_info":{"current_count":0}}`,
		"absent": `{"page_info":{"current_count":0}}`,
	} {
		if got := newBed(Options{Empty: empty}).call("GET " + aliceKeys); got.Body != want {
			t.Errorf("%s: got %s", empty, got.Body)
		}
	}
}

func TestChangesAreVisibleAfterTheListLag(t *testing.T) {
	b := newBed(Options{Lag: 10 * time.Second})
	id := b.call("POST " + aliceKeys).Text("access_key.access_key_id")
	listed := func() bool { return strings.Contains(b.call("GET "+aliceKeys).Body, id) }
	path := aliceKeys + "/" + id
	if listed() || len(b.Keys("alice")) != 1 {
		t.Error("a new key is listed at once")
	}
	b.call("DELETE "+path).Expect(t, 404, "IAM.0004")
	if b.clock.Pass(10 * time.Second); !listed() {
		t.Error("a key is not listed after the lag")
	}
	b.call("DELETE "+path).Expect(t, 204, "")
	b.call("DELETE "+path).Expect(t, 404, "IAM.0004")
	if b.clock.Pass(9 * time.Second); !listed() {
		t.Error("a deleted key disappears from the list at once")
	}
	if b.clock.Pass(time.Second); listed() {
		t.Error("a deleted key is listed after the lag")
	}
}
