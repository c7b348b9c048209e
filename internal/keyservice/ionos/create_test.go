// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cloud "accesskey.dev/operator/test/simulator/ionos"
)

func TestTheRequestOfACreate(t *testing.T) {
	b := newBed(t, cloud.Options{})
	var sent string
	b.cloud.Inject(anyCreate.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		sent = fmt.Sprint(r.Method, " ", r.URL, " ", r.Header.Get("Content-Type"), " ", string(body))
		next.ServeHTTP(w, r)
	})
	made := b.create(t, 1)
	want := `PUT /accesskeys/` + made.ID + ` application/json {"id":"` + made.ID + `","metadata":{},"properties":{"description":` +
		`"accesskey-operator ` + owner.UID + ` 433dfa17 AccessKey team-a/backup"}}`
	if sent != want {
		t.Errorf("got %s\nwant %s", sent, want)
	}
}

// badCreates are what can go wrong with the PUT of a new key.
var badCreates = map[string]struct {
	effect simulator.Effect
	kind   keyservice.Kind
	pairs  int // that were made
	lists  int // that were read to find out why, one after each PUT
	text   string
}{
	"carried out, another key's answer": {
		simulator.ReplaceAnswer(`{"id":"11111111-1111-5111-8111-111111111111"}`), keyservice.Ambiguous, 1, 0, "another key",
	},
	"made, but failed": {
		simulator.Answer(201, nil, `{"metadata":{"status":"FAILED","statusMessage":"no\nspace"}}`), keyservice.Ambiguous, 0, 0,
		"left as FAILED: no space",
	},
	"made, but failed without a reason": {
		simulator.Answer(201, nil, `{"metadata":{"status":"FAILED"}}`), keyservice.Ambiguous, 0, 0, "does not say why",
	},
	"unauthorized": {simulator.Answer(401, nil, ""), keyservice.Unauthorized, 0, 0, "put a new one into its Secret"},
	"forbidden":    {simulator.Answer(403, nil, ""), keyservice.Unauthorized, 0, 1, "privilege to use the Object Storage"},
	"without the privilege, in the words of the older API": {
		simulator.Answer(422, nil, `{"messages":[{"message":"part of a group that has ACCESS_S3_OBJECT_STORAGE privilege"}]}`),
		keyservice.Unauthorized, 0, 0, "add the token's user to a group",
	},
	"not found, by another server": {simulator.Answer(404, nil, ""), keyservice.Unavailable, 0, 0, "check that the KeyService's URL"},
	"not found, by the service": {
		simulator.Answer(404, nil, `{"httpStatus":404}`), keyservice.Unavailable, 0, 0, "404 Not Found: no explanation",
	},
	"refused as it is": {
		simulator.Answer(400, nil, `{"httpStatus":400,"messages":[{"errorCode":"err-7","message":"field"},{"message":"more"}]}`),
		keyservice.Invalid, 0, 2, "400 Bad Request: err-7: field; more",
	},
	"taken by another party": {
		simulator.Answer(409, nil, `{"messages":[{"message":"taken"}]}`), keyservice.Invalid, 0, 1, "the UUID is taken by another party",
	},
}

func TestFailuresOfACreate(t *testing.T) {
	for name, test := range badCreates {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cloud.Options{})
			req := keyOf(b.Service, 1)
			b.cloud.Inject(anyCreate, test.effect)
			_, err := b.Create(t.Context(), "", req)
			expectKind(t, err, test.kind, "create key: key "+req.ID+": ", test.text)
			if pairs := len(b.cloud.History()); pairs != test.pairs {
				t.Errorf("%d keys were made", pairs)
			}
			_, again := b.Create(t.Context(), "", req)
			if again == nil || again.Error() != err.Error() {
				t.Errorf("the text changes:\n%v\n%v", err, again)
			}
			b.calls(t, putKey, 2*max(test.lists, 1))
			b.calls(t, putRenew, 0)
			b.calls(t, getKeys, 2*test.lists)
			b.cloud.LiftAll()
			credential, err := b.Create(t.Context(), "", req)
			if err != nil || !b.valid(credential) || len(b.cloud.Keys("alice")) != 1 {
				t.Errorf("the same create afterwards: %+v, %v", credential.Key, err)
			}
		})
	}
}

func TestAnInvalidRequestCostsNoCall(t *testing.T) {
	b := newBed(t, cloud.Options{})
	for name, test := range map[string]struct {
		user   string
		change func(*keyservice.CreateRequest)
		text   string
	}{
		"a named user":               {"alice", func(*keyservice.CreateRequest) {}, "user alice: the keys of this service belong to the user of"},
		"a long name":                {"alice\n" + strings.Repeat("x", 300), func(*keyservice.CreateRequest) {}, "user alice xxx"},
		"no ID":                      {"", func(req *keyservice.CreateRequest) { req.ID = "" }, "key "},
		"an ID that is no UUID":      {"", func(req *keyservice.CreateRequest) { req.ID = "../x" }, "key ../x: "},
		"a UUID in upper case":       {"", func(req *keyservice.CreateRequest) { req.ID = strings.ToUpper(req.ID) }, "key "},
		"an owner without a UID":     {"", func(req *keyservice.CreateRequest) { req.Owner.UID = "" }, "UID"},
		"an owner with a broken UID": {"", func(req *keyservice.CreateRequest) { req.Owner.UID = "a, key b" }, "UID"},
	} {
		t.Run(name, func(t *testing.T) {
			req := keyOf(b.Service, 1)
			test.change(&req)
			_, err := b.Create(t.Context(), test.user, req)
			expectKind(t, err, keyservice.Invalid, "create key: ", test.text)
		})
	}
	_, err := b.List(t.Context(), "alice")
	expectKind(t, err, keyservice.Invalid, "list keys: user alice: ", "leave the user empty")
	_, err = b.Regenerate(t.Context(), "alice", keyOf(b.Service, 1).ID, 0)
	expectKind(t, err, keyservice.Invalid, "regenerate key: user alice: ")
	if calls := b.cloud.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestAnOddAnswerDoesNotLoseTheKey(t *testing.T) {
	const pair = `"properties":{"accessKey":"A","secretKey":"S"}`
	for name, body := range map[string]string{
		"a time that cannot be read": `{` + pair + `,"metadata":{"createdDate":"yesterday","status":"AVAILABLE"}}`,
		"a time that is a number":    `{` + pair + `,"metadata":{"createdDate":1700000000}}`,
		"no metadata":                `{` + pair + `}`,
		"metadata that is null":      `{` + pair + `,"metadata":null}`,
		"metadata that is a text":    `{` + pair + `,"metadata":"none"}`,
		"an ID that is null":         `{"id":null,` + pair + `}`,
		"a status unheard of":        `{` + pair + `,"metadata":{"status":"SHINING"}}`,
		"a description as an object": `{"properties":{"accessKey":"A","secretKey":"S","description":{}}}`,
		"an ID in upper case":        `{"id":"17898C41-37CA-526A-BA4C-C06277FC4834",` + pair + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cloud.Options{})
			b.cloud.Inject(anyCreate, simulator.Answer(201, nil, body))
			made := b.create(t, 1)
			if made.ID != keyOf(b.Service, 1).ID || made.AccessKeyID != "A" || made.SecretAccessKey.Reveal() != "S" || !made.CreatedAt.IsZero() {
				t.Errorf("got %+v", made)
			}
		})
	}
}
