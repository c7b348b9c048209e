// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"reflect"
	"regexp"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/simtest"
)

func TestKeyHasTheDocumentedShape(t *testing.T) {
	b := newBed(Options{})
	made := b.call("PUT /accesskeys/" + one + ` {"id":"` + one + `","metadata":{},"properties":{"description":"mine"}}`)
	accessKey, secret := pair(made)
	if made.Status != 201 || !regexp.MustCompile(`^[0-9A-Za-z_-]{92}$`).MatchString(accessKey) ||
		!regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(secret) || !b.Valid(accessKey, secret) {
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
	again.Expect(t, 200, "")
	if got, hidden := pair(again); got != accessKey || hidden != "" || !b.Valid(accessKey, secret) || again.At("properties.description") != "other" {
		t.Errorf("got %s", again.Body)
	}
	if made := len(b.History()); made != 1 {
		t.Errorf("got %d pairs", made)
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
		t.Run(name, func(t *testing.T) {
			b := newBed(test.options)
			accessKey, secret := b.make(t)
			renewed := b.call(renew)
			renewed.Expect(t, test.status, "")
			newAccessKey, newSecret := pair(renewed)
			if newSecret == secret || !b.Valid(newAccessKey, newSecret) || (newAccessKey != accessKey) != test.changes {
				t.Errorf("got %s", renewed.Body)
			}
			if works := b.Valid(accessKey, secret); works != (test.grace > 0) {
				t.Errorf("the old pair works: %t", works)
			}
			b.clock.Pass(test.grace)
			if b.Valid(accessKey, secret) {
				t.Error("the old pair works after the grace period")
			}
			history := b.History()
			if len(history) != 2 || history[0].Live() || !history[1].Live() || history[0].ID != history[1].ID || history[1].AccessKeyID != newAccessKey {
				t.Errorf("got %+v", history)
			}
		})
	}
}

func TestGracePeriodEndsWithTheKey(t *testing.T) {
	b := newBed(Options{RenewGrace: time.Hour, Destroying: time.Minute})
	accessKey, secret := b.make(t)
	b.call(renew).Expect(t, 200, "")
	b.call(del).Expect(t, 202, "")
	if b.Valid(accessKey, secret) {
		t.Error("the old pair works without its key")
	}
}

func TestKeysAreCreatedAndRemovedByHand(t *testing.T) {
	b := newBed(Options{})
	pair, secret, err := b.MakeKey("alice", "by hand")
	want := simulator.Pair{ID: pair.ID, AccessKeyID: pair.AccessKeyID, Owner: "alice", CreatedBy: simulator.Person, CreatedAt: simtest.Start}
	if err != nil || pair != want || !b.Valid(pair.AccessKeyID, secret) {
		t.Fatalf("got %+v, %v", pair, err)
	}
	b.call("GET /accesskeys/"+pair.ID).Expect(t, 200, "", `"description":"by hand"`)
	if _, _, err := b.MakeKey("nobody", ""); err == nil {
		t.Error("a key was created for an unknown user")
	}
	if !b.RemoveKey(pair.ID) || b.RemoveKey(pair.ID) || len(b.Keys("alice")) != 0 {
		t.Error("RemoveKey does not remove a key once")
	}
	b.call("GET /accesskeys/"+pair.ID).Expect(t, 404, "err-not-found")
	if history := b.History(); len(history) != 1 || history[0].DeletedBy != simulator.Person {
		t.Errorf("got %+v", history)
	}
}

func TestKeysAreChangedByHand(t *testing.T) {
	b := newBed(Options{})
	accessKey, secret := b.make(t)
	b.Describe(one, "other")
	b.call(get).Expect(t, 200, "", `"description":"other"`)
	b.FailKey(one, "no space")
	if read := b.call(get); b.Valid(accessKey, secret) || status(read) != "FAILED" || read.Text("metadata.statusMessage") != "no space" {
		t.Errorf("got %s", read.Body)
	}
}
