// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"net/http"
	"slices"

	"accesskey.dev/operator/internal/keyservice"
)

// awsShapes: as AWS documents an error, and as other servers write it.
func awsShapes(code, words string) []shape {
	said := "<Code>" + code + "</Code><Message>" + words + "</Message>"
	return []shape{
		{name: "an ErrorResponse", body: awsError(code, words)},
		{name: "a bare Error, as in S3", body: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>" + said + "<RequestId>r</RequestId></Error>"},
		{name: "a list of errors", body: "<ErrorResponse><Errors><Error>" + said + "</Error></Errors></ErrorResponse>"},
		{name: "a prefix and another order", body: `<ns2:ErrorResponse xmlns:ns2="https://iam.amazonaws.com/doc/2010-05-08/"><ns2:RequestId>r</ns2:RequestId>` +
			"<ns2:Error><ns2:Message>" + words + "</ns2:Message><ns2:Code>" + code + "</ns2:Code></ns2:Error></ns2:ErrorResponse>"},
		{name: "a code only", body: "<ErrorResponse><Error><Code>" + code + "</Code></Error></ErrorResponse>"},
		emptyObject, emptyBody, proxyPage,
	}
}

// awsAnswers of AWS, and of the servers that speak the same API.
var awsAnswers = slices.Concat(
	cross(opList, awsList, kinds(false), awsShapes("Unheard", "words"), awsStrange),
	cross(opCreate, awsCreate, kinds(true), awsShapes("Unheard", "words"), awsStrange),
	cross(opDelete, awsDelete, kinds(false), awsShapes("Unheard", "words"), awsStrange),
	cross(opDisable, awsDisable, kinds(false), awsShapes("Unheard", "words"), awsStrange),
	cross(opEnable, awsEnable, kinds(false), awsShapes("Unheard", "words"), awsStrange),
	cross(opLastUsed, awsUsed, kinds(false), awsShapes("Unheard", "words"), awsStrange),
	cross(opResolve, awsUser, kinds(false), awsShapes("Unheard", "words"), awsStrange),
	cross(opConnect, awsCaller, kinds(false), awsShapes("Unheard", "words"), awsWithoutSTS),
	cross(opConnect, awsSummary, awsWithoutSummary, awsShapes("Unheard", "words"), awsStrange),
	full(cross(opCreate, awsCreate, map[int]keyservice.Kind{400: keyservice.QuotaExceeded, 403: keyservice.QuotaExceeded, 409: keyservice.QuotaExceeded},
		awsShapes("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")[:5], nil)),
	awsCodes(opList, awsList, false), awsCodes(opCreate, awsCreate, true), awsCodes(opDelete, awsDelete, false), awsCodes(opDisable, awsDisable, false),
	awsCodes(opEnable, awsEnable, false), awsCodes(opProbe, awsCaller, false), awsCodes(opResolve, awsUser, false),
	[]documented{
		{op: opConnect, request: awsSummary, name: "403 without the right", status: 403, body: awsError("AccessDenied", "not authorized to perform: iam:GetAccountSummary")},
		{op: opConnect, request: awsSummary, name: "501 by SeaweedFS", status: 501, body: awsError("NotImplemented", "not implemented")},
		{op: opConnect, request: awsCaller, name: "400 without STS", status: 400, body: awsError("InvalidAction", "Could not find operation GetCallerIdentity for version 2011-06-15")},
		{op: opConnect, request: awsCaller, name: "405 without STS", status: 405, body: awsError("MethodNotAllowed", "")},
		{op: opProbe, request: awsCaller, name: "501 without STS", status: 501, body: awsError("NotImplemented", "not implemented")},
		{op: opLastUsed, request: awsUsed, name: "404 of the key", status: 404, body: awsError("NoSuchEntity", "The Access Key with id X cannot be found"), want: expected{kind: keyservice.NotFound}},
		{op: opList, request: awsList, name: "404 of the user", status: 404, body: awsError("NoSuchEntity", "The user with name X cannot be found."), want: expected{kind: keyservice.NotFound}},
		{op: opCreate, request: awsCreate, name: "404 of the user", status: 404, body: awsError("NoSuchEntity", "The user with name X cannot be found."), want: expected{kind: keyservice.NotFound}},
		{op: opDelete, request: awsDelete, name: "404 of the key", status: 404, body: awsError("NoSuchEntity", "The Access Key with id X cannot be found")},
		{op: opDisable, request: awsDisable, name: "404 of the key", status: 404, body: awsError("NoSuchEntity", "The Access Key with id X cannot be found")},
		{op: opEnable, request: awsEnable, name: "404 of the key", status: 404, body: awsError("NoSuchEntity", "The Access Key with id X cannot be found"), want: expected{kind: keyservice.NotFound}},
		{op: opCreate, request: awsCreate, name: "409 of a request limit, with room for a key", status: 409, body: awsError("LimitExceeded", "Too many requests"), want: throttled},
		{op: opDelete, request: awsDelete, name: "409 of a request limit", status: 409, body: awsError("LimitExceeded", "x"), want: throttled},
		{op: opCreate, request: awsCreate, name: "403 of a read-only SeaweedFS", status: 403, body: awsError("AccessDenied", "IAM write operations are disabled on this server"), want: expected{kind: keyservice.Unauthorized}},
	},
)

// awsWithoutSummary: many servers do not know the call, and say so in many ways. The quota is then that of AWS.
var awsWithoutSummary = map[int]keyservice.Kind{
	400: "", 403: keyservice.Unauthorized, 404: "", 405: "", 409: "", 422: "", 429: keyservice.Throttled,
	500: keyservice.Unavailable, 502: keyservice.Unavailable, 503: keyservice.Unavailable,
}

// awsStrange: a body that is no XML is not the service's own, so that a refusal decides nothing.
func awsStrange(d *documented, s shape) {
	if strange := s == emptyObject || s == proxyPage; strange && (d.want.kind == keyservice.Invalid || d.want.kind == "") {
		d.want = unavailable
	}
}

// awsWithoutSTS: a server that does not know the call lacks STS, and the account is then not known.
func awsWithoutSTS(d *documented, s shape) {
	if awsStrange(d, s); d.status == http.StatusNotFound || d.status == http.StatusServiceUnavailable {
		d.want = fine
	}
}

// awsCodes are those that mean the same for every request, whatever the status.
func awsCodes(op string, r request, unsafe bool) []documented {
	invalid, unauthorized := expected{kind: keyservice.Invalid}, expected{kind: keyservice.Unauthorized}
	unanswered := unavailable
	if unsafe {
		unanswered = ambiguous
	}
	down := unanswered
	if r.optional {
		down = fine
	}
	return answersOf(op, r, awsError, []coded{
		{400, "ValidationError", "1 validation error detected: Value at 'userName' failed to satisfy constraint", invalid},
		{400, "InvalidInput", "invalid input", invalid},
		{400, "MalformedInput", "", invalid},
		{400, "MissingParameter", "The request must contain the parameter UserName.", invalid},
		{400, "IncompleteSignature", "The request signature does not conform to AWS standards.", invalid},
		{403, "InvalidClientTokenId", "The security token included in the request is invalid.", unauthorized},
		{403, "InvalidAccessKeyId", "The access key ID you provided does not exist in our records.", unauthorized},
		{403, "SignatureDoesNotMatch", "Signature expired: 20261128T114459Z is now earlier than 20261128T114500Z (20261128T120000Z - 15 min.)", unauthorized},
		{400, "ExpiredTokenException", "The security token included in the request is expired", unauthorized},
		{403, "ExpiredToken", "The security token included in the request is expired", unauthorized},
		{400, "RequestExpired", "Request has expired.", unauthorized},
		{403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", unauthorized},
		{403, "MissingAuthenticationToken", "Request is missing Authentication Token", unauthorized},
		{403, "UserSuspended", "", unauthorized},
		{403, "AccessDenied", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: iam:CreateAccessKey on resource: user alice", unauthorized},
		{400, "Throttling", "Rate exceeded", throttled},
		{400, "ThrottlingException", "Rate exceeded", throttled},
		{400, "RequestLimitExceeded", "Request limit exceeded.", throttled},
		{429, "TooManyRequestsException", "", throttled},
		{503, "SlowDown", "Please reduce your request rate.", throttled},
		{409, "ConcurrentModification", "multiple requests to change this object were submitted simultaneously", unavailable},
		{409, "EntityTemporarilyUnmodifiable", "try again after waiting several minutes", unavailable},
		{503, "InvalidInput", "", down},
		{500, "ServiceFailure", "The request processing has failed", unanswered},
		{500, "InternalFailure", "The request processing has failed", unanswered},
		{503, "ServiceUnavailable", "Service unavailable", down},
	})
}
