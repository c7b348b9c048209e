// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"testing"
	"time"
)

func TestNewKeyIsProvisioned(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		early   int    // the response to a renew while the key is PROVISIONING
		again   string // the status after an update or a renew
	}{
		"when it is created":            {Options{}, 200, "AVAILABLE"},
		"and refuses a renew meanwhile": {Options{RenewEarlyStatus: 409}, 409, "AVAILABLE"},
		"when it is created or changed": {Options{ChangesProvision: true}, 200, "PROVISIONING"},
	} {
		test.options.Provisioning = 10 * time.Second
		b := newBed(test.options)
		made := b.call(putOne)
		accessKey, secret := pair(made)
		if status(made) != "PROVISIONING" || b.Valid(accessKey, secret) {
			t.Errorf("%s: got %s", name, made.Body)
		}
		if early := b.call(renew); early.Status != test.early {
			t.Errorf("%s: got %d %s", name, early.Status, early.Body)
		} else if early.Status == 200 {
			accessKey, secret = pair(early)
		}
		b.clock.Pass(10 * time.Second)
		if read := b.call(get); status(read) != "AVAILABLE" || !b.Valid(accessKey, secret) {
			t.Errorf("%s: got %s", name, read.Body)
		}
		for _, line := range []string{putOne, renew} {
			if changed := b.call(line); status(changed) != test.again {
				t.Errorf("%s: %s: got %s", name, line, changed.Body)
			}
		}
	}
}

func TestNewKeyIsInvisibleForAWhile(t *testing.T) {
	b := newBed(Options{Unseen: 10 * time.Second})
	accessKey, secret := b.make(t)
	for _, line := range []string{get, renew, del} {
		b.call(line).Expect(t, 404, "err-not-found")
	}
	if listed := b.call(list).List("items"); len(listed) != 0 || !b.Valid(accessKey, secret) {
		t.Errorf("got %v", listed)
	}
	b.call(putOne).Expect(t, 200, "")
	b.clock.Pass(10 * time.Second)
	b.call(get).Expect(t, 200, "")
	b.call(renew).Expect(t, 200, "")
	b.call(del).Expect(t, 202, "")
}

func TestDeletionIsAcceptedFirstAndCompletedLater(t *testing.T) {
	for name, test := range map[string]struct {
		options         Options
		put, del, later int // the responses while the key is destroyed, and the response to a PUT when it is gone
		works           bool
	}{
		"as documented":                {Options{}, 409, 202, 201, false},
		"a PUT succeeds":               {Options{DestroyingStatus: 200}, 200, 202, 201, false},
		"a second DELETE fails":        {Options{DestroyAgainStatus: 404}, 409, 404, 201, false},
		"the pair works until the end": {Options{DestroyingWorks: true}, 409, 202, 201, true},
		"the ID cannot be reused":      {Options{DestroyedTaken: true}, 409, 202, 409, false},
	} {
		test.options.Destroying = 10 * time.Second
		b := newBed(test.options)
		accessKey, secret := b.make(t)
		if got := b.call(del); got.Status != 202 || got.Body != "" {
			t.Errorf("%s: got %d %q", name, got.Status, got.Body)
		}
		if read := b.call(get); status(read) != "DESTROYING" || b.Valid(accessKey, secret) != test.works {
			t.Errorf("%s: got %s", name, read.Body)
		}
		for line, want := range map[string]int{putOne: test.put, del: test.del} {
			if got := b.call(line); got.Status != want {
				t.Errorf("%s: %s: got %d %s", name, line, got.Status, got.Body)
			}
		}
		if live := b.Keys("alice"); len(live) != 0 || b.History()[0].DeletedBy != "alice" {
			t.Errorf("%s: got %+v", name, b.History())
		}
		b.clock.Pass(test.options.Destroying)
		b.call(get).Expect(t, 404, "err-not-found")
		b.call(del).Expect(t, 404, "err-not-found")
		if b.Valid(accessKey, secret) {
			t.Errorf("%s: the pair works without its key", name)
		}
		if got := b.call(putOne); got.Status != test.later {
			t.Errorf("%s: got %d %s", name, got.Status, got.Body)
		}
	}
}
