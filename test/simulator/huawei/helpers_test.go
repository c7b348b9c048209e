// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

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
