// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/aws"
)

func TestAnErrorIsReadInEveryShape(t *testing.T) {
	denied := rest.Problem{Code: "AccessDenied", Text: "no"}
	for name, test := range map[string]struct {
		body string
		want rest.Problem
		ours bool
	}{
		"of AWS":                         {wrapped("AccessDenied", "no"), denied, true},
		"in the namespace of a fault":    {`<ErrorResponse xmlns="http://webservices.amazon.com/AWSFault/2005-15-09"><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`, denied, true},
		"bare, as of S3":                 {`<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>no</Message><Resource>/</Resource></Error>`, denied, true},
		"in another order":               {`<ErrorResponse><RequestId>r</RequestId><Error><Message>no</Message><Code> AccessDenied </Code></Error></ErrorResponse>`, denied, true},
		"with a prefix":                  {`<ns2:ErrorResponse xmlns:ns2="urn:x"><ns2:Error><ns2:Code>AccessDenied</ns2:Code><ns2:Message>no</ns2:Message></ns2:Error></ns2:ErrorResponse>`, denied, true},
		"with a prefix of no namespace":  {`<a:ErrorResponse><a:Error><a:Code>AccessDenied</a:Code><a:Message>no</a:Message></a:Error></a:ErrorResponse>`, denied, true},
		"of moto":                        {`<ErrorResponse><Errors><Error><Code>AccessDenied</Code><Message>no</Message></Error></Errors></ErrorResponse>`, denied, true},
		"with a full stop":               {wrapped("AccessDenied", " no. "), denied, true},
		"with a code only":               {`<Error><Code>AccessDenied</Code></Error>`, rest.Problem{Code: "AccessDenied"}, true},
		"without words":                  {`<ErrorResponse/>`, rest.Problem{}, true},
		"with a time and request IDs":    {wrapped("SignatureDoesNotMatch", "Signature expired: 20261128T080000Z is now earlier than 20261128T081000Z (20261128T082500Z - 15 min.) 2026-11-28T08:00:00Z 7a62c49f-347e-4fc4-9331-6e8e00000000"), rest.Problem{Code: "SignatureDoesNotMatch", Text: "Signature expired: … is now earlier than … (… - 15 min.) … …"}, true},
		"too deep":                       {`<a><ErrorResponse><Error><Code>x</Code></Error></ErrorResponse></a>`, rest.Problem{}, false},
		"a page that says so":            {`<html><body><Error><Code>NoSuchEntity</Code></Error></body></html>`, rest.Problem{}, false},
		"cut off":                        {`<ErrorResponse><Error><Code>NoSuchEntity</Code></Error>`, rest.Problem{}, false},
		"a success":                      {result("ListUsers", ""), rest.Problem{}, false},
		"JSON":                           {`{"Code":"NoSuchEntity"}`, rest.Problem{}, false},
		"nothing":                        {``, rest.Problem{}, false},
		"an entity that is not expanded": {`<!DOCTYPE x [<!ENTITY a "NoSuchEntity">]><Error><Code>&a;</Code></Error>`, rest.Problem{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decodeProblem([]byte(test.body)); got != test.want || isProblem([]byte(test.body)) != test.ours {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// TestTheCodeOfARefusalDecides checks each code with every status that servers send it with, for a list and for a create.
func TestTheCodeOfARefusalDecides(t *testing.T) {
	type want struct {
		codes    []string
		statuses []int
		kind     keyservice.Kind
		advice   string
	}
	for _, test := range []want{
		{[]string{"NoSuchEntity", "NoSuchUser"}, []int{400, 403, 404}, keyservice.NotFound, "no such user"},
		{[]string{"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled", "SlowDown"}, []int{400, 403, 429, 503}, keyservice.Throttled, ""},
		{[]string{"BandwidthLimitExceeded"}, []int{400, 509}, keyservice.Throttled, ""},
		{[]string{
			"InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "RequestExpired", "RequestTimeTooSkewed",
			"MissingAuthenticationToken", "UserSuspended", "OptInRequired",
		}, []int{400, 401, 403}, keyservice.Unauthorized, "check the KeyService's credentials"},
		{[]string{"AccessDenied", "AccessDeniedException"}, []int{400, 403}, keyservice.Unauthorized, "iam:GetUser, ListAccessKeys"},
		{[]string{"ConcurrentModification", "ConcurrentModificationException", "EntityTemporarilyUnmodifiable"}, []int{400, 409}, keyservice.Unavailable, ""},
		{[]string{"ValidationError", "InvalidInput", "MissingParameter", "IncompleteSignature"}, []int{400, 403}, keyservice.Invalid, ""},
		{[]string{"InvalidAction", "MethodNotAllowed", "NoSuchBucket", "NotImplemented"}, []int{400, 404, 405}, keyservice.Invalid, "url is the endpoint of an IAM API"},
		{[]string{"NotImplemented"}, []int{501}, keyservice.Invalid, "url is the endpoint of an IAM API"},
		{[]string{"SomethingNew"}, []int{400, 409}, keyservice.Invalid, ""},
		{[]string{"SomethingNew", ""}, []int{301, 307, 404}, keyservice.Unavailable, "url is the endpoint of an IAM API"},
	} {
		for _, code := range test.codes {
			for _, status := range test.statuses {
				b := newBed(t, account.Options{})
				b.refuse("CreateAccessKey", status, code, "words")
				b.refuse("ListAccessKeys", status, code, "words")
				_, listErr := b.List(t.Context(), "Alice")
				_, createErr := b.connect(t).Create(t.Context(), "Alice", ttlIgnored)
				for _, err := range []error{listErr, createErr} {
					expectKind(t, err, test.kind, ": user Alice: ", fmt.Sprint(status), strings.TrimPrefix(code+": words", ": "), test.advice)
				}
			}
		}
	}
}

func TestAfterAServerErrorTheCodeDoesNotDecide(t *testing.T) {
	for _, code := range []string{"NoSuchEntity", "ServiceFailure", "InternalFailure", "ServiceUnavailable", "ValidationError", "LimitExceeded", "AccessDenied"} {
		for _, status := range []int{500, 502, 503, 504} {
			b := newBed(t, account.Options{})
			b.refuse("CreateAccessKey", status, code, "words")
			_, err := b.Create(t.Context(), "Alice", ttlIgnored)
			expectKind(t, err, keyservice.Ambiguous, code)
			b.refuse("ListAccessKeys", status, code, "words")
			_, err = b.List(t.Context(), "Alice")
			expectKind(t, err, keyservice.Unavailable, code)
		}
	}
}

func TestANameInAnErrorIsNoSign(t *testing.T) {
	b := newBed(t, account.Options{})
	b.refuse("ListAccessKeys", 403, "AccessDenied", "User: arn:aws:iam::1:user/op is not authorized to perform: iam:ListAccessKeys on resource: user rate-limit")
	_, err := b.List(t.Context(), "Alice")
	expectKind(t, err, keyservice.Unauthorized, "rate-limit")
}

func TestAReadOnlySeaweedFSIsExplained(t *testing.T) {
	b := newBed(t, account.Options{})
	b.refuse("CreateAccessKey", 403, "AccessDenied", "IAM write operations are disabled on this server")
	_, err := b.Create(t.Context(), "Alice", ttlIgnored)
	expectKind(t, err, keyservice.Unauthorized, "start SeaweedFS with -s3.iam.readOnly=false")
}

func TestTheSessionTokenIsSentAndNeverQuoted(t *testing.T) {
	b := newBed(t, account.Options{})
	b.pair.SessionToken = "Geheim/Token+0123456789=="
	sent := ""
	b.account.Inject(at("ListAccessKeys"), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		sent = r.Header.Get("X-Amz-Security-Token")
		words := "The token " + sent + " of " + account.DefaultSecretAccessKey + " is odd, " + url.QueryEscape(sent)
		simulator.Answer(400, nil, wrapped("Odd"+sent, words))(w, r, next)
	})
	_, err := b.List(t.Context(), "Alice")
	expectKind(t, err, keyservice.Invalid, "The token [redacted] of [redacted] is odd, [redacted]")
	if sent != b.pair.SessionToken || strings.Contains(err.Error(), "0123456789") {
		t.Errorf("sent %q: %v", sent, err)
	}
}

func TestEveryCodeHasOneKind(t *testing.T) {
	for _, code := range unknownAction {
		if kinds[code] != keyservice.Invalid {
			t.Errorf("%s is %s", code, kinds[code])
		}
	}
	if slices.Contains(unknownAction, "") {
		t.Error("an empty code")
	}
}
