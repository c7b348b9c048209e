// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestACreateWhoseAnswerShowsNoWholePairIsAmbiguous(t *testing.T) {
	for name, key := range map[string]string{"no secret": `{"access_key_id":"A"}`, "no ID": `{"secret_access_key":"geheim"}`} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.account.Inject(anyCreate, simulator.ReplaceAnswer(`{"access_key":`+key+`}`))
			_, err := b.Create(t.Context(), "alice", ttlIgnored)
			expectKind(t, err, keyservice.Ambiguous, "create key: user alice: ", "no key")
		})
	}
}

func TestALimitThatIsAnsweredWith403IsRecognizedByItsText(t *testing.T) {
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

func TestAFullUserDoesNotMakeEveryFailureALimit(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
	}{
		"not want of rights": {
			simulator.Answer(403, nil, `{"error_code":"PAP5.0001","error_msg":"access denied: quota"}`), keyservice.Unauthorized,
		},
		"not a 403 in a proxy's words":  {simulator.Answer(403, nil, "<html>limit"), keyservice.Unauthorized},
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

func TestAnOddAnswerDoesNotLoseTheKey(t *testing.T) {
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
