// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"testing"
	"time"
)

func TestANewKeyIsProvisionedFirst(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		again   any // the status after an update or a renewal
	}{
		"once":                           {Options{Provisioning: 10 * time.Second}, "AVAILABLE"},
		"and again when it is changed":   {Options{Provisioning: 10 * time.Second, ChangesProvision: true}, "PROVISIONING"},
		"but not with no delay":          {Options{}, "AVAILABLE"},
		"nor again where there is no it": {Options{ChangesProvision: true}, "AVAILABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(test.options)
			made := b.call("PUT /accesskeys/" + one + " " + described)
			accessKey, secret := made.pair()
			if slow := test.options.Provisioning > 0; (made.metadata("status") == "PROVISIONING") != slow || b.Valid(accessKey, secret) == slow {
				t.Errorf("got %s", made.body)
			}
			b.after(10 * time.Second)
			if read := b.call("GET /accesskeys/" + one); read.metadata("status") != "AVAILABLE" || !b.Valid(accessKey, secret) {
				t.Errorf("got %s", read.body)
			}
			for _, line := range []string{"PUT /accesskeys/" + one + " " + described, "PUT /accesskeys/" + one + "/renew"} {
				if changed := b.call(line); changed.metadata("status") != test.again {
					t.Errorf("%s: got %s", line, changed.body)
				}
			}
		})
	}
}

func TestAKeyThatIsProvisionedMayRefuseARenewal(t *testing.T) {
	b := newBed(Options{Provisioning: 10 * time.Second, RenewEarlyStatus: 409})
	b.make(t, one)
	b.call("PUT /accesskeys/"+one+"/renew").expect(t, 409, "err-state")
	b.after(10 * time.Second)
	b.call("PUT /accesskeys/"+one+"/renew").expect(t, 200, "")
}

func TestANewKeyIsNotFoundForAWhile(t *testing.T) {
	b := newBed(Options{Unseen: 10 * time.Second})
	accessKey, secret := b.make(t, one)
	lines := []string{"GET /accesskeys/" + one, "PUT /accesskeys/" + one + "/renew", "DELETE /accesskeys/" + one}
	for _, line := range lines {
		b.call(line).expect(t, 404, "err-not-found")
	}
	if listed := b.call("GET /accesskeys").items(); len(listed) != 0 || !b.Valid(accessKey, secret) {
		t.Errorf("got %v", listed)
	}
	b.call("PUT /accesskeys/"+one+" "+described).expect(t, 200, "")
	b.after(10 * time.Second)
	for i, status := range []int{200, 200, 202} {
		b.call(lines[i]).expect(t, status, "")
	}
}

func TestADeletionIsAcceptedFirstAndDoneLater(t *testing.T) {
	for name, test := range map[string]struct {
		options        Options
		put, del, then int // answers while it is destroyed, and the PUT when it is gone
		works          bool
	}{
		"as documented":                    {Options{}, 409, 202, 201, false},
		"and PUT goes through":             {Options{DestroyingStatus: 200}, 200, 202, 201, false},
		"and cannot be repeated":           {Options{DestroyAgainStatus: 404}, 409, 404, 201, false},
		"and the pair works until the end": {Options{DestroyingWorks: true}, 409, 202, 201, true},
		"and its ID is not free again":     {Options{DestroyedTaken: true}, 409, 202, 409, false},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Destroying = 10 * time.Second
			b := newBed(test.options)
			accessKey, secret := b.make(t, one)
			b.call("DELETE /accesskeys/"+one).expect(t, 202, "")
			if read := b.call("GET /accesskeys/" + one); read.metadata("status") != "DESTROYING" || b.Valid(accessKey, secret) != test.works {
				t.Errorf("got %s", read.body)
			}
			for line, status := range map[string]int{
				"PUT /accesskeys/" + one + " " + described: test.put, "DELETE /accesskeys/" + one: test.del,
			} {
				if got := b.call(line); got.status != status {
					t.Errorf("%s: got %d %s", line, got.status, got.body)
				}
			}
			if live := b.Keys("alice"); len(live) != 0 || b.History()[0].DeletedBy != "alice" {
				t.Errorf("got %+v", b.History())
			}
			b.after(10 * time.Second)
			b.call("GET /accesskeys/"+one).expect(t, 404, "err-not-found")
			b.call("DELETE /accesskeys/"+one).expect(t, 404, "err-not-found")
			if b.Valid(accessKey, secret) {
				t.Error("the pair outlives its key")
			}
			if got := b.call("PUT /accesskeys/" + one + " " + described); got.status != test.then {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
}

func TestWithoutADelayADeletionIsDoneAtOnce(t *testing.T) {
	b := newBed(Options{})
	b.make(t, one)
	if got := b.call("DELETE /accesskeys/" + one); got.status != 202 || got.body != "" {
		t.Errorf("got %d %q", got.status, got.body)
	}
	b.call("GET /accesskeys/"+one).expect(t, 404, "err-not-found")
}

func TestTooManyRequestsInASecondAreThrottled(t *testing.T) {
	b := newBed(Options{RatePerSecond: 2})
	for _, status := range []int{200, 200, 429} {
		if got := b.call("GET /accesskeys"); got.status != status || (got.header.Get("Retry-After") == "1") != (status == 429) {
			t.Errorf("got %d %v", got.status, got.header)
		}
	}
	b.after(time.Second)
	b.call("GET /accesskeys").expect(t, 200, "")
}
