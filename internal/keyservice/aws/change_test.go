// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/aws"
)

// change is Delete or Disable, which treat everything but success alike.
type change struct {
	name, action string
	do           func(s *Service, t *testing.T, user, keyID string) error
}

var changes = []change{
	{"delete key", "DeleteAccessKey", func(s *Service, t *testing.T, user, keyID string) error {
		return s.Delete(t.Context(), user, keyID)
	}},
	{"disable key", "UpdateAccessKey", func(s *Service, t *testing.T, user, keyID string) error {
		return s.Disable(t.Context(), user, keyID)
	}},
}

// goneKey is the ID of a key that there is not.
const goneKey = "AKIAIOSFODNN7EXAMPLE"

func TestACreateWhoseAnswerShowsNoWholePairIsAmbiguous(t *testing.T) {
	for name, body := range map[string]string{
		"no secret":    result("CreateAccessKey", "<AccessKey><AccessKeyId>A</AccessKeyId></AccessKey>"),
		"no ID":        result("CreateAccessKey", "<AccessKey><SecretAccessKey>geheim</SecretAccessKey></AccessKey>"),
		"no key":       result("CreateAccessKey", ""),
		"no result":    "<CreateAccessKeyResponse/>",
		"cut off":      result("CreateAccessKey", "<AccessKey><AccessKeyId>A</AccessKeyId><SecretAccessKey>geheim</SecretAccessKey>")[:200],
		"another root": result("ListAccessKeys", "<AccessKey><AccessKeyId>A</AccessKeyId><SecretAccessKey>geheim</SecretAccessKey></AccessKey>"),
		"HTML":         "<html>geheim</html>",
		"nothing":      "",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.account.Inject(at("CreateAccessKey"), simulator.ReplaceAnswer(body))
			_, err := b.Create(t.Context(), "Alice", ttlIgnored)
			expectKind(t, err, keyservice.Ambiguous, "create key: user Alice: the service answered 200, but with no key that can be read")
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("the error quotes the answer: %v", err)
			}
			b.calls(t, "CreateAccessKey", 1)
		})
	}
	b := newBed(t, account.Options{})
	b.answer("CreateAccessKey", 200, result("CreateAccessKey", "<AccessKey><UserName>operator</UserName><AccessKeyId>A</AccessKeyId><SecretAccessKey>geheim</SecretAccessKey></AccessKey>"))
	_, err := b.Create(t.Context(), "Alice", ttlIgnored)
	expectKind(t, err, keyservice.Ambiguous, "made key A for the user operator instead")
}

func TestACreateIsSentOnceWhateverTheAnswer(t *testing.T) {
	for _, status := range []int{500, 502, 503, 504} {
		b := newBed(t, account.Options{})
		b.refuse("CreateAccessKey", status, "ServiceUnavailable", "try again")
		_, err := b.Create(t.Context(), "Alice", ttlIgnored)
		expectKind(t, err, keyservice.Ambiguous, "ServiceUnavailable: try again")
		b.calls(t, "CreateAccessKey", 1)
	}
	b := newBed(t, account.Options{})
	b.account.Inject(at("CreateAccessKey"), simulator.DropAnswer())
	_, err := b.Create(t.Context(), "Alice", ttlIgnored)
	expectKind(t, err, keyservice.Ambiguous)
	b.calls(t, "CreateAccessKey", 1)
	if keys := b.account.Keys("Alice"); len(keys) != 1 {
		t.Errorf("made %v", keys)
	}
}

