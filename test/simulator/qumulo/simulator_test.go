// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/test/simulator"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)

type bed struct {
	*Simulator

	clock *clocktesting.FakePassiveClock
	token string
	alice string
}

func newBed(options Options) *bed {
	clock := clocktesting.NewFakePassiveClock(start)
	options.Clock = clock
	b := &bed{Simulator: New(options), clock: clock}
	b.token = b.AddToken(time.Time{})
	b.alice = b.AddUser("alice")
	return b
}

type answer struct {
	status int
	body   string
	fields map[string]any
}

// call sends a request as the account; a method may be followed by a path and a body: "POST /v1/… {}".
func (b *bed) call(line string) answer {
	return b.callAs("Bearer "+b.token, line)
}

func (b *bed) callAs(authorization, line string) answer {
	parts := strings.SplitN(line+"  ", " ", 3)
	request := httptest.NewRequest(parts[0], parts[1], strings.NewReader(strings.TrimRight(parts[2], " ")))
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	recorder := httptest.NewRecorder()
	b.ServeHTTP(recorder, request)
	result := answer{status: recorder.Code, body: recorder.Body.String()}
	_ = json.Unmarshal(recorder.Body.Bytes(), &result.fields)
	return result
}

func (a answer) expect(t *testing.T, status int, class string) {
	t.Helper()
	got, _ := a.fields["error_class"].(string)
	if a.status != status || got != class {
		t.Errorf("got %d %s, want %d with class %q", a.status, a.body, status, class)
	}
}

func TestAKeyIsShownWholeOnceAndThenOnlyByItsID(t *testing.T) {
	b := newBed(Options{})
	made := b.call(`POST /v1/s3/access-keys/ {"user":{"auth_id":"` + b.alice + `"}}`)
	id, _ := made.fields["access_key_id"].(string)
	secret, _ := made.fields["secret_access_key"].(string)
	if made.status != 200 || !regexp.MustCompile(`^[0-9a-f]{13}[A-Z]{7}$`).MatchString(id) ||
		!regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(secret) || !b.Valid(id, secret) {
		t.Fatalf("got %d %s", made.status, made.body)
	}
	if made.fields["creation_time"] != "2026-03-01T12:00:00.000000005Z" {
		t.Errorf("made at %v", made.fields["creation_time"])
	}
	owner := map[string]any{"domain": "LOCAL", "auth_id": b.alice, "name": "alice", "sid": "S-1-5-21-1-2-3-" + b.alice, "uid": nil, "gid": nil}
	if fmt.Sprint(made.fields["owner"]) != fmt.Sprint(owner) {
		t.Errorf("owner %v", made.fields["owner"])
	}
	for _, query := range []string{"", "?user=auth_id:" + b.alice, "?user=" + b.alice, "?user=local:alice", "?user=alice"} {
		listed := b.call("GET /v1/s3/access-keys/" + query)
		want := `{"entries":[{"access_key_id":"` + id + `","creation_time":"2026-03-01T12:00:00.000000005Z","owner":` +
			`{"auth_id":"` + b.alice + `","domain":null,"gid":null,"name":null,"sid":null,"uid":null}}],"paging":{"next":null}}` + "\n"
		if listed.body != want {
			t.Errorf("%s: got %s, want %s", query, listed.body, want)
		}
	}
}

func TestADeletedKeyIsGoneAtOnceAndRemembered(t *testing.T) {
	b := newBed(Options{})
	made := b.call(`POST /v1/s3/access-keys/ {"user":{"auth_id":"` + b.alice + `"}}`)
	id, _ := made.fields["access_key_id"].(string)
	secret, _ := made.fields["secret_access_key"].(string)
	if got := b.call("DELETE /v1/s3/access-keys/" + id); got.status != 200 || got.body != "" {
		t.Errorf("the delete: %d %q", got.status, got.body)
	}
	if b.Valid(id, secret) {
		t.Error("a deleted pair works")
	}
	b.call("DELETE /v1/s3/access-keys/"+id).expect(t, 404, "rest_not_found_error")
	history := b.History()
	want := simulator.Pair{
		ID: id, AccessKeyID: id, Owner: "auth_id:" + b.alice, CreatedBy: "admin", DeletedBy: "admin", CreatedAt: start, DeletedAt: start,
	}
	if len(history) != 1 || history[0] != want {
		t.Errorf("got %+v", history)
	}
}

func TestAUserHasTwoKeysAtMost(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		status  int
		class   string
	}{
		"as others guess":        {Options{}, 409, "s3_access_key_limit_reached_error"},
		"as the options say":     {Options{LimitStatus: 422, LimitClass: "x"}, 422, "x"},
		"without an explanation": {Options{BareErrors: true}, 409, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(test.options)
			first, secret, err := b.MakeKey("local:alice")
			if err != nil || !b.Valid(first.AccessKeyID, secret) || first.CreatedBy != simulator.Person {
				t.Fatalf("got %+v, %v", first, err)
			}
			create := `POST /v1/s3/access-keys/ {"user":{"domain":"LOCAL","name":"alice"}}`
			b.call(create).expect(t, 200, "")
			b.call(create).expect(t, test.status, test.class)
			if _, _, err := b.MakeKey("local:alice"); err == nil {
				t.Error("a person made a third key")
			}
			if !b.RemoveKey(first.ID) || b.RemoveKey(first.ID) {
				t.Error("a key is not removed once")
			}
			b.call(create).expect(t, 200, "")
			if keys := b.Keys("local:alice"); len(keys) != 2 {
				t.Errorf("got %v", keys)
			}
		})
	}
}

