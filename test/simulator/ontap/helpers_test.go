// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"strings"
	"testing"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/simtest"
)

const users = "/api/protocols/s3/services/" + DefaultSVMUUID + "/users"

// bed is a cluster on a fake clock.
type bed struct {
	*Simulator

	clock simtest.Clock
}

func newBed(options Options) *bed {
	clock := simtest.NewClock()
	options.Clock = clock
	return &bed{Simulator: New(options), clock: clock}
}

// call sends a request as the account. USERS stands for the path of the users. See simtest.Request for the format of the line.
func (b *bed) call(line string) simtest.Reply {
	return b.callAs(DefaultUsername, DefaultPassword, line)
}

func (b *bed) callAs(username, password, line string) simtest.Reply {
	request := simtest.Request(strings.Replace(line, "USERS", users, 1))
	request.SetBasicAuth(username, password)
	return simtest.Send(b, request)
}

// pair returns the pair that a response shows.
func pair(t *testing.T, r simtest.Reply) (accessKey, secret string) {
	t.Helper()
	if len(r.List("records")) != 1 || r.At("num_records") != 1.0 {
		t.Fatalf("got %d %s, want a single record", r.Status, r.Body)
	}
	return r.Text("records.0.access_key"), r.Text("records.0.secret_key")
}

// add creates a user by hand.
func (b *bed) add(t *testing.T, name string) simulator.Pair {
	t.Helper()
	pair, secret, err := b.AddUser(name, "by hand")
	if err != nil || !b.Valid(pair.AccessKeyID, secret) || pair.CreatedBy != simulator.Person {
		t.Fatalf("got %+v, %v", pair, err)
	}
	return pair
}

// expectWorks fails the test unless the pair that a response shows works, or does not work.
func (b *bed) expectWorks(t *testing.T, r simtest.Reply, want bool) {
	t.Helper()
	if accessKey, secret := pair(t, r); b.Valid(accessKey, secret) != want {
		t.Errorf("key %s works: %t", accessKey, !want)
	}
}

// names returns the names of the users in a list.
func names(r simtest.Reply) []string {
	var all []string
	for i := range r.List("records") {
		all = append(all, r.Text(fmt.Sprint("records.", i, ".name")))
	}
	return all
}
