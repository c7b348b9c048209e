// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"net/http"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

const (
	aKey  = 1
	noKey = 0
)

// badCreates are what can go wrong with the request that makes a key, be it a POST or a PATCH.
var badCreates = map[string]struct {
	effect simulator.Effect
	kind   keyservice.Kind
	keys   int
	text   string
}{
	"carried out, no secret": {
		simulator.ReplaceAnswer(`{"records":[{"access_key":"A"}]}`), keyservice.Ambiguous, aKey, "no key",
	},
	"carried out, no access key": {
		simulator.ReplaceAnswer(`{"records":[{"secret_key":"geheim"}]}`), keyservice.Ambiguous, aKey, "no key",
	},
	"forbidden":                  {simulator.Answer(403, nil, ""), keyservice.Unauthorized, noKey, "readonly access to /api/cluster"},
	"the password was changed":   {problemAnswer(401, "6691623"), keyservice.Unauthorized, noKey, "application http"},
	"a job instead of an answer": {simulator.Answer(202, nil, `{"job":{"uuid":"u"}}`), keyservice.Ambiguous, noKey, "in a job"},
	"an unknown API":             {problemAnswer(404, "3"), keyservice.Invalid, noKey, "management interface"},
}

func problemAnswer(status int, code string) simulator.Effect {
	return simulator.Answer(status, nil, fmt.Sprintf(`{"error":{"code":%q,"message":"because"}}`, code))
}

func TestFailuresOfACreate(t *testing.T) {
	for name, test := range badCreates {
		for way, fill := range map[string]func(*testing.T, *testBed){
			"of a user": func(*testing.T, *testBed) {},
			"of a key": func(t *testing.T, b *testBed) {
				b.person(t, "backup")
				b.cluster.RemoveKey("backup")
			},
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				b := newBed(t, netapp.Options{})
				fill(t, b)
				made := len(b.cluster.History())
				b.cluster.Inject(anyPost.Once(), test.effect)
				b.cluster.Inject(anyGenerate.Once(), test.effect)
				_, err := b.Create(t.Context(), "backup", month)
				expectKind(t, err, test.kind, "create key: S3 user backup: ", test.text)
				if got := len(b.cluster.History()) - made; got != test.keys {
					t.Errorf("%d keys were made", got)
				}
				if calls := b.cluster.Calls(); calls[postUsers]+calls[patchUser] != 1 {
					t.Errorf("got %v", calls)
				}
			})
		}
	}
}

func TestALostSecondKeyIsKnownByItsMark(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	first := b.create(t, "backup", month)
	b.cluster.Inject(anyGenerate.Once(), simulator.DropAnswer())
	_, err := b.Create(t.Context(), "backup", keyservice.CreateRequest{ID: "backup/2", Owner: alice})
	expectKind(t, err, keyservice.Ambiguous)
	if keys := b.list(t, "backup"); len(keys) != 2 || keys[1].OwnerUID != aliceUID {
		t.Fatalf("listed %+v", keys)
	}
	second, err := b.Regenerate(t.Context(), "backup", "backup/2", 0)
	if err != nil {
		t.Fatal(err)
	}
	b.works(t, first, true)
	b.works(t, second, true)
}

func TestAMarkThatCannotBeWrittenMakesNoKey(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
	}{
		"no answer":        {simulator.DropAnswer(), keyservice.Unavailable},
		"a server error":   {simulator.Answer(500, nil, ""), keyservice.Unavailable},
		"refused":          {problemAnswer(400, "2"), keyservice.Invalid},
		"the user is gone": {problemAnswer(404, "4"), keyservice.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: netapp.V9191})
			b.create(t, "backup", month)
			b.cluster.Inject(anyPatch.Once(), test.effect)
			_, err := b.Create(t.Context(), "backup", month)
			expectKind(t, err, test.kind, "S3 user backup: ")
			if made := len(b.cluster.Keys("backup")); made != 1 {
				t.Errorf("%d keys", made)
			}
			b.create(t, "backup", month)
		})
	}
}

func TestAUserThatIsDeletedDuringACreateIsReadAgain(t *testing.T) {
	b := newBed(t, netapp.Options{})
	b.person(t, "backup")
	b.cluster.RemoveKey("backup")
	b.cluster.Inject(anyGenerate.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		b.cluster.RemoveUser("backup")
		next.ServeHTTP(w, r)
	})
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.Unavailable, "create key: S3 user backup: the user was deleted meanwhile")
	b.works(t, b.create(t, "backup", month), true)
}

func TestAnSVMThatIsGoneIsNoUserThatIsGone(t *testing.T) {
	b := newBed(t, netapp.Options{})
	b.cluster.Inject(anyPost, problemAnswer(404, "4"))
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.Invalid, "code 4: because", "create an S3 server on the SVM")
	expectReason(t, err, ReasonSVMNotFound)
}
