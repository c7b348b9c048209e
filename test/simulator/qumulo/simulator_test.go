// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/simtest"
)

const (
	list   = "GET /v1/s3/access-keys/"
	create = "POST /v1/s3/access-keys/ "
)

// bed is a cluster with the local user alice, on a fake clock.
type bed struct {
	*Simulator

	clock simtest.Clock
	token string
	alice string // the auth_id of alice
}

func newBed(options Options) *bed {
	clock := simtest.NewClock()
	options.Clock = clock
	b := &bed{Simulator: New(options), clock: clock}
	b.token = b.AddToken(time.Time{})
	b.alice = b.AddUser("alice")
	return b
}

// call sends a request as the account. See simtest.Request for the format of the line.
func (b *bed) call(line string) simtest.Reply { return b.callAs("Bearer "+b.token, line) }

func (b *bed) callAs(authorization, line string) simtest.Reply {
	request := simtest.Request(line)
	request.Header.Set("Authorization", authorization)
	return simtest.Send(b, request)
}

func TestLifeOfAKey(t *testing.T) {
	b := newBed(Options{})
	made := b.call(create + `{"user":{"auth_id":"` + b.alice + `"}}`)
	id, secret := made.Text("access_key_id"), made.Text("secret_access_key")
	if made.Status != 200 || !regexp.MustCompile(`^[0-9a-f]{13}[A-Z]{7} [A-Za-z0-9+/]{40}$`).MatchString(id+" "+secret) || !b.Valid(id, secret) {
		t.Fatalf("got %d %s", made.Status, made.Body)
	}
	const created = "2026-03-01T12:00:00.005000000Z"
	owner := map[string]any{"domain": "LOCAL", "auth_id": b.alice, "name": "alice", "sid": "S-1-5-21-1-2-3-" + b.alice, "uid": nil, "gid": nil}
	if made.At("creation_time") != created || !reflect.DeepEqual(made.At("owner"), owner) {
		t.Errorf("got %s", made.Body)
	}
	for _, query := range []string{"", "?user=auth_id:" + b.alice, "?user=local:alice"} {
		want := `{"entries":[{"access_key_id":"` + id + `","creation_time":"` + created + `","owner":` +
			`{"auth_id":"` + b.alice + `","domain":null,"gid":null,"name":null,"sid":null,"uid":null}}],"paging":{"next":null}}`
		if listed := b.call(list + query); listed.Body != want {
			t.Errorf("%s: got %s, want %s", query, listed.Body, want)
		}
	}
	newBed(Options{}).call(list).Expect(t, 200, "", `{"entries":[],"paging":{"next":null}}`)
	if got := b.call("DELETE /v1/s3/access-keys/" + id); got.Status != 200 || got.Body != "" {
		t.Errorf("got %d %q", got.Status, got.Body)
	}
	want := simulator.Pair{
		ID: id, AccessKeyID: id, Owner: "auth_id:" + b.alice, CreatedBy: "admin", DeletedBy: "admin", CreatedAt: simtest.Start, DeletedAt: simtest.Start,
	}
	if history := b.History(); len(history) != 1 || history[0] != want {
		t.Errorf("got %+v", history)
	}
}

func TestUserHasAtMostTwoKeys(t *testing.T) {
	for _, test := range []struct {
		options Options
		status  int
		class   string
	}{
		{Options{}, 409, "s3_access_key_limit_reached_error"}, {Options{LimitStatus: 422, LimitClass: "x"}, 422, "x"}, {Options{BareErrors: true}, 409, ""},
	} {
		b := newBed(test.options)
		first, secret, err := b.MakeKey("local:alice")
		if err != nil || !b.Valid(first.AccessKeyID, secret) || first.CreatedBy != simulator.Person {
			t.Fatalf("got %+v, %v", first, err)
		}
		b.call(create+`{"user":{"domain":"LOCAL","name":"alice"}}`).Expect(t, 200, "")
		b.call(create+`{"user":{"domain":"LOCAL","name":"alice"}}`).Expect(t, test.status, test.class)
		if _, _, err := b.MakeKey("local:alice"); err == nil || len(b.Keys("local:alice")) != 2 {
			t.Error("a third key was created by hand")
		}
		if !b.RemoveKey(first.ID) || b.RemoveKey(first.ID) {
			t.Error("RemoveKey does not remove a key once")
		}
	}
}

