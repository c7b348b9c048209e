// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package simtest contains helpers for the tests of the simulators. It calls their handlers directly, without a network.
package simtest

import (
	"encoding/json"
	"encoding/xml"
	"html"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

// Start is the time at which a test's clock starts. It has milliseconds, to show how a service formats them.
var Start = time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)

// Clock is a fake clock.
type Clock struct{ *clocktesting.FakePassiveClock }

// NewClock returns a clock that shows Start.
func NewClock() Clock { return Clock{clocktesting.NewFakePassiveClock(Start)} }

// Pass advances the clock by d.
func (c Clock) Pass(d time.Duration) { c.SetTime(c.Now().Add(d)) }

// Request parses a line with a method, a path and an optional body, such as `PUT /keys/1 {"status":"active"}`.
func Request(line string) *http.Request {
	parts := strings.SplitN(line+"  ", " ", 3)
	return httptest.NewRequest(parts[0], parts[1], strings.NewReader(strings.TrimRight(parts[2], " ")))
}

// Reply is the response of a simulator.
type Reply struct {
	Status int
	Header http.Header
	Body   string

	body any
}

// Send sends a request to a simulator.
func Send(handler http.Handler, request *http.Request) Reply {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	reply := Reply{Status: recorder.Code, Header: recorder.Header(), Body: recorder.Body.String()}
	if json.Unmarshal(recorder.Body.Bytes(), &reply.body) != nil {
		reply.body = readXML(recorder.Body.Bytes()) // At returns nil for other bodies
	}
	return reply
}

// readXML returns an XML document in the form of decoded JSON, or nil. The name of the root and namespaces are left out. An element with
// the name member or entry is an item of an array, and one with a text only is a string.
func readXML(document []byte) any {
	var root element
	if xml.Unmarshal(document, &root) != nil {
		return nil
	}
	return root.value()
}

type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

func (e element) value() any {
	if len(e.Children) == 0 {
		return e.Text
	}
	var items []any
	object := map[string]any{}
	for _, child := range e.Children {
		if name := child.XMLName.Local; name == "member" || name == "entry" {
			items = append(items, child.value())
		} else {
			object[name] = child.value()
		}
	}
	if items != nil {
		return items
	}
	return object
}

// At returns the value at a path of the JSON or XML body, such as "error.code" or "items.0.id", or nil. An empty path is the body.
func (r Reply) At(path string) any {
	value := r.body
	if path == "" {
		return value
	}
	for name := range strings.SplitSeq(path, ".") {
		switch container := value.(type) {
		case map[string]any:
			value = container[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(container) {
				return nil
			}
			value = container[i]
		default:
			return nil
		}
	}
	return value
}

// Text returns the string at a path of the body. It returns an empty string if there is none.
func (r Reply) Text(path string) string {
	text, _ := r.At(path).(string)
	return text
}

// List returns the array at a path of the body.
func (r Reply) List(path string) []any {
	list, _ := r.At(path).([]any)
	return list
}

// Has reports whether the object at a path has a member with this name, even if its value is null.
func (r Reply) Has(path, name string) bool {
	object, _ := r.At(path).(map[string]any)
	_, has := object[name]
	return has
}

// errorCodes are the paths at which Huawei, Qumulo, ONTAP, IONOS and the two shapes of AWS report the code of an error.
var errorCodes = []string{"error_code", "error_class", "error.code", "messages.0.errorCode", "Error.Code", "Code"}

// Expect fails the test unless the reply has this status and error code, and contains these words, escaped for XML or not. The
// code is empty for a success.
func (r Reply) Expect(t *testing.T, status int, code string, words ...string) {
	t.Helper()
	got := ""
	for _, path := range errorCodes {
		got += r.Text(path)
	}
	if r.Status != status || got != code {
		t.Errorf("got status %d and body %s, want status %d and code %q", r.Status, r.Body, status, code)
	}
	for _, word := range words {
		if !strings.Contains(r.Body, word) && !strings.Contains(html.UnescapeString(r.Body), word) {
			t.Errorf("got %s, want a body that contains %q", r.Body, word)
		}
	}
}
