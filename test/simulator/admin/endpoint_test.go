// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// bed is an endpoint of two simulators that know one route each.
type bed struct {
	Client

	endpoint *Endpoint
	cores    map[string]*simulator.Core
	servers  map[string]*httptest.Server
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{endpoint: &Endpoint{Clock: &Clock{}}, cores: map[string]*simulator.Core{}, servers: map[string]*httptest.Server{}}
	for _, name := range []string{"a", "b"} {
		core := simulator.NewCore(b.endpoint.Clock)
		core.Handle("POST /keys/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "handled by "+name) })
		b.cores[name], b.servers[name] = core, httptest.NewServer(core)
		t.Cleanup(b.servers[name].Close)
		b.endpoint.Services = append(b.endpoint.Services, Service{
			Name: name, Core: core, Valid: core.Valid,
			MakeKey: func(user string) (simulator.Pair, string, error) {
				if user == "" {
					return simulator.Pair{}, "", errors.New("there is no user without a name")
				}
				return core.Record(simulator.Pair{ID: name + "1", AccessKeyID: "A" + name, Owner: user, CreatedBy: simulator.Person}, "s-"+name), "s-" + name, nil
			},
			RemoveKey: func(id string) bool { return core.End(id, simulator.Person) },
		})
	}
	server := httptest.NewServer(b.endpoint.Handler())
	t.Cleanup(server.Close)
	b.URL = server.URL
	return b
}

// ask sends a request as curl does, and returns the status and the answer without line breaks and indents.
func (b *bed) ask(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, b.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // a test's request
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.Join(strings.Fields(string(text)), " ")
}

// reply to a request, as ask returns it.
type reply struct {
	status int
	text   string
}

// expect asks, and compares the answer.
func (b *bed) expect(t *testing.T, method, path, body string, want reply) {
	t.Helper()
	if status, text := b.ask(t, method, path, body); status != want.status || text != want.text {
		t.Errorf("%s %s %s: got %d %s, want %d %s", method, path, body, status, text, want.status, want.text)
	}
}

// call calls a simulator, and returns the status, 0 for no answer, and the body.
func (b *bed) call(t *testing.T, name string) (int, string) {
	t.Helper()
	client := http.Client{Timeout: 200 * time.Millisecond}
	response, err := client.Post(b.servers[name].URL+"/keys/", "", nil)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close() //nolint:errcheck // a test's request
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

func TestKeysAreToldWithoutTheirSecrets(t *testing.T) {
	b := newBed(t)
	b.expect(t, "GET", "/keys", "", reply{200, "[]"})
	b.cores["b"].Record(simulator.Pair{ID: "1", AccessKeyID: "B", Owner: "o", CreatedBy: "admin"}, "SECRET")
	b.cores["a"].Record(simulator.Pair{ID: "2", AccessKeyID: "A", Owner: "o", CreatedBy: simulator.Person}, "SECRET")
	b.cores["a"].End("2", "admin")
	if _, text := b.ask(t, "GET", "/keys", ""); strings.Contains(text, "SECRET") || strings.Count(text, "deletedAt") != 1 {
		t.Error(text)
	}
	keys, err := b.Keys(t.Context())
	if err != nil || len(keys) != 2 || keys[0].Service != "a" || keys[0].Live() || keys[0].DeletedBy != "admin" ||
		keys[1].Service != "b" || !keys[1].Live() || keys[1].AccessKeyID != "B" || keys[1].CreatedBy != "admin" {
		t.Errorf("got %+v, %v", keys, err)
	}
}

func TestAPersonMakesAKeyThatWorksUntilTheyDeleteIt(t *testing.T) {
	b := newBed(t)
	status, text := b.ask(t, "POST", "/keys", `{"service":"b","user":"bob"}`)
	var made MadeKey
	if err := json.Unmarshal([]byte(text), &made); err != nil || status != 200 || made.Owner != "bob" || made.CreatedBy != simulator.Person {
		t.Fatalf("got %d %s, %v", status, text, err)
	}
	valid := func(want bool) {
		t.Helper()
		if got, err := b.Valid(t.Context(), made.AccessKeyID, made.SecretAccessKey); err != nil || got != want {
			t.Errorf("got %t, %v", got, err)
		}
	}
	valid(true)
	b.expect(t, "POST", "/valid", `{"accessKeyID":"Ab","secretAccessKey":"s-b"}`, reply{200, `{ "valid": true, "service": "b" }`})
	b.expect(t, "POST", "/valid", `{"accessKeyID":"Ab","secretAccessKey":"s-a"}`, reply{200, `{ "valid": false }`})
	b.expect(t, "DELETE", "/keys", `{"service":"a","id":"b1"}`, reply{400, `{ "error": "a has no key with the ID \"b1\"" }`})
	valid(true)
	b.expect(t, "DELETE", "/keys", `{"service":"b","id":"b1"}`, reply{204, ""})
	valid(false)
}

func TestCallsAreCountedByServiceAndRoute(t *testing.T) {
	b := newBed(t)
	b.call(t, "b")
	b.call(t, "b")
	b.expect(t, "GET", "/calls", "", reply{200, `{ "a": {}, "b": { "POST /keys/": 2 } }`})
	b.expect(t, "DELETE", "/calls", "", reply{204, ""})
	b.expect(t, "GET", "/calls", "", reply{200, `{ "a": {}, "b": {} }`})
}

func TestOneClockIsMovedForAll(t *testing.T) {
	b := newBed(t)
	if status, text := b.ask(t, "POST", "/clock", `{"advance":"24h"}`); status != 200 || !strings.HasPrefix(text, `{ "now": "`) {
		t.Fatalf("got %d %s", status, text)
	}
	for _, core := range b.cores {
		if ahead := time.Until(core.Now()); ahead < 24*time.Hour-time.Minute || ahead > 24*time.Hour {
			t.Errorf("ahead by %s", ahead)
		}
	}
	if since := b.endpoint.Clock.Since(time.Now()); since < 23*time.Hour {
		t.Errorf("since now: %s", since)
	}
	b.expect(t, "POST", "/clock", `{"advance":"-1s"}`, reply{400, `{ "error": "the clock only goes forward" }`})
	b.expect(t, "POST", "/clock", `{}`, reply{400, `{ "error": "time: invalid duration \"\"" }`})
}

func TestAFaultIsInjectedAndLifted(t *testing.T) {
	b := newBed(t)
	expect := func(name string, want int) {
		t.Helper()
		if got, _ := b.call(t, name); got != want {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
	b.expect(t, "POST", "/faults", `{"service":"a","method":"POST","path":"/keys","effect":"answer","parameter":"503"}`,
		reply{200, `{ "service": "a", "method": "POST", "path": "/keys", "effect": "answer", "parameter": "503" }`})
	expect("a", 503)
	expect("a", 503)
	expect("b", 200)
	b.expect(t, "DELETE", "/faults", `{"service":"b"}`, reply{204, ""})
	expect("a", 503)
	b.expect(t, "DELETE", "/faults", "", reply{204, ""})
	expect("a", 200)
	b.ask(t, "POST", "/faults", `{"times":1,"effect":"throttle"}`)
	for name := range b.cores {
		expect(name, 429)
		expect(name, 200)
	}
	b.ask(t, "POST", "/faults", `{"method":"GET","effect":"throttle"}`)
	b.ask(t, "POST", "/faults", `{"path":"/other","effect":"throttle"}`)
	b.ask(t, "POST", "/faults", `{"query":"user=","effect":"throttle"}`)
	expect("a", 200)
}

func TestEachEffectHasItsName(t *testing.T) {
	for name, want := range map[string]struct {
		parameter string
		status    int
		body      string
	}{
		"refuse":      {},
		"drop":        {},
		"drop-answer": {},
		"hang":        {},
		"hang-answer": {},
		"cut-answer":  {status: 200, body: "handle"},
		"delay":       {"1ms", 200, "handled by a"},
		"throttle":    {"7", 429, ""},
		"answer":      {"404", 404, ""},
		"garbage":     {"not what was asked for", 200, "not what was asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			fault, _ := json.Marshal(Fault{Service: "a", Effect: name, Parameter: want.parameter})
			if status, text := b.ask(t, "POST", "/faults", string(fault)); status != 200 {
				t.Fatal(text)
			}
			if status, body := b.call(t, "a"); status != want.status || body != want.body {
				t.Errorf("got %d %q", status, body)
			}
		})
	}
	if len(effects) != 10 {
		t.Errorf("of %d effects 10 are tried", len(effects))
	}
}

func TestARequestThatCanNotBeMeantIsRefused(t *testing.T) {
	b := newBed(t)
	for _, test := range [][4]string{
		{"POST", "/faults", `{"effect":"explode"}`, "there is no effect \"explode\"; there are answer, cut-answer, delay, drop, drop-answer, garbage, hang, hang-answer, refuse, throttle"},
		{"POST", "/faults", `{"service":"c","effect":"drop"}`, "there is no service \"c\""},
		{"POST", "/faults", `{"efect":"drop"}`, "json: unknown field \"efect\""},
		{"POST", "/faults", `{"effect":"drop","parameter":"1"}`, "this effect takes no parameter, not \"1\""},
		{"POST", "/faults", `{"effect":"answer","parameter":"99"}`, "the parameter is an HTTP status from 200 to 599, not \"99\""},
		{"POST", "/faults", `{"effect":"delay"}`, "time: invalid duration \"\""},
		{"DELETE", "/faults", `{"service":"c"}`, "there is no service \"c\""},
		{"POST", "/keys", `{"service":"c","user":"bob"}`, "there is no service \"c\""},
		{"POST", "/keys", `{"service":"a"}`, "there is no user without a name"},
		{"DELETE", "/keys", `{"service":"c","id":"1"}`, "there is no service \"c\""},
	} {
		status, text := b.ask(t, test[0], test[1], test[2])
		var refused failure
		if err := json.Unmarshal([]byte(text), &refused); err != nil || status != 400 || refused.Error != test[3] {
			t.Errorf("%s %s %s: got %d %s", test[0], test[1], test[2], status, text)
		}
	}
	if status, _ := b.call(t, "a"); status != 200 {
		t.Error("a fault that was refused is in effect")
	}
}
