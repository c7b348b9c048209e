// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// huaweiShapes: as IAM 5.0 documents an error, and what the vendor's SDK is ready for beside that.
func huaweiShapes(code, words string) []shape {
	return []shape{
		{name: "error_code and error_msg", body: huaweiError(code, words)},
		{name: "the authorization message", body: fmt.Sprintf(
			`{"error_code":%q,"error_msg":%q,"request_id":"r","encoded_authorization_message":"m"}`, code, words)},
		{name: "code and message", body: fmt.Sprintf(`{"code":%q,"message":%q}`, code, words)},
		{name: "camel case", body: fmt.Sprintf(`{"errorCode":%q,"errorMsg":%q}`, code, words)},
		{name: "a nested error", body: fmt.Sprintf(`{"error":{"error_code":%q,"error_msg":%q},"request_id":"r"}`, code, words)},
		{name: "a nested code", body: fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, words)},
		{name: "the classic form", body: fmt.Sprintf(`{"error":{"message":%q,"code":400,"title":"Bad Request"}}`, words)},
		{name: "a code only", body: fmt.Sprintf(`{"error_code":%q}`, code)},
		emptyObject, emptyBody, proxyPage,
	}
}

func huaweiError(code, words string) string {
	return fmt.Sprintf(`{"error_code":%q,"error_msg":%q,"request_id":"r"}`, code, words)
}

var huaweiPlain = huaweiShapes("IAM.0007", "words")

// huaweiAnswers of Huawei Cloud IAM v5 and of the API gateway in front of it.
var huaweiAnswers = slices.Concat(
	cross(opList, huaweiList, kinds(false), huaweiPlain, huaweiMissing(keyservice.NotFound)),
	cross(opCreate, huaweiPost, kinds(true), huaweiPlain, huaweiMissing(keyservice.NotFound)),
	cross(opLastUsed, huaweiUsed, kinds(false), huaweiPlain, huaweiMissing(keyservice.NotFound)),
	cross(opDisable, huaweiDisable, kinds(false), huaweiPlain, huaweiMissing("")),
	cross(opEnable, huaweiEnable, kinds(false), huaweiPlain, huaweiMissing(keyservice.NotFound)),
	cross(opDelete, huaweiGone, kinds(false), huaweiPlain, huaweiMissing("")),
	full(cross(opCreate, huaweiPost, clientErrors, huaweiShapes("PAP5.0003", "access keys per user limit exceeded"), nil)),
	full(cross(opCreate, huaweiPost, map[int]keyservice.Kind{400: keyservice.QuotaExceeded}, huaweiShapes("IAM.0", "akSkNumExceed"), nil)),
	huaweiCodes(opList, huaweiUsers, false), huaweiCodes(opList, huaweiList, false), huaweiCodes(opCreate, huaweiPost, true),
	huaweiCodes(opDisable, huaweiDisable, false), huaweiCodes(opEnable, huaweiEnable, false), huaweiCodes(opDelete, huaweiGone, false), huaweiCodes(opProbe, huaweiUsers, false),
)

// huaweiMissing: a 404 with the service's own words says that the user or key is not there, and a silent one nothing. After
// a 401, nothing is sent for a minute.
func huaweiMissing(kind keyservice.Kind) func(*documented, shape) {
	return func(d *documented, s shape) {
		switch {
		case d.status == http.StatusNotFound && !s.silent:
			d.want.kind = kind
		case d.status == http.StatusUnauthorized:
			d.want.retry = time.Minute
		}
	}
}

// huaweiCodes are those of the vendor's documents that mean the same for every request.
func huaweiCodes(op string, r request, unsafe bool) []documented {
	locked := expected{kind: keyservice.Unauthorized, retry: time.Minute}
	invalid := expected{kind: keyservice.Invalid}
	unanswered := unavailable
	if unsafe {
		unanswered = ambiguous
	}
	return answersOf(op, r, huaweiError, []coded{
		{400, "PAP5.0010", "invalid marker", invalid},
		{400, "PAP5.0011", "malformed policy", invalid},
		{400, "PAP5.0033", "duplicate key", invalid},
		{400, "PAP5.0040", "invalid caller", invalid},
		{400, "PAP5.0046", "missing header x-user-profile", invalid},
		{401, "APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail", locked},
		{401, "APIGW.0301", "Incorrect IAM authentication information: Get secretKey failed,ak:AK,err:ak not exist", locked},
		{401, "APIGW.0301", "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden.", locked},
		{403, "PAP5.0001", "access denied: no identity-based policy allows the action", expected{kind: keyservice.Unauthorized}},
		{404, "APIGW.0101", "The API does not exist or has not been published in the environment", unavailable},
		{409, "PAP5.0028", "versions per policy limit exceeded", invalid},
		{429, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit,limit:10,time:1 second", retry(time.Second)},
		{429, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit,limit:100,time:1 minute", retry(time.Minute)},
		{403, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit,limit:3,time:1 second", retry(time.Second)},
		{400, "APIGW.0308", "limit exceeded", throttled},
		{504, "APIGW.0201", "Backend timeout.", unanswered},
	})
}
