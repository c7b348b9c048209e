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

// ontapShapes have no code that means anything.
var ontapShapes = []shape{
	{name: "an unknown code", body: `{"error":{"code":"92405999","message":"words","target":"name"}}`},
	{name: "a message only", body: `{"error":{"message":"words"}}`, silent: true},
	{name: "null members", body: `{"error":{"code":null,"message":null}}`, silent: true},
	{name: "a null error", body: `{"error":null}`, silent: true},
	{name: "a text for the error", body: `{"error":"words"}`, silent: true},
	emptyObject, emptyBody, proxyPage,
}

// unapproved: another administrator has to approve the change (multi-admin verification).
var unapproved = expected{kind: keyservice.Invalid, reason: "ApprovalRequired", retry: 5 * time.Minute}

// ontapAccepted are answers with status 202 to a change: it waits for an approval, or goes on in a job. Of the former, NetApp's
// sources tell the error of Ansible's na_ontap_mav_config and the request of the API reference.
func ontapAccepted(op string, r request) []documented {
	job := ambiguous
	if !r.unsafe {
		job = unavailable
	}
	const id, link = `"uuid":"f95a2f1a-1b0c-11ec-8a2c-005056bb0fd0"`, "/api/security/multi-admin-verify/requests/3"
	var rows []documented
	for body, want := range map[string]expected{
		`{"error":{"code":"262325","message":"The security multi-admin-verify request (index 3) requires approval."}}`:    unapproved,
		`{"num_records":1,"records":[{"index":3,"state":"pending","required_approvers":1,"pending_approvers":1}]}`:        unapproved,
		`{"_links":{"self":{"href":"` + link + `"}}}`:                                                                     unapproved,
		`{"message":"Request to perform delete operation is pending approval.","request_id":3}`:                           unapproved,
		`{"job":{` + id + `,"error":{"message":"The security multi-admin-verify request (index 3) requires approval."}}}`: unapproved,
		`{"job":{` + id + `,"description":"POST ` + ontapUsers + `/approver"}}`:                                           job,
		`{"num_records":1,"records":[{"name":"approval","comment":"approved by multi-admin"}]}`:                           job,
		`{}`: job,
		``:   job,
		html: job,
	} {
		// If the user cannot be deleted, its key is.
		rows = append(rows, documented{op: op, request: r, name: "202 with " + body, status: 202, body: body, want: want, otherwise: op == opDelete && want == unapproved})
	}
	return rows
}

// ontapKinds: without a code, 404 and 405 are some other server's.
func ontapKinds(unsafe bool) map[int]keyservice.Kind {
	all := kinds(unsafe)
	all[405] = keyservice.Unavailable
	return all
}

// ontapAnswers of ONTAP's REST API.
var ontapAnswers = slices.Concat(
	cross(opList, ontapVersion, ontapKinds(false), ontapShapes, nil),
	cross(opList, ontapSVM, ontapKinds(false), ontapShapes, nil),
	cross(opList, ontapRead, ontapKinds(false), ontapShapes, nil),
	cross(opListAll, ontapList, ontapKinds(false), ontapShapes, nil),
	cross(opProbe, ontapList, ontapKinds(false), ontapShapes, nil),
	cross(opConnect, ontapVersion, ontapKinds(false), ontapShapes, nil),
	cross(opRegenerate, ontapRegenerate, ontapKinds(true), ontapShapes, nil),
	cross(opDeleteOneOf, ontapEmpty, ontapKinds(false), ontapShapes, nil),
	// The general guide's 409 is for what exists already; that guide gives it the code 1, and no source says it of users.
	cross(opCreate, ontapPost, ontapKinds(true), ontapShapes, func(d *documented, s shape) {
		if d.status == http.StatusConflict && s != proxyPage {
			d.want.reason = "UserExists"
		}
	}),
	// If the user cannot be deleted, its key is.
	cross(opDelete, ontapGone, ontapKinds(false), ontapShapes, func(d *documented, s shape) {
		if (d.want.kind == keyservice.Invalid && s != proxyPage) || d.want.kind == keyservice.Unauthorized {
			d.want, d.otherwise = fine, true
		}
	}),
	ontapCodes(opCreate, ontapPost), ontapCodes(opRegenerate, ontapRegenerate),
	ontapAccepted(opCreate, ontapPost), ontapAccepted(opCreateBeside, ontapRegenerate), ontapAccepted(opRegenerate, ontapRegenerate),
	ontapAccepted(opDelete, ontapGone), ontapAccepted(opDeleteOneOf, ontapEmpty),
	ontapCode(opList, ontapRead, 4, fine), ontapCode(opDelete, ontapGone, 4, fine), ontapCode(opDeleteOneOf, ontapEmpty, 4, fine),
	ontapCode(opListAll, ontapList, 4, expected{kind: keyservice.Invalid, reason: "SVMNotFound"}),
	ontapCode(opCreate, ontapPost, 4, expected{kind: keyservice.Invalid, reason: "SVMNotFound"}),
	ontapCode(opRegenerate, ontapRegenerate, 4, expected{kind: keyservice.NotFound}),
	ontapCode(opCreateBeside, ontapRegenerate, 4, unavailable), // deleted meanwhile
)

// ontapCodes are those of the API reference of POST and PATCH, and of the general guide.
func ontapCodes(op string, r request) []documented {
	var rows []documented
	invalid, ttl := expected{kind: keyservice.Invalid}, expected{kind: keyservice.Invalid, reason: "TTLUnsupported"}
	svm, denied := expected{kind: keyservice.Invalid, reason: "SVMNotFound"}, expected{kind: keyservice.Unauthorized}
	for code, want := range map[int]expected{
		1: {kind: keyservice.Invalid, reason: "UserExists"}, 2: invalid, 3: invalid, 6: denied,
		92405773: svm, 92405787: invalid, 92405788: invalid, 92405791: ambiguous, 92405792: ambiguous, 92405817: svm,
		92406080: invalid, 92406081: ambiguous, 92406082: invalid, 92406083: ttl, 92406088: invalid, 92406096: denied,
		92406097: ambiguous, 92406108: invalid, 92406196: ttl, 92406197: ttl, 92406200: invalid, 92406201: invalid,
		92406202: invalid, 92406205: invalid, 92406308: invalid, 262325: unapproved,
	} {
		rows = append(rows, ontapCode(op, r, code, want)...)
	}
	return rows
}

// ontapCode is one code with each status that it may have, of which the documents say little, and as the text of the API
// reference and the number of the general guide.
func ontapCode(op string, r request, code int, want expected) []documented {
	var rows []documented
	for _, status := range []int{400, 403, 404, 405, 409, 500} {
		for name, written := range map[string]string{"a text": fmt.Sprintf(`"%d"`, code), "a number": fmt.Sprint(code)} {
			rows = append(rows, documented{
				op: op, request: r, name: fmt.Sprintf("%d with code %d as %s", status, code, name), status: status, want: want,
				body: fmt.Sprintf(`{"error":{"code":%s,"message":"words","target":"name","arguments":[{"code":"1","message":"x"}]}}`, written),
			})
		}
	}
	return rows
}