func TestAnOddAnswerDoesNotLoseTheKey(t *testing.T) {
	const pair = "<AccessKeyId>A+/=</AccessKeyId><SecretAccessKey>S&amp;/+&#x41;</SecretAccessKey>"
	for name, body := range map[string]string{
		"a time that cannot be read": result("CreateAccessKey", "<AccessKey>"+pair+"<CreateDate>yesterday</CreateDate></AccessKey>"),
		"no time, no status":         result("CreateAccessKey", "<AccessKey>"+pair+"</AccessKey>"),
		"elements unheard of":        result("CreateAccessKey", "<AccessKey><AccessKeySelector>1</AccessKeySelector>"+pair+"<Region><a/></Region></AccessKey><x/>"),
		"a prefix, another order": `<?xml version="1.0" encoding="UTF-8"?><ns2:CreateAccessKeyResponse xmlns:ns2="urn:x"><ns2:ResponseMetadata/><ns2:CreateAccessKeyResult>` +
			`<ns2:AccessKey><ns2:SecretAccessKey>S&amp;/+A</ns2:SecretAccessKey><ns2:AccessKeyId>A+/=</ns2:AccessKeyId></ns2:AccessKey></ns2:CreateAccessKeyResult></ns2:CreateAccessKeyResponse>`,
		"a byte order mark": "\ufeff" + result("CreateAccessKey", "<AccessKey>"+pair+"</AccessKey>"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.answer("CreateAccessKey", 200, body)
			made := b.create(t, "Alice")
			if made.ID != "A+/=" || made.SecretAccessKey.Reveal() != "S&/+A" || !made.CreatedAt.IsZero() || made.State != keyservice.Active {
				t.Errorf("got %+v", made)
			}
		})
	}
}

func TestTheLimitOfKeysIsRecognizedWhateverItsStatus(t *testing.T) {
	for name, options := range map[string]account.Options{
		"AWS":       {},
		"SeaweedFS": {LimitStatus: 403, LimitMessage: "too many"},
		"Ceph":      {LimitStatus: 400, LimitMessage: "Access key limit 2 exceeded", Shape: account.ShapeBare},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, options)
			b.create(t, "Alice")
			b.account.SetActive(b.create(t, "Alice").ID, false)
			_, err := b.Create(t.Context(), "Alice", ttlIgnored)
			expectKind(t, err, keyservice.QuotaExceeded, "create key: user Alice: the user has as many keys as the service allows (2: ", " (inactive)", "LimitExceeded")
		})
	}
}

