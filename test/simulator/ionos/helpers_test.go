// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"testing"

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
