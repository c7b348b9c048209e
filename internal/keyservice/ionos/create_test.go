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
	"time"

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
		`"AccessKey team-a/backup, made by accesskey-operator (uid ` + owner.UID + `, key ` + made.ID + `)"}}`
	if sent != want {
		t.Errorf("got %s\nwant %s", sent, want)
	}
}

func TestANewKeyIsNotWaitedFor(t *testing.T) {
	b := newBed(t, cloud.Options{Provisioning: 10 * time.Second})
	made := b.create(t, 1)
	if made.State != keyservice.Pending || b.valid(made) || b.list(t)[made.ID].State != keyservice.Pending {
		t.Errorf("got %+v", made.Key)
	}
	b.after(10 * time.Second)
	if !b.valid(made) || b.list(t)[made.ID].State != keyservice.Active {
		t.Errorf("got %v", b.list(t))
	}
}

const (
	made    = 1
	notMade = 0
)

// badCreates are what can go wrong with the PUT of a new key.
var badCreates = map[string]struct {
	effect simulator.Effect
	kind   keyservice.Kind
	pairs  int
	text   string
}{
	"carried out, another key's answer": {
		simulator.ReplaceAnswer(`{"id":"11111111-1111-5111-8111-111111111111"}`), keyservice.Ambiguous, made, "another key",
	},
	"made, but failed": {
		simulator.Answer(201, nil, `{"metadata":{"status":"FAILED","statusMessage":"no\nspace"}}`), keyservice.Ambiguous, notMade,
		"left as FAILED: no space",
	},
	"made, but failed without a reason": {
		simulator.Answer(201, nil, `{"metadata":{"status":"FAILED"}}`), keyservice.Ambiguous, notMade, "does not say why",
	},
	"unauthorized": {simulator.Answer(401, nil, ""), keyservice.Unauthorized, notMade, "put a new one into its Secret"},
	"forbidden":    {simulator.Answer(403, nil, ""), keyservice.Unauthorized, notMade, "privilege to use the Object Storage"},
	"without the privilege, in the words of the older API": {
		simulator.Answer(422, nil, `{"messages":[{"message":"part of a group that has ACCESS_S3_OBJECT_STORAGE privilege"}]}`),
		keyservice.Unauthorized, notMade, "add the token's user to a group",
	},
	"not found, by another server": {simulator.Answer(404, nil, ""), keyservice.Unavailable, notMade, "check that the KeyService's URL"},
	"not found, by the service": {
		simulator.Answer(404, nil, `{"httpStatus":404}`), keyservice.Unavailable, notMade, "404 Not Found: no explanation",
	},
	"refused as it is": {
		simulator.Answer(400, nil, `{"httpStatus":400,"messages":[{"errorCode":"err-7","message":"field"},{"message":"more"}]}`),
		keyservice.Invalid, notMade, "400 Bad Request: err-7: field; more",
	},
	"taken by another party": {
		simulator.Answer(409, nil, `{"messages":[{"message":"taken"}]}`), keyservice.Invalid, notMade, "the UUID is taken by another party",
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
			if made := len(b.cloud.History()); made != test.pairs {
				t.Errorf("%d keys were made", made)
			}
			_, again := b.Create(t.Context(), "", req)
			if again == nil || again.Error() != err.Error() {
				t.Errorf("the text changes:\n%v\n%v", err, again)
			}
			b.calls(t, putKey, 2)
			b.calls(t, putRenew, 0)
			b.cloud.LiftAll()
			credential, err := b.Create(t.Context(), "", req)
			if err != nil || !b.valid(credential) || len(b.cloud.Keys("alice")) != 1 {
				t.Errorf("the same create afterwards: %+v, %v", credential.Key, err)
			}
		})
	}
}

func TestANamedUserIsInvalidAndCostsNoCall(t *testing.T) {
	b := newBed(t, cloud.Options{})
	_, err := b.Create(t.Context(), "alice", keyOf(b.Service, 1))
	expectKind(t, err, keyservice.Invalid, "create key: user alice: ", "belong to the user of the KeyService's token", "leave the user empty")
	_, err = b.List(t.Context(), "alice\n"+strings.Repeat("x", 300))
	expectKind(t, err, keyservice.Invalid, "list keys: user alice xxx", "…: the keys")
	_, err = b.Regenerate(t.Context(), "alice", keyOf(b.Service, 1).ID, 0)
	expectKind(t, err, keyservice.Invalid, "regenerate key: user alice: ")
	if calls := b.cloud.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestACreateWithoutAValidIDAndUIDIsNotSent(t *testing.T) {
	b := newBed(t, cloud.Options{})
	for name, change := range map[string]func(*keyservice.CreateRequest){
		"no ID":                      func(req *keyservice.CreateRequest) { req.ID = "" },
		"an ID that is no UUID":      func(req *keyservice.CreateRequest) { req.ID = "../x" },
		"a UUID in upper case":       func(req *keyservice.CreateRequest) { req.ID = strings.ToUpper(req.ID) },
		"an owner without a UID":     func(req *keyservice.CreateRequest) { req.Owner.UID = "" },
		"an owner with a broken UID": func(req *keyservice.CreateRequest) { req.Owner.UID = "a, key b" },
	} {
		t.Run(name, func(t *testing.T) {
			req := keyOf(b.Service, 1)
			change(&req)
			_, err := b.Create(t.Context(), "", req)
			expectKind(t, err, keyservice.Invalid, "create key: key ")
		})
	}
	if calls := b.cloud.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestADescriptionThatIsTooLongForTheServiceIsInvalid(t *testing.T) {
	b := newBed(t, cloud.Options{MaxDescription: 64})
	_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
	expectKind(t, err, keyservice.Invalid, "longer than 64 characters")
	b = newBed(t, cloud.Options{MaxDescription: maxDescription})
	req := keyOf(b.Service, 1)
	req.Owner.Namespace, req.Owner.Name = strings.Repeat("n", 63), strings.Repeat("a", 253)
	if made, err := b.Create(t.Context(), "", req); err != nil || made.OwnerUID != owner.UID {
		t.Errorf("got %+v, %v", made.Key, err)
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
		"a byte order mark":          "\ufeff{" + pair + `}`,
		"members unheard of":         `{` + pair + `,"region":{"a":[1]}}`,
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

func TestTheIDMayComeBackInUpperCase(t *testing.T) {
	b := newBed(t, cloud.Options{})
	id := keyOf(b.Service, 1).ID
	body := `{"id":"` + strings.ToUpper(id) + `","properties":{"accessKey":"A","secretKey":"S"}}`
	b.cloud.Inject(anyCreate, simulator.Answer(201, nil, body))
	b.cloud.Inject(anyList, simulator.Answer(200, nil, `{"items":[`+body+`]}`))
	if made := b.create(t, 1); made.ID != id || b.list(t)[id].AccessKeyID != "A" {
		t.Errorf("got %+v", made.Key)
	}
}
