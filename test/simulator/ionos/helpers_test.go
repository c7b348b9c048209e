// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

const (
	one = "11111111-1111-5111-8111-111111111111"
	two = "22222222-2222-5222-8222-222222222222"

	described = `{"properties":{"description":"d"}}`
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)

// bed is a service with users alice and bob.
type bed struct {
	*Simulator

	clock      *clocktesting.FakePassiveClock
	alice, bob string // tokens
}

func newBed(options Options) *bed {
	clock := clocktesting.NewFakePassiveClock(start)
	options.Clock = clock
	b := &bed{Simulator: New(options), clock: clock}
	b.alice, b.bob = b.AddUser("alice"), b.AddUser("bob")
	return b
}

// after moves the clock to this time after the start.
func (b *bed) after(d time.Duration) { b.clock.SetTime(start.Add(d)) }

type result struct {
	status int
	header http.Header
	body   string
	fields map[string]any
}

// call sends a request as alice: a method, a path and perhaps a body, "PUT /accesskeys/… {}".
func (b *bed) call(line string) result { return b.callAs("Bearer "+b.alice, line) }

func (b *bed) callAs(authorization, line string) result {
	parts := strings.SplitN(line+"  ", " ", 3)
	body := strings.TrimRight(parts[2], " ")
	request := httptest.NewRequest(parts[0], parts[1], strings.NewReader(body))
	request.Header.Set("Authorization", authorization)
	if body != "" {
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return b.send(request)
}

func (b *bed) send(request *http.Request) result {
	recorder := httptest.NewRecorder()
	b.ServeHTTP(recorder, request)
	answered := result{status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
	_ = json.Unmarshal(recorder.Body.Bytes(), &answered.fields)
	return answered
}

// code is the errorCode of the first message.
func (r result) code() string {
	messages, _ := r.fields["messages"].([]any)
	if len(messages) == 0 {
		return ""
	}
	code, _ := messages[0].(map[string]any)["errorCode"].(string)
	return code
}

func (r result) property(name string) any {
	properties, _ := r.fields["properties"].(map[string]any)
	return properties[name]
}

func (r result) metadata(name string) any {
	metadata, _ := r.fields["metadata"].(map[string]any)
	return metadata[name]
}

// pair of the answer.
func (r result) pair() (accessKey, secret string) {
	accessKey, _ = r.property("accessKey").(string)
	secret, _ = r.property("secretKey").(string)
	return accessKey, secret
}

func (r result) items() []map[string]any {
	var items []map[string]any
	listed, _ := r.fields["items"].([]any)
	for _, item := range listed {
		items = append(items, item.(map[string]any))
	}
	return items
}

func (r result) expect(t *testing.T, status int, code string) {
	t.Helper()
	if r.status != status || r.code() != code {
		t.Errorf("got %d %s, want %d with code %q", r.status, r.body, status, code)
	}
	if r.status >= 400 && r.fields["httpStatus"] != float64(status) {
		t.Errorf("httpStatus %v in %s", r.fields["httpStatus"], r.body)
	}
}

// make makes a key with this ID.
func (b *bed) make(t *testing.T, id string) (accessKey, secret string) {
	t.Helper()
	made := b.call("PUT /accesskeys/" + id + " " + described)
	made.expect(t, 201, "")
	return made.pair()
}
