// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestACreatedKeyWorksAndIsListed(t *testing.T) {
	b := newBed(t, account.Options{})
	foreign := b.makeKey(t, "alice")
	made := b.create(t, "alice")
	if !b.account.Valid(made.AccessKeyID, made.SecretAccessKey.Reveal()) {
		t.Error("the pair does not work")
	}
	if made.ID != made.AccessKeyID || !made.CreatedAt.Equal(start.Truncate(time.Millisecond)) || made.State != keyservice.Active {
		t.Errorf("got %+v", made.Key)
	}
	keys, err := b.List(t.Context(), "alice")
	if err != nil || !sameSet(ids(keys), []string{foreign.ID, made.ID}) || keys[0].CreatedAt != keys[1].CreatedAt {
		t.Errorf("got %v, %v", keys, err)
	}
}

const (
	made    = 1
	notMade = 0
)

// badCreates are what can go wrong with the create of a first key.
var badCreates = map[string]struct {
	effect simulator.Effect
	kind   keyservice.Kind
	keys   int
	text   string
}{
	"refused without being read":       {simulator.Refuse(), keyservice.Ambiguous, notMade, "closed the connection"},
	"dropped before it is carried out": {simulator.Drop(), keyservice.Ambiguous, notMade, "closed the connection"},
	"carried out, no answer":           {simulator.DropAnswer(), keyservice.Ambiguous, made, "closed the connection"},
	"carried out, half an answer":      {simulator.CutAnswer(), keyservice.Ambiguous, made, "closed the connection"},
	"carried out, a proxy's answer":    {simulator.ReplaceAnswer("<html>OK</html>"), keyservice.Ambiguous, made, "no key"},
	"carried out, an empty answer":     {simulator.ReplaceAnswer(""), keyservice.Ambiguous, made, "no key"},
	"carried out, an empty object":     {simulator.ReplaceAnswer("{}"), keyservice.Ambiguous, made, "no key"},
	"carried out, no secret": {
		simulator.ReplaceAnswer(`{"access_key":{"access_key_id":"A"}}`), keyservice.Ambiguous, made, "no key",
	},
	"carried out, no ID": {
		simulator.ReplaceAnswer(`{"access_key":{"secret_access_key":"geheim"}}`), keyservice.Ambiguous, made, "no key",
	},
	"a server error": {simulator.Answer(500, nil, ""), keyservice.Ambiguous, notMade, "500 Internal Server Error"},
	"a gateway's timeout": {
		simulator.Answer(504, nil, `{"error_code":"APIGW.0201","error_msg":"Backend timeout."}`), keyservice.Ambiguous, notMade, "APIGW.0201",
	},
	"a request timeout": {simulator.Answer(408, nil, ""), keyservice.Ambiguous, notMade, "408"},
	"an endless answer": {simulator.Endless(200), keyservice.Ambiguous, notMade, "larger than 16 MiB"},
	"throttled":         {simulator.Throttle("7"), keyservice.Throttled, notMade, "429"},
	"forbidden": {
		simulator.Answer(403, nil, `{"error_code":"PAP5.0001","error_msg":"access denied: limit exceeded"}`),
		keyservice.Unauthorized, notMade, "createCredentialV5",
	},
	"redirected": {
		simulator.Answer(307, http.Header{"Location": {"/v5/elsewhere"}}, ""), keyservice.Unavailable, notMade, "URL",
	},
	"sent to a server that is not IAM": {simulator.Answer(404, nil, "<html>"), keyservice.Unavailable, notMade, "URL"},
	"sent to a gateway without IAM": {
		simulator.Answer(404, nil, `{"error_code":"APIGW.0101","error_msg":"The API does not exist"}`), keyservice.Unavailable, notMade, "URL",
	},
	"refused as it is": {
		simulator.Answer(400, nil, `{"error_code":"IAM.0007","error_msg":"field"}`), keyservice.Invalid, notMade, "IAM.0007: field",
	},
	"refused for an agency's token": {
		simulator.Answer(400, nil, `{"error_code":"PAP5.0046","error_msg":"missing header x-user-profile"}`),
		keyservice.Invalid, notMade, "PAP5.0046",
	},
	"refused in an unknown way": {simulator.Answer(422, nil, ""), keyservice.Invalid, notMade, "422"},
	"refused for a limit that is not the user's": {
		simulator.Answer(409, nil, `{"error_code":"PAP5.0003","error_msg":"some limit exceeded"}`), keyservice.Invalid, notMade, "limit exceeded",
	},
	"refused since the user is gone": {
		simulator.Answer(404, nil, `{"error_code":"IAM.0004","error_msg":"Could not find user"}`), keyservice.NotFound, notMade, "no such user",
	},
}

func TestWhatACreateThatGoesWrongMeans(t *testing.T) {
	for name, test := range badCreates {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.account.Inject(anyCreate, test.effect)
			_, err := b.Create(t.Context(), "alice", ttlIgnored)
			expectKind(t, err, test.kind, "create key: user alice: ", test.text)
			_, again := b.Create(t.Context(), "alice", ttlIgnored)
			if again == nil || again.Error() != err.Error() {
				t.Errorf("the text changes:\n%v\n%v", err, again)
			}
			b.calls(t, postKeys, 2)
			if got := len(b.account.History()); got != 2*test.keys {
				t.Errorf("%d keys were made by two calls", got)
			}
		})
	}
}

