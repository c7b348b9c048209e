// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/simtest"
)

// bed is an endpoint of the simulators a and b, which have a single route.
type bed struct {
	Client

	endpoint *Endpoint
	cores    map[string]*simulator.Core
	servers  map[string]*httptest.Server
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{endpoint: &Endpoint{}, cores: map[string]*simulator.Core{}, servers: map[string]*httptest.Server{}}
	for _, name := range []string{"a", "b"} {
		core := simulator.NewCore(nil)
		core.Handle("POST /keys/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "handled by "+name) })
		b.cores[name], b.servers[name] = core, httptest.NewServer(core)
		t.Cleanup(b.servers[name].Close)
		b.endpoint.Services = append(b.endpoint.Services, Service{
			Name: name, Core: core, Valid: core.Valid,
			MakeKey: func(user string) (simulator.Pair, string, error) {
				if user == "" {
					return simulator.Pair{}, "", errors.New("a user without a name")
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

// ask sends a request to the endpoint. See simtest.Request for the format of the line.
func (b *bed) ask(line string) simtest.Reply {
	return simtest.Send(b.endpoint.Handler(), simtest.Request(line))
}

// expect sends a request and compares the response, ignoring white space.
func (b *bed) expect(t *testing.T, line string, status int, body string) {
	t.Helper()
	if got := b.ask(line); got.Status != status || strings.Join(strings.Fields(got.Body), " ") != body {
		t.Errorf("%s: got %d %s, want %d %s", line, got.Status, got.Body, status, body)
	}
}

// call calls a simulator and returns the status and the body. The status is 0 if there is no response.
func (b *bed) call(name string) (int, string) {
	client := http.Client{Timeout: 200 * time.Millisecond}
	response, err := client.Post(b.servers[name].URL+"/keys/", "", nil)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close() //nolint:errcheck // the body was read
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

// expectStatus calls a simulator and checks the status.
func (b *bed) expectStatus(t *testing.T, name string, want int) {
	t.Helper()
	if got, _ := b.call(name); got != want {
		t.Errorf("%s: got %d, want %d", name, got, want)
	}
}

func TestKeysAreListed(t *testing.T) {
	b := newBed(t)
	b.expect(t, "GET /keys", 200, "[]")
	b.expect(t, "GET /keys/live", 200, "[]")
	b.cores["b"].Record(simulator.Pair{ID: "1", AccessKeyID: "B", Owner: "o", CreatedBy: "admin"}, "s")
	b.cores["a"].Record(simulator.Pair{ID: "2", AccessKeyID: "A", Owner: "o", CreatedBy: simulator.Person}, "s")
	b.cores["a"].End("2", "admin")
	keys, err := b.Keys(t.Context())
	if err != nil || len(keys) != 2 || keys[0].Service != "a" || keys[0].Live() || keys[0].DeletedBy != "admin" ||
		keys[1].Service != "b" || !keys[1].Live() || keys[1].AccessKeyID != "B" || keys[1].CreatedBy != "admin" {
		t.Errorf("got %+v, %v", keys, err)
	}
	if live := b.ask("GET /keys/live").Body; !strings.Contains(live, `"accessKeyID": "B"`) || strings.Contains(live, `"accessKeyID": "A"`) {
		t.Errorf("the live keys are %s", live)
	}
}

func TestKeyIsCreatedAndDeletedByHand(t *testing.T) {
	b := newBed(t)
	made := b.ask(`POST /keys {"service":"b","user":"bob"}`)
	if made.Status != 200 || made.At("owner") != "bob" || made.At("createdBy") != simulator.Person || made.At("secretAccessKey") != "s-b" {
		t.Fatalf("got %d %s", made.Status, made.Body)
	}
	const valid = `POST /valid {"accessKeyID":"Ab","secretAccessKey":"s-b"}`
	b.expect(t, `POST /valid {"accessKeyID":"Ab","secretAccessKey":"s-a"}`, 200, `{ "valid": false }`)
	b.expect(t, `DELETE /keys {"service":"a","id":"b1"}`, 400, `{ "error": "a has no key with the ID \"b1\"" }`)
	b.expect(t, valid, 200, `{ "valid": true, "service": "b" }`)
	b.expect(t, `DELETE /keys {"service":"b","id":"b1"}`, 204, "")
	b.expect(t, valid, 200, `{ "valid": false }`)
}

func TestAKeyIsUsedAndDisabledByHand(t *testing.T) {
	b := newBed(t)
	b.ask(`POST /keys {"service":"b","user":"bob"}`)
	active, used := true, 0
	b.endpoint.Services[1].SetActive = func(id string, on bool) { active = on && id == "b1" }
	b.endpoint.Services[1].Use = func(id, secret string) bool { used++; return active && b.cores["b"].Valid(id, secret) }
	const use = `POST /use {"accessKeyID":"Ab","secretAccessKey":"s-b"}`
	b.expect(t, use, 200, `{ "valid": true, "service": "b" }`)
	b.expect(t, `PATCH /keys {"service":"b","id":"b1","active":false}`, 204, "")
	b.expect(t, use, 200, `{ "valid": false }`)
	b.expect(t, `PATCH /keys {"service":"b","id":"b1","active":true}`, 204, "")
	b.expect(t, use, 200, `{ "valid": true, "service": "b" }`)
	b.expect(t, `PATCH /keys {"service":"a","id":"a1","active":true}`, 400, `{ "error": "a cannot disable keys" }`)
	if used != 3 {
		t.Errorf("used %d times", used)
	}
}

func TestCallsAreCountedByServiceAndRoute(t *testing.T) {
	b := newBed(t)
	b.call("b")
	b.call("b")
	b.expect(t, "GET /calls", 200, `{ "a": {}, "b": { "POST /keys/": 2 } }`)
	b.expect(t, "DELETE /calls", 204, "")
	b.expect(t, "GET /calls", 200, `{ "a": {}, "b": {} }`)
}

func TestFaultsAreInjectedAndLifted(t *testing.T) {
	b := newBed(t)
	b.expect(t, `POST /faults {"service":"a","method":"POST","path":"/keys","effect":"answer","parameter":"503"}`,
		200, `{ "service": "a", "method": "POST", "path": "/keys", "effect": "answer", "parameter": "503" }`)
	b.expectStatus(t, "a", 503)
	b.expectStatus(t, "b", 200)
	b.expect(t, `DELETE /faults {"service":"b"}`, 204, "")
	b.expectStatus(t, "a", 503)
	b.expect(t, "DELETE /faults", 204, "")
	b.expectStatus(t, "a", 200)
	b.ask(`POST /faults {"times":1,"effect":"throttle"}`)
	for name := range b.cores {
		b.expectStatus(t, name, 429)
		b.expectStatus(t, name, 200)
	}
	b.ask(`POST /faults {"method":"GET","effect":"throttle"}`)
	b.ask(`POST /faults {"path":"/other","effect":"throttle"}`)
	b.ask(`POST /faults {"query":"user=","effect":"throttle"}`)
	b.expectStatus(t, "a", 200)
}

func TestEffectsByName(t *testing.T) {
	tests := map[string]struct{ parameter, response string }{
		"refuse": {"", "0 "}, "drop": {"", "0 "}, "drop-answer": {"", "0 "}, "hang": {"", "0 "}, "hang-answer": {"", "0 "},
		"cut-answer": {"", "200 handle"},
		"delay":      {"1ms", "200 handled by a"},
		"throttle":   {"7", "429 "},
		"answer":     {"404", "404 "},
		"garbage":    {"not what was asked for", "200 not what was asked for"},
	}
	for name := range effects {
		b := newBed(t)
		want, known := tests[name]
		if err := b.Inject(t.Context(), Fault{Service: "a", Effect: name, Parameter: want.parameter}); err != nil || !known {
			t.Fatalf("%s in the table: %t, %v", name, known, err)
		}
		if status, body := b.call("a"); fmt.Sprintf("%d %s", status, body) != want.response {
			t.Errorf("%s: got %d %q", name, status, body)
		}
	}
}

func TestInvalidRequestsAreRejected(t *testing.T) {
	b := newBed(t)
	for line, want := range map[string]string{
		`POST /faults {"effect":"explode"}`: "unknown effect \"explode\": use one of " +
			"answer, cut-answer, delay, drop, drop-answer, garbage, hang, hang-answer, refuse, throttle",
		`POST /faults {"service":"c","effect":"drop"}`:      "unknown service \"c\"",
		`POST /faults {"efect":"drop"}`:                     "json: unknown field \"efect\"",
		`POST /faults {"effect":"drop","parameter":"1"}`:    "this effect has no parameter: remove \"1\"",
		`POST /faults {"effect":"answer","parameter":"99"}`: "the parameter \"99\" is not an HTTP status from 200 to 599",
		`POST /faults {"effect":"delay"}`:                   "time: invalid duration \"\"",
		`DELETE /faults {"service":"c"}`:                    "unknown service \"c\"",
		`POST /keys {"service":"c","user":"bob"}`:           "unknown service \"c\"",
		`POST /keys {"service":"a"}`:                        "a user without a name",
		`DELETE /keys {"service":"c","id":"1"}`:             "unknown service \"c\"",
	} {
		if got := b.ask(line); got.Status != 400 || got.At("error") != want {
			t.Errorf("%s: got %d %s", line, got.Status, got.Body)
		}
	}
	b.expectStatus(t, "a", 200) // no rejected fault is active
}