func TestAGroupAndNobodyHaveNoKeys(t *testing.T) {
	b := newBed(Options{})
	b.AddIdentity(Identity{Domain: DomainLocal, Name: "staff", Group: true})
	b.call(`POST /v1/s3/access-keys/ {"user":{"name":"staff"}}`).expect(t, 400, "cred_identity_not_supported_error")
	for _, user := range []string{"local:nobody", "x:y", "staff"} {
		if _, _, err := b.MakeKey(user); err == nil || len(b.Keys(user)) != 0 {
			t.Errorf("%s has a key", user)
		}
	}
}

func TestAnyUIDIsAPosixUser(t *testing.T) {
	b := newBed(Options{})
	found := b.call(`POST /v1/identity/find {"uid":1001}`)
	if found.fields["auth_id"] != "12884902889" || found.fields["domain"] != "POSIX_USER" {
		t.Errorf("got %s", found.body)
	}
	if _, _, err := b.MakeKey("uid:1001"); err != nil || len(b.Keys("auth_id:12884902889")) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestADeletedUserLeavesItsKeysAndATombstone(t *testing.T) {
	b := newBed(Options{})
	pair, secret, err := b.MakeKey("local:alice")
	if err != nil {
		t.Fatal(err)
	}
	b.DeleteUser("alice")
	second := b.AddUser("alice")
	if second == b.alice || !b.Valid(pair.AccessKeyID, secret) {
		t.Error("the auth_id is used again, or the key died with its user")
	}
	const class = "cred_invalid_local_user_error"
	b.call(`POST /v1/identity/find {"domain":"LOCAL","name":"alice"}`).expect(t, 400, class)
	b.call("GET /v1/s3/access-keys/?user=local:alice").expect(t, 400, class)
	b.call(`POST /v1/s3/access-keys/ {"user":{"auth_id":"`+b.alice+`"}}`).expect(t, 400, class)
	b.call(`POST /v1/s3/access-keys/ {"user":{"auth_id":"`+second+`"}}`).expect(t, 200, "")
	if listed := b.call("GET /v1/s3/access-keys/?user=auth_id:" + b.alice); !strings.Contains(listed.body, pair.ID) {
		t.Errorf("got %s", listed.body)
	}
	other := newBed(Options{TombstonesForgotten: true, DeletedOwnerRefused: true, UnknownStatus: 404})
	other.DeleteUser("alice")
	other.call("GET /v1/s3/access-keys/?user=auth_id:"+other.alice).expect(t, 404, class)
	second = other.AddUser("alice")
	if found := other.call(`POST /v1/identity/find {"name":"alice"}`); found.fields["auth_id"] != second {
		t.Errorf("got %s", found.body)
	}
}

func TestPagesLeadFromOneToTheNext(t *testing.T) {
	for next, prefix := range map[Next]string{
		NextRelative: "/v1/s3/access-keys/?", NextAbsolute: "https://example.com/v1/s3/access-keys/?",
		NextForeign: "https://cluster.invalid:8000/v1/s3/access-keys/?",
	} {
		t.Run(string(next), func(t *testing.T) {
			b := newBed(Options{Next: next, PageSize: 3, NumericAuthID: true})
			for i := range 7 {
				if _, _, err := b.MakeKey(fmt.Sprint("uid:", i)); err != nil {
					t.Fatal(err)
				}
			}
			var sizes []int
			seen := map[any]bool{}
			for query := "limit=5"; ; {
				page := b.call("GET /v1/s3/access-keys/?" + query)
				entries, _ := page.fields["entries"].([]any)
				for _, entry := range entries {
					seen[entry.(map[string]any)["access_key_id"]] = true
				}
				sizes = append(sizes, len(entries))
				following, more := page.fields["paging"].(map[string]any)["next"].(string)
				if !more {
					break
				}
				parsed, err := url.Parse(following)
				if err != nil || !strings.HasPrefix(following, prefix) || parsed.Query().Get("limit") != "3" {
					t.Fatalf("next is %q", following)
				}
				query = parsed.RawQuery
			}
			if fmt.Sprint(sizes) != "[3 3 1]" || len(seen) != 7 {
				t.Errorf("pages of %v with %d keys", sizes, len(seen))
			}
		})
	}
}

func TestAnEmptyClusterListsNothing(t *testing.T) {
	b := newBed(Options{})
	if got := b.call("GET /v1/s3/access-keys/"); got.body != `{"entries":[],"paging":{"next":null}}`+"\n" {
		t.Errorf("got %s", got.body)
	}
}

func TestTheClusterCanBeUsedAtOnce(t *testing.T) {
	b := newBed(Options{})
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() {
			b.call(`POST /v1/s3/access-keys/ {"user":{"name":"alice"}}`)
			b.call("GET /v1/s3/access-keys/")
			b.Keys("local:alice")
		})
	}
	waiting.Wait()
	if made := len(b.History()); made != 2 {
		t.Errorf("%d keys were made", made)
	}
	if calls := b.Calls(); calls["POST /v1/s3/access-keys/"] != 8 || calls[http.MethodGet+" /v1/s3/access-keys/"] != 8 {
		t.Errorf("got %v", calls)
	}
}
