// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
)

func TestAKeyHasTheShapeOfTheDocument(t *testing.T) {
	b := newBed(Options{})
	made := b.call("PUT /accesskeys/" + one + ` {"id":"` + one + `","metadata":{},"properties":{"description":"mine"}}`)
	accessKey, secret := made.pair()
	if made.status != 201 || !regexp.MustCompile(`^[0-9A-Za-z_-]{92}$`).MatchString(accessKey) ||
		!regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(secret) || !b.Valid(accessKey, secret) {
		t.Fatalf("got %d %s", made.status, made.body)
	}
	if _, present := made.fields["properties"].(map[string]any)["canonicalUserId"]; present {
		t.Error("a create answers canonicalUserId")
	}
	got := fmt.Sprint(made.fields["id"], made.fields["type"], made.fields["href"],
		made.metadata("createdDate"), made.metadata("status"), made.metadata("statusMessage"), made.metadata("administrative"))
	if want := fmt.Sprint(one, "accesskey", "/accesskeys/"+one, "2026-03-01T13:00:00+01:00", "AVAILABLE", nil, false); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if made.header.Get("Date") != "Sun, 01 Mar 2026 12:00:00 GMT" {
		t.Errorf("Date is %s", made.header.Get("Date"))
	}
	read := b.call("GET /accesskeys/" + one)
	listed := b.call("GET /accesskeys").items()
	if fmt.Sprint(read.fields) != fmt.Sprint(listed[0]) || read.property("description") != "mine" || read.property("secretKey") != "" {
		t.Errorf("read %s, listed %v", read.body, listed)
	}
}

func TestTheSecretIsHiddenAsTheOptionsSay(t *testing.T) {
	for hidden, want := range map[Hidden]string{
		"": `""`, HiddenEmpty: `""`, HiddenAbsent: `<nil> absent`, HiddenNull: `<nil>`, HiddenNot: `shown`,
	} {
		t.Run(string(hidden), func(t *testing.T) {
			b := newBed(Options{Secrets: hidden})
			_, secret := b.make(t, one)
			for _, line := range []string{"GET /accesskeys/" + one, "PUT /accesskeys/" + one + " " + described} {
				properties, _ := b.call(line).fields["properties"].(map[string]any)
				value, present := properties["secretKey"]
				got := fmt.Sprint(value)
				switch {
				case value == secret:
					got = "shown"
				case value == "":
					got = `""`
				case !present:
					got += " absent"
				}
				if got != want {
					t.Errorf("%s: got %s, want %s", line, got, want)
				}
			}
		})
	}
}

func TestAPOSTMakesAKeyUnderAnIDOfTheServices(t *testing.T) {
	b := newBed(Options{})
	// What the vendor's Go SDK sends: read-only members as empty strings.
	made := b.call(`POST /accesskeys {"properties":{"accessKey":"","description":"d","secretKey":""}}`)
	made.expect(t, 201, "")
	id, _ := made.fields["id"].(string)
	if !isUUID(id) || !b.Valid(made.pair()) || b.Description(id) != "d" {
		t.Errorf("got %s", made.body)
	}
}

func TestARepeatedPUTReplacesTheDescriptionAndNothingElse(t *testing.T) {
	b := newBed(Options{})
	accessKey, secret := b.make(t, one)
	again := b.call("PUT /accesskeys/" + one + ` {"properties":{"description":"other"}}`)
	again.expect(t, 200, "")
	if got, hidden := again.pair(); got != accessKey || hidden != "" || !b.Valid(accessKey, secret) || b.Description(one) != "other" {
		t.Errorf("got %s", again.body)
	}
	if made := len(b.History()); made != 1 {
		t.Errorf("%d pairs", made)
	}
}

func TestAUUIDOfAnotherUserIsTaken(t *testing.T) {
	b := newBed(Options{})
	b.make(t, one)
	for _, line := range []string{"GET /accesskeys/" + one, "DELETE /accesskeys/" + one, "PUT /accesskeys/" + one + "/renew"} {
		b.callAs("Bearer "+b.bob, line).expect(t, 404, "err-not-found")
	}
	b.callAs("Bearer "+b.bob, "PUT /accesskeys/"+one+" "+described).expect(t, 409, "err-taken")
	if listed := b.callAs("Bearer "+b.bob, "GET /accesskeys").items(); len(listed) != 0 {
		t.Errorf("bob sees %v", listed)
	}
}