func TestTheTwoKeysLimitIsSeenHoweverItIsAnswered(t *testing.T) {
	for _, status := range []int{400, 409, 412, 422} {
		for _, message := range []string{"access keys per user limit exceeded", "akSkNumExceed", "用户的访问密钥已存在"} {
			for _, shape := range []account.Shape{
				account.ShapeFlat, account.ShapeCode, account.ShapeNested, account.ShapeClassic, account.ShapeCamel, account.ShapeBare,
			} {
				t.Run(fmt.Sprint(status, " ", message, " ", shape), func(t *testing.T) {
					b := newBed(t, account.Options{LimitStatus: status, LimitCode: "PAP5.0999", LimitMessage: message, Shape: shape})
					foreign, ours := b.makeKey(t, "alice"), b.create(t, "alice")
					b.account.SetActive(foreign.ID, false)
					_, err := b.Create(t.Context(), "alice", ttlIgnored)
					expectKind(t, err, keyservice.QuotaExceeded, foreign.ID+" (inactive)", ours.ID, "user alice", fmt.Sprint(status))
					if shape != account.ShapeBare {
						expectKind(t, err, keyservice.QuotaExceeded, message)
					}
					b.calls(t, postKeys, 2)
				})
			}
		}
	}
}

func TestALimitThatIsAnsweredWith403IsKnownByItsWords(t *testing.T) {
	b := newBed(t, account.Options{LimitStatus: 403, LimitCode: "PAP5.0999", LimitMessage: "Quota reached"})
	b.create(t, "alice")
	b.create(t, "alice")
	_, err := b.Create(t.Context(), "alice", ttlIgnored)
	expectKind(t, err, keyservice.QuotaExceeded, "Quota reached")
}

func TestWhereInactiveKeysAreNotCountedAThirdKeyIsMade(t *testing.T) {
	b := newBed(t, account.Options{InactiveUncounted: true})
	old := b.create(t, "alice")
	b.create(t, "alice")
	if err := b.Disable(t.Context(), "alice", old.ID); err != nil {
		t.Fatal(err)
	}
	b.create(t, "alice")
	if keys, err := b.List(t.Context(), "alice"); err != nil || len(keys) != 3 {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestTheLimitIsReportedInTheSameWordsEveryTime(t *testing.T) {
	b := newBed(t, account.Options{})
	b.create(t, "alice")
	b.create(t, "alice")
	for _, ids := range [][2]string{{"A", "B"}, {"B", "A"}} { // the order of a list is not specified
		b.account.Inject(anyList.Once(), simulator.Answer(200, nil, fmt.Sprintf(
			`{"access_keys":[{"access_key_id":%q},{"access_key_id":%q}],"page_info":{"current_count":2}}`, ids[0], ids[1])))
		_, err := b.Create(t.Context(), "alice", ttlIgnored)
		expectKind(t, err, keyservice.QuotaExceeded, "are taken (2: A and B); delete one")
	}
}

func TestTwoKeysDoNotMakeEveryFailureALimit(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
	}{
		"not want of rights": {
			simulator.Answer(403, nil, `{"error_code":"PAP5.0001","error_msg":"access denied: quota"}`), keyservice.Unauthorized,
		},
		"not a 403 in a proxy's words":  {simulator.Answer(403, nil, "<html>limit"), keyservice.Unauthorized},
		"not throttling":                {simulator.Throttle("1"), keyservice.Throttled},
		"not a request timeout":         {simulator.Answer(408, nil, ""), keyservice.Ambiguous},
		"not a server error":            {simulator.Answer(500, nil, `{"error_msg":"limit exceeded"}`), keyservice.Ambiguous},
		"not a caller that may not ask": {simulator.Answer(400, nil, `{"error_code":"PAP5.0040"}`), keyservice.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.create(t, "alice")
			b.create(t, "alice")
			b.account.Inject(anyCreate, test.effect)
			_, err := b.Create(t.Context(), "alice", ttlIgnored)
			expectKind(t, err, test.kind)
		})
	}
}

func TestALimitThatCannotBeCountedIsTriedAgain(t *testing.T) {
	b := newBed(t, account.Options{})
	b.create(t, "alice")
	b.create(t, "alice")
	b.account.Inject(anyList, simulator.Throttle("30"))
	_, err := b.Create(t.Context(), "alice", ttlIgnored)
	expectKind(t, err, keyservice.Throttled, "409", "could not be listed")
	if keyservice.RetryAfterOf(err) != 30*time.Second {
		t.Errorf("RetryAfter %s", keyservice.RetryAfterOf(err))
	}
	b.account.LiftAll()
	_, err = b.Create(t.Context(), "alice", ttlIgnored)
	expectKind(t, err, keyservice.QuotaExceeded)
}

func TestAKeyIsNotLostToAnAnswerThatIsOdd(t *testing.T) {
	for name, key := range map[string]string{
		"a time that cannot be read": `{"access_key_id":"A","secret_access_key":"S","created_at":"yesterday"}`,
		"a time that is a number":    `{"access_key_id":"A","secret_access_key":"S","created_at":1700000000}`,
		"no time":                    `{"access_key_id":"A","secret_access_key":"S"}`,
		"a status that is an object": `{"access_key_id":"A","secret_access_key":"S","status":{}}`,
		"a status unheard of":        `{"access_key_id":"A","secret_access_key":"S","status":"fresh"}`,
		"members unheard of":         `{"access_key_id":"A","secret_access_key":"S","region":{"a":[1]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.account.Inject(anyCreate, simulator.Answer(200, nil, "\ufeff"+`{"access_key":`+key+`}`))
			made := b.create(t, "alice")
			if made.ID != "A" || made.SecretAccessKey.Reveal() != "S" || !made.CreatedAt.IsZero() || made.State != keyservice.Active {
				t.Errorf("got %+v", made)
			}
		})
	}
}
