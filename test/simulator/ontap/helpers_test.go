// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/test/simulator"
)

const users = "/api/protocols/s3/services/" + DefaultSVMUUID + "/users"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type bed struct {
	*Simulator

	clock *clocktesting.FakePassiveClock
}

func newBed(options Options) *bed {
	clock := clocktesting.NewFakePassiveClock(start)
	options.Clock = clock
	return &bed{Simulator: New(options), clock: clock}
}

type reply struct {
	status   int
	body     string
	location string
	fields   map[string]any
}

// call sends a request as the account: a method, a path, in which USERS stands for the collection, and perhaps a body.
func (b *bed) call(line string) reply { return b.callAs(DefaultUsername, DefaultPassword, line) }

func (b *bed) callAs(username, password, line string) reply {
	parts := strings.SplitN(strings.Replace(line, "USERS", users, 1)+"  ", " ", 3)
	request := httptest.NewRequest(parts[0], parts[1], strings.NewReader(strings.TrimRight(parts[2], " ")))
	if username != "" {
		request.SetBasicAuth(username, password)
	}
	recorder := httptest.NewRecorder()
	b.ServeHTTP(recorder, request)
	result := reply{status: recorder.Code, body: recorder.Body.String(), location: recorder.Header().Get("Location")}
	_ = json.Unmarshal(recorder.Body.Bytes(), &result.fields)
	return result
}

// record is the one record of an answer.
func (r reply) record(t *testing.T) map[string]any {
	t.Helper()
	records, _ := r.fields["records"].([]any)
	if len(records) != 1 || r.fields["num_records"] != 1.0 {
		t.Fatalf("not one record: %d %s", r.status, r.body)
	}
	return records[0].(map[string]any)
}

// pair is the key that the answer shows.
func (r reply) pair(t *testing.T) (accessKey, secret string) {
	t.Helper()
	record := r.record(t)
	accessKey, _ = record["access_key"].(string)
	secret, _ = record["secret_key"].(string)
	return accessKey, secret
}

func (r reply) expect(t *testing.T, status int, code string) {
	t.Helper()
	problem, _ := r.fields["error"].(map[string]any)
	got, _ := problem["code"].(string)
	if r.status != status || got != code {
		t.Errorf("got %d %s, want %d with code %q", r.status, r.body, status, code)
	}
}

// add makes a user by hand.
func (b *bed) add(t *testing.T, name string) simulator.Pair {
	t.Helper()
	pair, secret, err := b.AddUser(name, "by hand")
	if err != nil || !b.Valid(pair.AccessKeyID, secret) || pair.CreatedBy != simulator.Person {
		t.Fatalf("got %+v, %v", pair, err)
	}
	return pair
}

// works fails the test unless the pair of the answer is let in, or not.
func (b *bed) works(t *testing.T, r reply, want bool) {
	t.Helper()
	if accessKey, secret := r.pair(t); b.Valid(accessKey, secret) != want {
		t.Errorf("key %s works: %t", accessKey, !want)
	}
}

func names(r reply) string {
	var all []string
	records, _ := r.fields["records"].([]any)
	for _, record := range records {
		name, _ := record.(map[string]any)["name"].(string)
		all = append(all, name)
	}
	return strings.Join(all, " ")
}
