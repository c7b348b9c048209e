// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestAnErrorIsReadInEveryShape(t *testing.T) {
	denied := rest.Problem{Code: "PAP5.0001", Text: "denied"}
	for name, test := range map[string]struct {
		body string
		want rest.Problem
	}{
		"as IAM 5.0 has it":              {`{"error_code":"PAP5.0001","error_msg":"denied","request_id":"1","encoded_authorization_message":"x"}`, denied},
		"as the SDK is ready for":        {`{"code":"PAP5.0001","message":"denied"}`, denied},
		"nested":                         {`{"error":{"error_code":"PAP5.0001","error_msg":"denied"}}`, denied},
		"nested under another name":      {`{"request_id":"1","fault":{"code":"PAP5.0001","message":"denied"}}`, denied},
		"as classic IAM has it":          {`{"error":{"message":"akSkNumExceed","code":400,"title":"Bad Request"}}`, rest.Problem{Code: "400", Text: "akSkNumExceed"}},
		"in camel case":                  {`{"errorCode":"PAP5.0001","errorMsg":"denied"}`, denied},
		"in camel case, spelt out":       {`{"errorCode":"PAP5.0001","errorMessage":"denied"}`, denied},
		"with a code only":               {`{"error_code":"PAP5.0001"}`, rest.Problem{Code: "PAP5.0001", Text: ""}},
		"with a message only":            {`{"error_msg":"denied"}`, rest.Problem{Code: "", Text: "denied"}},
		"with null in the first place":   {`{"error_code":null,"code":"PAP5.0001","error_msg":"","message":"denied"}`, denied},
		"too deep":                       {`{"a":{"b":{"code":"x"}}}`, rest.Problem{}},
		"with objects in their place":    {`{"error_code":{},"error_msg":[1]}`, rest.Problem{}},
		"nested, behind an empty object": {`{"a":{},"error":{"code":"x"}}`, rest.Problem{Code: "x", Text: ""}},
		"an array":                       {`[{"code":"x"}]`, rest.Problem{}},
		"no JSON":                        {`<html>`, rest.Problem{}},
		"nothing":                        {``, rest.Problem{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decodeProblem([]byte(test.body)); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestTimestampsOfTheGatewayAreNotQuoted(t *testing.T) {
	b := newBed(t, account.Options{})
	b.account.Allow()
	_, first := b.List(t.Context(), "alice")
	_, second := b.List(t.Context(), "alice")
	expectKind(t, first, keyservice.Unauthorized, "PAP5.0001: access denied", "deleteCredentialV5")
	if first.Error() != second.Error() {
		t.Errorf("the text changes:\n%v\n%v", first, second)
	}
}

func TestThrottlingSaysWhenToRetry(t *testing.T) {
	const words = "The throttling threshold has been reached: policy user over ratelimit,limit:10,"
	for name, test := range map[string]struct {
		message string
		want    time.Duration
	}{
		"by the second":        {words + "time:1 second", time.Second},
		"by the minute":        {words + "time:1 minute", time.Minute},
		"by some hours":        {words + "time:9999 hour", time.Hour},
		"in words of its own":  {"slow down", 0},
		"with an endless time": {words + "time:99999999999999999999 second", 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.account.Inject(anyCreate, simulator.Answer(429, nil, `{"error_code":"APIGW.0308","error_msg":"`+test.message+`"}`))
			_, err := b.Create(t.Context(), "alice", ttlIgnored)
			expectKind(t, err, keyservice.Throttled, "429", test.message)
			if got := keyservice.RetryAfterOf(err); got != test.want {
				t.Errorf("RetryAfter %s, want %s", got, test.want)
			}
		})
	}
}
