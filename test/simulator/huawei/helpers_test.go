// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)

type bed struct {
	*Simulator

	clock *clocktesting.FakePassiveClock
	alice string
}

func newBed(options Options) *bed {
	clock := clocktesting.NewFakePassiveClock(start)
	options.Clock = clock
	b := &bed{Simulator: New(options), clock: clock}
	b.alice = b.AddUser("alice")
	return b
}

func (b *bed) pass(d time.Duration) { b.clock.SetTime(b.clock.Now().Add(d)) }

type reply struct {
	status int
	header http.Header
	body   string
	fields map[string]any
}

// call sends a request signed with the operator's key; a method may be followed by a path and a body: "PUT /v5/… {}".
// "alice" in the path stands for her ID.
func (b *bed) call(line string) reply {
	return b.send(b.request(line), b.options.AccessKeyID, b.options.SecretAccessKey, "host;x-domain-id;x-sdk-date")
}

func (b *bed) request(line string) *http.Request {
	parts := strings.SplitN(line+"  ", " ", 3)
	path := strings.ReplaceAll(parts[1], "/alice/", "/"+b.alice+"/")
	request := httptest.NewRequest(parts[0], path, strings.NewReader(strings.TrimRight(parts[2], " ")))
	request.Header.Set("X-Domain-Id", b.options.DomainID)
	request.Header.Set("X-Sdk-Date", b.clock.Now().UTC().Format(dateFormat))
	request.Header.Set("User-Agent", "test")
	return request
}

// send signs the request over these headers, and sends it.
func (b *bed) send(request *http.Request, accessKeyID, secret, signed string) reply {
	body, _ := io.ReadAll(request.Body)
	request.Body = io.NopCloser(bytes.NewReader(body))
	signature := sign(secret, request, strings.Split(signed, ";"), body)
	request.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+accessKeyID+", SignedHeaders="+signed+", Signature="+signature)
	return b.serve(request)
}

func (b *bed) serve(request *http.Request) reply {
	recorder := httptest.NewRecorder()
	b.ServeHTTP(recorder, request)
	result := reply{status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
	_ = json.Unmarshal(recorder.Body.Bytes(), &result.fields)
	return result
}

func (r reply) expect(t *testing.T, status int, code string, words ...string) {
	t.Helper()
	got, _ := r.fields["error_code"].(string)
	if r.status != status || got != code {
		t.Errorf("got %d %s, want %d with code %q", r.status, r.body, status, code)
	}
	for _, word := range words {
		if !strings.Contains(r.body, word) {
			t.Errorf("got %s, want %q in it", r.body, word)
		}
	}
}

// key is the access_key of an answer.
func (r reply) key() map[string]any {
	key, _ := r.fields["access_key"].(map[string]any)
	return key
}

const aliceKeys = "/v5/users/alice/access-keys"