func TestGroupsAndUnknownUsersCannotOwnKeys(t *testing.T) {
	b := newBed(Options{})
	b.AddIdentity(Identity{Domain: DomainLocal, Name: "staff", Group: true})
	b.call(create+`{"user":{"name":"staff"}}`).Expect(t, 400, "cred_identity_not_supported_error")
	for _, user := range []string{"local:nobody", "x:y", "staff"} {
		if _, _, err := b.MakeKey(user); err == nil || len(b.Keys(user)) != 0 {
			t.Errorf("%s has a key", user)
		}
	}
}

func TestEveryUIDIsAPosixUser(t *testing.T) {
	b := newBed(Options{})
	found := b.call(`POST /v1/identity/find {"uid":1001}`)
	if found.At("auth_id") != "12884902889" || found.At("domain") != "POSIX_USER" {
		t.Errorf("got %s", found.Body)
	}
	if numeric := newBed(Options{NumericAuthID: true}).call(`POST /v1/identity/find {"uid":1001}`); numeric.At("auth_id") != 12884902889.0 {
		t.Errorf("got %s", numeric.Body)
	}
	if _, _, err := b.MakeKey("uid:1001"); err != nil || len(b.Keys("auth_id:12884902889")) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestDeletedUserLeavesItsKeysAndATombstone(t *testing.T) {
	b := newBed(Options{})
	pair, secret, err := b.MakeKey("local:alice")
	if err != nil {
		t.Fatal(err)
	}
	b.DeleteUser("alice")
	second := b.AddUser("alice")
	if second == b.alice || !b.Valid(pair.AccessKeyID, secret) {
		t.Error("the auth_id was reused, or the key stopped working")
	}
	const class = "cred_invalid_local_user_error"
	b.call(`POST /v1/identity/find {"domain":"LOCAL","name":"alice"}`).Expect(t, 400, class)
	b.call(list+"?user=local:alice").Expect(t, 400, class)
	b.call(create+`{"user":{"auth_id":"`+b.alice+`"}}`).Expect(t, 400, class)
	b.call(create+`{"user":{"auth_id":"`+second+`"}}`).Expect(t, 200, "")
	b.call(list+"?user=auth_id:"+b.alice).Expect(t, 200, "", pair.ID)

	other := newBed(Options{TombstonesForgotten: true, DeletedOwnerRefused: true, UnknownStatus: 404})
	other.DeleteUser("alice")
	other.call(list+"?user=auth_id:"+other.alice).Expect(t, 404, class)
	second = other.AddUser("alice")
	if found := other.call(`POST /v1/identity/find {"name":"alice"}`); found.At("auth_id") != second {
		t.Errorf("got %s", found.Body)
	}
}

// TestPages checks the forms of paging.next. The contract suite reads lists to their end.
func TestPages(t *testing.T) {
	for next, prefix := range map[Next]string{
		NextRelative: "/v1/s3/access-keys/?", NextAbsolute: "https://example.com/v1/s3/access-keys/?",
		NextForeign: "https://cluster.invalid:8000/v1/s3/access-keys/?",
	} {
		b := newBed(Options{Next: next, PageSize: 2})
		for i := range 3 {
			if _, _, err := b.MakeKey(fmt.Sprint("uid:", i)); err != nil {
				t.Fatal(err)
			}
		}
		page := b.call(list + "?limit=5")
		parameters, found := strings.CutPrefix(page.Text("paging.next"), prefix)
		if !found || parameters != "after="+page.Text("entries.1.access_key_id")+"&limit=2" || len(page.List("entries")) != 2 {
			t.Errorf("%s: got %s", next, page.Body)
		}
		if rest := b.call(list + "?" + parameters); len(rest.List("entries")) != 1 || rest.At("paging.next") != nil {
			t.Errorf("%s: got %s", next, rest.Body)
		}
	}
}