func TestARenewalReplacesTheSecret(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		status  int
		changes bool
		grace   time.Duration
	}{
		"at once":                    {Options{}, 200, false, 0},
		"answered with 201":          {Options{RenewStatus: 201}, 201, false, 0},
		"the access key too":         {Options{RenewChangesAccessKey: true}, 200, true, 0},
		"after a while of grace":     {Options{RenewGrace: time.Hour}, 200, false, time.Hour},
		"both, and both after grace": {Options{RenewGrace: time.Hour, RenewChangesAccessKey: true}, 200, true, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(test.options)
			accessKey, secret := b.make(t, one)
			renewed := b.call("PUT /accesskeys/" + one + "/renew")
			renewed.expect(t, test.status, "")
			newAccessKey, newSecret := renewed.pair()
			if newSecret == secret || !b.Valid(newAccessKey, newSecret) || (newAccessKey != accessKey) != test.changes {
				t.Errorf("got %s", renewed.body)
			}
			if b.Valid(accessKey, secret) != (test.grace > 0) {
				t.Errorf("the old pair works: %t", b.Valid(accessKey, secret))
			}
			b.after(test.grace)
			if b.Valid(accessKey, secret) {
				t.Error("the old pair works for ever")
			}
			history := b.History()
			if len(history) != 2 || history[0].Live() || !history[1].Live() || history[0].ID != history[1].ID ||
				history[1].AccessKeyID != newAccessKey {
				t.Errorf("got %+v", history)
			}
		})
	}
}

func TestAPairInItsGraceEndsWithItsKey(t *testing.T) {
	b := newBed(Options{RenewGrace: time.Hour, Destroying: time.Minute})
	accessKey, secret := b.make(t, one)
	b.call("PUT /accesskeys/"+one+"/renew").expect(t, 200, "")
	b.call("DELETE /accesskeys/"+one).expect(t, 202, "")
	if b.Valid(accessKey, secret) {
		t.Error("the replaced pair outlives its key")
	}
}

func TestAPersonMakesAndRemovesKeys(t *testing.T) {
	b := newBed(Options{})
	pair, secret, err := b.MakeKey("alice", "by hand")
	want := simulator.Pair{ID: pair.ID, AccessKeyID: pair.AccessKeyID, Owner: "alice", CreatedBy: simulator.Person, CreatedAt: start}
	if err != nil || pair != want || !b.Valid(pair.AccessKeyID, secret) || b.Description(pair.ID) != "by hand" {
		t.Fatalf("got %+v, %v", pair, err)
	}
	if _, _, err := b.MakeKey("nobody", ""); err == nil {
		t.Error("a key for nobody was made")
	}
	if !b.RemoveKey(pair.ID) || b.RemoveKey(pair.ID) || len(b.Keys("alice")) != 0 || b.Description(pair.ID) != "" {
		t.Error("a key is not removed once")
	}
	b.call("GET /accesskeys/"+pair.ID).expect(t, 404, "err-not-found")
	if history := b.History(); len(history) != 1 || history[0].DeletedBy != simulator.Person {
		t.Errorf("got %+v", history)
	}
}

func TestAPersonChangesKeys(t *testing.T) {
	b := newBed(Options{})
	accessKey, secret := b.make(t, one)
	b.Describe(one, "other")
	if read := b.call("GET /accesskeys/" + one); read.property("description") != "other" {
		t.Errorf("got %s", read.body)
	}
	b.Deactivate(one)
	if read := b.call("GET /accesskeys/" + one); b.Valid(accessKey, secret) || read.metadata("status") != "AVAILABLE" {
		t.Errorf("got %s", read.body)
	}
	accessKey, secret = b.make(t, two)
	b.FailKey(two, "no space")
	read := b.call("GET /accesskeys/" + two)
	if b.Valid(accessKey, secret) || read.metadata("status") != "FAILED" || read.metadata("statusMessage") != "no space" {
		t.Errorf("got %s", read.body)
	}
}

func TestADeletedUserLeavesNothing(t *testing.T) {
	b := newBed(Options{})
	accessKey, secret := b.make(t, one)
	b.callAs("Bearer "+b.bob, "PUT /accesskeys/"+two+" "+described).expect(t, 201, "")
	b.DeleteUser("alice")
	b.call("GET /accesskeys").expect(t, 401, "err-unauthorized")
	if b.Valid(accessKey, secret) || len(b.Keys("alice")) != 0 || len(b.Keys("bob")) != 1 {
		t.Errorf("got %v", b.LivePairs())
	}
}

func TestTheServiceCanBeUsedAtOnce(t *testing.T) {
	b := newBed(Options{})
	var waiting sync.WaitGroup
	for i := range 8 {
		waiting.Go(func() {
			b.call(fmt.Sprintf("PUT /accesskeys/%08d-1111-5111-8111-111111111111 %s", i, described))
			b.call("GET /accesskeys")
			b.Valid("a", "b")
		})
	}
	waiting.Wait()
	if made := len(b.Keys("alice")); made != keysPerUser {
		t.Errorf("%d keys were made", made)
	}
	if calls := b.Calls(); calls["PUT /accesskeys/{id}"] != 8 || calls["GET /accesskeys"] != 8 {
		t.Errorf("got %v", calls)
	}
}