func TestALimitOfRequestsIsNotOneOfKeys(t *testing.T) {
	b := newBed(t, account.Options{})
	b.create(t, "Alice")
	lift := b.refuse("CreateAccessKey", 409, "LimitExceeded", "Try again later")
	_, err := b.Create(t.Context(), "Alice", ttlIgnored)
	expectKind(t, err, keyservice.Throttled, "Try again later")
	b.answer("ListAccessKeys", 500, "")
	_, err = b.Create(t.Context(), "Alice", ttlIgnored)
	expectKind(t, err, keyservice.Unavailable, "Try again later; the keys that would tell why could not be listed: list keys: ")
	lift()
	b.refuse("CreateAccessKey", 409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 1")
	_, err = b.Create(t.Context(), "Alice", ttlIgnored)
	expectKind(t, err, keyservice.QuotaExceeded, "Cannot exceed quota for AccessKeysPerUser: 1")
	for _, change := range changes {
		b.refuse(change.action, 409, "LimitExceeded", "Cannot exceed the rate")
		expectKind(t, change.do(b.Service, t, "Alice", goneKey), keyservice.Throttled, "Cannot exceed the rate")
	}
}

func TestTheOperatorsOwnKeyIsLeftAlone(t *testing.T) {
	for _, change := range changes {
		b := newBed(t, account.Options{})
		for _, id := range []string{account.DefaultAccessKeyID, strings.ToLower(account.DefaultAccessKeyID)} {
			err := change.do(b.Service, t, account.OperatorName, id)
			expectKind(t, err, keyservice.Invalid, change.name+": key "+id+": ", "the operator itself signs with")
		}
		b.noCalls(t)
		next := b.create(t, account.OperatorName)
		b.pair.Credentials = pairOf(next.AccessKeyID, next.SecretAccessKey.Reveal()).Credentials // the Secret was changed
		if err := change.do(b.Service, t, account.OperatorName, account.DefaultAccessKeyID); err != nil {
			t.Error(err)
		}
		expectKind(t, change.do(b.Service, t, account.OperatorName, next.ID), keyservice.Invalid)
	}
}

func TestAKeyThatIsGoneIsNoError(t *testing.T) {
	for name, options := range map[string]account.Options{
		"AWS": {}, "a bare error": {Shape: account.ShapeBare}, "moto": {Shape: account.ShapeList}, "Dell": {Markup: account.MarkupPrefix}, "SeaweedFS": {Lenient: true},
		"a server that tells no last use": {Missing: []string{"GetAccessKeyLastUsed"}}, "one that denies it": {DeniesUnknown: true},
	} {
		for _, change := range changes {
			t.Run(name+" "+change.name, func(t *testing.T) {
				b := newBed(t, options)
				for _, user := range []string{"Alice", "nobody"} {
					if err := change.do(b.Service, t, user, goneKey); err != nil {
						t.Error(err)
					}
				}
				b.calls(t, change.action, 2)
			})
		}
	}
}

func TestEnablingAKeyThatIsGoneIsAnError(t *testing.T) {
	b := newBed(t, account.Options{})
	made := b.makeKey(t, "Alice")
	b.account.SetActive(made.ID, false)
	if err := b.Enable(t.Context(), "Alice", made.ID); err != nil || !b.account.Active(made.ID) {
		t.Error(err)
	}
	expectKind(t, b.Enable(t.Context(), "Alice", goneKey), keyservice.NotFound, "enable key: key "+goneKey+": the service knows no such key of the user")
	expectKind(t, b.Enable(t.Context(), "nobody", goneKey), keyservice.NotFound)
}

// TestAKeyIsNotGoneWithTheNameOfItsUser renames a user: the name leads nowhere, and its key works on.
func TestAKeyIsNotGoneWithTheNameOfItsUser(t *testing.T) {
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			made := b.makeKey(t, "Alice")
			if err := change.do(b.Service, t, "Alexandra", made.ID); err != nil {
				t.Error(err)
			}
			if b.account.Active(made.ID) {
				t.Error("the key still works")
			}
			b.calls(t, change.action, 2)
			lift := b.answer("GetAccessKeyLastUsed", 500, "")
			expectKind(t, change.do(b.Service, t, "Alexandra", goneKey), keyservice.Unavailable, "read last use: ")
			lift()
			b.answer("GetAccessKeyLastUsed", 200, result("GetAccessKeyLastUsed", "<UserName>Al</UserName><AccessKeyLastUsed/>")) // a late answer
			if err := change.do(b.Service, t, "Alexandra", goneKey); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOnlyTheServiceItselfSaysThatAKeyIsGone(t *testing.T) {
	for _, change := range changes {
		for _, body := range []string{"", "<html></html>", "<ErrorResponse/>", wrapped("UnknownOperationException", "")} {
			b := newBed(t, account.Options{})
			b.answer(change.action, 404, body)
			expectKind(t, change.do(b.Service, t, "Alice", goneKey), keyservice.Unavailable, change.name+": key "+goneKey+": ", "404")
		}
		for _, body := range []string{"", "<html></html>", result("ListUsers", ""), "<DeleteAccessKeyResponse>"} {
			b := newBed(t, account.Options{})
			b.answer(change.action, 200, body)
			expectKind(t, change.do(b.Service, t, "Alice", goneKey), keyservice.Unavailable, "not that of the IAM API")
		}
	}
}

func TestAKeyThatTheServiceDoesNotKnowYetIsNotTakenForGone(t *testing.T) {
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			b := newBed(t, account.Options{ListLag: 30 * time.Second})
			made := b.create(t, "Alice")
			for range 2 {
				err := change.do(b.Service, t, "Alice", made.ID)
				expectKind(t, err, keyservice.Unavailable, change.name+": key "+made.ID+": ", "made a moment ago")
				b.pass(15 * time.Second)
			}
			if err := change.do(b.Service, t, "Alice", made.ID); err != nil {
				t.Fatal(err)
			}
			if b.account.Valid(made.AccessKeyID, made.SecretAccessKey.Reveal()) {
				t.Error("the pair works")
			}
		})
	}
}

func TestAKeyThatAPersonRemovedIsGoneAfterAMinute(t *testing.T) {
	b := newBed(t, account.Options{})
	made := b.create(t, "Alice")
	b.account.RemoveKey(made.ID)
	expectKind(t, b.Delete(t.Context(), "Alice", made.ID), keyservice.Unavailable)
	b.pass(time.Minute)
	if err := b.Delete(t.Context(), "Alice", made.ID); err != nil {
		t.Error(err)
	}
}
