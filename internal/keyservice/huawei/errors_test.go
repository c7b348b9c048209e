// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestAnErrorIsReadInEveryShape(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want problem
	}{
		"as IAM 5.0 has it":              {`{"error_code":"PAP5.0001","error_msg":"denied","request_id":"1","encoded_authorization_message":"x"}`, problem{"PAP5.0001", "denied"}},
		"as the SDK is ready for":        {`{"code":"PAP5.0001","message":"denied"}`, problem{"PAP5.0001", "denied"}},
		"nested":                         {`{"error":{"error_code":"PAP5.0001","error_msg":"denied"}}`, problem{"PAP5.0001", "denied"}},
		"nested under another name":      {`{"request_id":"1","fault":{"code":"PAP5.0001","message":"denied"}}`, problem{"PAP5.0001", "denied"}},
		"as classic IAM has it":          {`{"error":{"message":"akSkNumExceed","code":400,"title":"Bad Request"}}`, problem{"400", "akSkNumExceed"}},
		"in camel case":                  {`{"errorCode":"PAP5.0001","errorMsg":"denied"}`, problem{"PAP5.0001", "denied"}},
		"in camel case, spelt out":       {`{"errorCode":"PAP5.0001","errorMessage":"denied"}`, problem{"PAP5.0001", "denied"}},
		"with a code only":               {`{"error_code":"PAP5.0001"}`, problem{"PAP5.0001", ""}},
		"with a message only":            {`{"error_msg":"denied"}`, problem{"", "denied"}},
		"with null in the first place":   {`{"error_code":null,"code":"PAP5.0001","error_msg":"","message":"denied"}`, problem{"PAP5.0001", "denied"}},
		"too deep":                       {`{"a":{"b":{"code":"x"}}}`, problem{}},
		"with objects in their place":    {`{"error_code":{},"error_msg":[1]}`, problem{}},
		"nested, behind an empty object": {`{"a":{},"error":{"code":"x"}}`, problem{"x", ""}},
		"an array":                       {`[{"code":"x"}]`, problem{}},
		"no JSON":                        {`<html>`, problem{}},
		"nothing":                        {``, problem{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decodeProblem([]byte(test.body)); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestTheServicesWordsAreCutAndCleaned(t *testing.T) {
	b := newBed(t, account.Options{})
	body := `{"error_code":"IAM.0007","error_msg":"line\nbreak\u0000\u001b[31m ` + strings.Repeat("long ", 200) + `"}`
	b.account.Inject(anyCreate, simulator.Answer(400, nil, body))
	_, err := b.Create(t.Context(), "alice", ttlIgnored)
	expectKind(t, err, keyservice.Invalid, "IAM.0007: line break[31m long", "…")
	if strings.ContainsAny(err.Error(), "\n\x00\x1b") || len(err.Error()) > 400 {
		t.Errorf("got %q", err)
	}
}

func TestTheServicesWordsNeverTellTheSecret(t *testing.T) {
	b := newBed(t, account.Options{})
	b.account.Inject(anyCreate, simulator.Answer(400, nil, `{"message":"signed with `+account.DefaultSecretAccessKey+`"}`))
	_, err := b.Create(t.Context(), "alice", ttlIgnored)
	expectKind(t, err, keyservice.Invalid, "signed with [redacted]")
}

func TestWhatDiffersFromAnswerToAnswerIsNotQuoted(t *testing.T) {
	b := newBed(t, account.Options{})
	b.account.Allow()
	_, first := b.List(t.Context(), "alice")
	_, second := b.List(t.Context(), "alice")
	expectKind(t, first, keyservice.Unauthorized, "PAP5.0001: access denied", "deleteCredentialV5")
	if first.Error() != second.Error() {
		t.Errorf("the text changes:\n%v\n%v", first, second)
	}
}

func TestThrottlingTellsWhenToComeBack(t *testing.T) {
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

func TestTheSimulatorsLimitOfRequestsIsKept(t *testing.T) {
	for retryAfter, want := range map[string]time.Duration{"": time.Second, "7": 7 * time.Second} {
		t.Run("with the header "+retryAfter, func(t *testing.T) {
			b := newBed(t, account.Options{RateLimit: 1, RetryAfter: retryAfter})
			if _, err := b.List(t.Context(), b.alice); err != nil {
				t.Fatal(err)
			}
			_, err := b.List(t.Context(), b.alice)
			expectKind(t, err, keyservice.Throttled, "APIGW.0308")
			if got := keyservice.RetryAfterOf(err); got != want {
				t.Errorf("RetryAfter %s, want %s", got, want)
			}
			b.pass(time.Second)
			if _, err := b.List(t.Context(), b.alice); err != nil {
				t.Error(err)
			}
		})
	}
}
