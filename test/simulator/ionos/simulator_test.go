// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"reflect"
	"regexp"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/simtest"
)

const (
	one = "11111111-1111-5111-8111-111111111111"
	two = "22222222-2222-5222-8222-222222222222"

	// These are lines without a body for the key one.
	get, del, renew = "GET /accesskeys/" + one, "DELETE /accesskeys/" + one, "PUT /accesskeys/" + one + "/renew"

	described      = ` {"properties":{"description":"d"}}`
	putOne, putTwo = "PUT /accesskeys/" + one + described, "PUT /accesskeys/" + two + described
	post, list     = "POST /accesskeys" + described, "GET /accesskeys"
)

// bed is a service with the users alice and bob, on a fake clock.
type bed struct {
	*Simulator

	clock      simtest.Clock
	alice, bob string // tokens
}

func newBed(options Options) *bed {
	clock := simtest.NewClock()
	options.Clock = clock
	b := &bed{Simulator: New(options), clock: clock}
	b.alice, b.bob = b.AddUser("alice"), b.AddUser("bob")
	return b
}

// call sends a request as alice. See simtest.Request for the format of the line.
func (b *bed) call(line string) simtest.Reply { return b.callAs("Bearer "+b.alice, line) }

func (b *bed) callAs(authorization, line string) simtest.Reply {
	request := simtest.Request(line)
	request.Header.Set("Authorization", authorization)
	if request.ContentLength > 0 {
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return simtest.Send(b, request)
}

// pair returns the pair that a response shows.
func pair(r simtest.Reply) (accessKey, secret string) {
	return r.Text("properties.accessKey"), r.Text("properties.secretKey")
}

// status returns the status of a key as the service reports it.
func status(r simtest.Reply) string { return r.Text("metadata.status") }

// make creates the key one.
func (b *bed) make(t *testing.T) (accessKey, secret string) {
	t.Helper()
	made := b.call(putOne)
	made.Expect(t, 201, "")
	return pair(made)
}

func TestKeyHasTheDocumentedShape(t *testing.T) {
	b := newBed(Options{})
	made := b.call("PUT /accesskeys/" + one + ` {"id":"` + one + `","metadata":{},"properties":{"description":"mine"}}`)
	accessKey, secret := pair(made)
	if made.Status != 201 || !regexp.MustCompile(`^[0-9A-Za-z_-]{92} [A-Za-z0-9+/]{40}$`).MatchString(accessKey+" "+secret) || !b.Valid(accessKey, secret) {
		t.Fatalf("got %d %s", made.Status, made.Body)
	}
	for path, want := range map[string]any{
		"id": one, "type": "accesskey", "href": "/accesskeys/" + one, "metadata.createdDate": "2026-03-01T13:00:00+01:00",
		"metadata.status": "AVAILABLE", "metadata.statusMessage": nil, "metadata.administrative": false,
	} {
		if got := made.At(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	if made.Has("properties", "canonicalUserId") || made.Header.Get("Date") != "Sun, 01 Mar 2026 12:00:00 GMT" {
		t.Errorf("got %s, %v", made.Body, made.Header)
	}
	read, listed := b.call(get), b.call(list)
	if !reflect.DeepEqual(read.At(""), listed.At("items.0")) || read.Text("properties.description") != "mine" || read.At("properties.secretKey") != "" {
		t.Errorf("read %s, listed %s", read.Body, listed.Body)
	}
}

func TestFormOfAHiddenSecret(t *testing.T) {
	for hidden, want := range map[Hidden]any{"": "", HiddenEmpty: "", HiddenAbsent: nil, HiddenNull: nil, HiddenNot: "secret"} {
		b := newBed(Options{Secrets: hidden})
		if _, secret := b.make(t); hidden == HiddenNot {
			want = secret
		}
		for _, line := range []string{get, putOne} {
			got := b.call(line)
			if got.At("properties.secretKey") != want || got.Has("properties", "secretKey") == (hidden == HiddenAbsent) {
				t.Errorf("%s: %s: got %s", hidden, line, got.Body)
			}
		}
	}
}

func TestPOSTCreatesAKeyWithAnIDOfTheService(t *testing.T) {
	b := newBed(Options{})
	// The vendor's Go SDK sends the read-only members as empty strings.
	made := b.call(`POST /accesskeys {"properties":{"accessKey":"","description":"d","secretKey":""}}`)
	made.Expect(t, 201, "")
	if id := made.Text("id"); !isUUID(id) || !b.Valid(pair(made)) || made.At("properties.description") != "d" {
		t.Errorf("got %s", made.Body)
	}
}

func TestRepeatedPUTReplacesOnlyTheDescription(t *testing.T) {
	b := newBed(Options{})
	accessKey, secret := b.make(t)
	again := b.call("PUT /accesskeys/" + one + ` {"properties":{"description":"other"}}`)
	again.Expect(t, 200, "", `"description":"other"`)
	if got, hidden := pair(again); got != accessKey || hidden != "" || !b.Valid(accessKey, secret) || len(b.History()) != 1 {
		t.Errorf("got %s", again.Body)
	}
}

func TestKeysOfOtherUsersAreInvisible(t *testing.T) {
	b := newBed(Options{})
	b.make(t)
	for _, line := range []string{get, del, renew} {
		b.callAs("Bearer "+b.bob, line).Expect(t, 404, "err-not-found")
	}
	b.callAs("Bearer "+b.bob, putOne).Expect(t, 409, "err-taken")
	if listed := b.callAs("Bearer "+b.bob, list); len(listed.List("items")) != 0 {
		t.Errorf("bob sees %s", listed.Body)
	}
}

func TestRenewReplacesTheSecret(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		status  int
		changes bool
		grace   time.Duration
	}{
		"at once":                            {Options{}, 200, false, 0},
		"with status 201":                    {Options{RenewStatus: 201}, 201, false, 0},
		"and the access key":                 {Options{RenewChangesAccessKey: true}, 200, true, 0},
		"after a grace period":               {Options{RenewGrace: time.Hour}, 200, false, time.Hour},
		"and the access key after the grace": {Options{RenewGrace: time.Hour, RenewChangesAccessKey: true}, 200, true, time.Hour},
	} {
		test.options.Destroying = time.Minute
		b := newBed(test.options)
		accessKey, secret := b.make(t)
		expectOld := func(want bool) {
			t.Helper()
			if b.Valid(accessKey, secret) != want {
				t.Errorf("%s: the old pair works: %t", name, !want)
			}
		}
		renewed := b.call(renew)
		renewed.Expect(t, test.status, "")
		newAccessKey, newSecret := pair(renewed)
		if newSecret == secret || !b.Valid(newAccessKey, newSecret) || (newAccessKey != accessKey) != test.changes {
			t.Errorf("%s: got %s", name, renewed.Body)
		}
		expectOld(test.grace > 0)
		b.clock.Pass(test.grace)
		expectOld(false)
		accessKey, secret = newAccessKey, newSecret
		b.call(renew).Expect(t, test.status, "")
		b.call(del).Expect(t, 202, "")
		expectOld(false) // the grace period ends with the key
		if history := b.History(); len(history) != 3 || history[1].ID != one || history[1].AccessKeyID != newAccessKey || history[1].Live() {
			t.Errorf("%s: got %+v", name, history)
		}
	}
}

func TestKeysAreChangedByHand(t *testing.T) {
	b := newBed(Options{})
	pair, secret, err := b.MakeKey("alice", "by hand")
	want := simulator.Pair{ID: pair.ID, AccessKeyID: pair.AccessKeyID, Owner: "alice", CreatedBy: simulator.Person, CreatedAt: simtest.Start}
	if err != nil || pair != want || !b.Valid(pair.AccessKeyID, secret) {
		t.Fatalf("got %+v, %v", pair, err)
	}
	if _, _, err := b.MakeKey("nobody", ""); err == nil {
		t.Error("a key was created for an unknown user")
	}
	line := "GET /accesskeys/" + pair.ID
	b.call(line).Expect(t, 200, "", `"description":"by hand"`)
	b.Describe(pair.ID, "other")
	b.FailKey(pair.ID, "no space")
	b.call(line).Expect(t, 200, "", `"description":"other"`, `"status":"FAILED"`, `"statusMessage":"no space"`)
	if b.Valid(pair.AccessKeyID, secret) || !b.RemoveKey(pair.ID) || b.RemoveKey(pair.ID) || b.History()[0].DeletedBy != simulator.Person {
		t.Error("a failed key works, or RemoveKey does not remove a key once")
	}
	b.call(line).Expect(t, 404, "err-not-found")
}

// TestPages reads three keys in pages of two: a full page, a short one, and one after the end.
func TestPages(t *testing.T) {
	page := func(offset int) string { return fmt.Sprintf("http://example.com/accesskeys?offset=%d&limit=2", offset) }
	for next, want := range map[Next][3]string{
		NextHTTP:    {page(2), "", ""},
		NextForeign: {"http://s3.invalid/accesskeys?offset=2&limit=2", "", ""},
		NextAbsent:  {"", "", ""},
		NextAlways:  {page(2), page(4), page(6)},
	} {
		b := newBed(Options{Next: next, PageSize: 2})
		for range 3 {
			b.call(post)
		}
		for i, size := range []int{2, 1, 0} {
			got := b.call(fmt.Sprint(list, "?limit=7&offset=", 2*i))
			if len(got.List("items")) != size || got.At("limit") != 2.0 || got.At("offset") != float64(2*i) ||
				got.Text("_links.next") != want[i] || got.Text("_links.prev") != []string{"", page(0), page(2)}[i] {
				t.Errorf("%s: got %s", next, got.Body)
			}
		}
	}
	if got := newBed(Options{}).call(list); got.At("limit") != 100.0 {
		t.Errorf("the default limit is %v", got.At("limit"))
	}
}
