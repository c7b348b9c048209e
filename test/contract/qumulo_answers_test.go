// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"net/http"
	"slices"

	"accesskey.dev/operator/internal/keyservice"
)

func qumuloError(class string) string {
	return fmt.Sprintf(`{"module":"qm","error_class":%q,"description":"words","stack":["qm::refuse"],"user_visible":true,"inner":null}`, class)
}

// qumuloShapes: every member of an error's body is optional, and so is the body (request.py of the vendor's tool).
var qumuloShapes = []shape{
	{name: "every member", body: qumuloError("some_error")},
	{name: "a class only", body: `{"error_class":"some_error"}`},
	{name: "the class inside", body: `{"inner":{"error_class":"some_error","description":"words"}}`},
	{name: "a byte order mark", body: "\ufeff" + qumuloError("some_error")},
	{name: "a description only", body: `{"description":"words"}`, silent: true},
	{name: "null members", body: `{"module":null,"error_class":null,"description":null,"inner":null}`, silent: true},
	emptyObject, emptyBody, proxyPage,
}

// qumuloAnswers of Qumulo Core: statuses and classes of its documents, its tool and of live clusters.
var qumuloAnswers = slices.Concat(
	cross(opList, qumuloList, kinds(false), qumuloShapes, nil),
	cross(opListAll, qumuloList, kinds(false), qumuloShapes, nil),
	cross(opProbe, qumuloSelf, kinds(false), qumuloShapes, nil),
	cross(opProbe, qumuloVer, kinds(false), qumuloShapes, nil),
	// A refused login is about the credentials, unless the service is unavailable.
	cross(opList, qumuloLogin, kinds(false), qumuloShapes, func(d *documented, s shape) {
		if d.want.kind == keyservice.Invalid && s != proxyPage {
			d.want.kind = keyservice.Unauthorized
		}
	}),
	cross(opList, qumuloFind, kinds(false), qumuloShapes, func(d *documented, _ shape) {
		if d.status == http.StatusBadRequest || d.status == http.StatusNotFound {
			d.want.kind = keyservice.NotFound
		}
	}),
	cross(opCreate, qumuloPost, kinds(true), qumuloShapes, func(d *documented, s shape) {
		if d.status == http.StatusNotFound || (d.status == http.StatusBadRequest && s.silent) {
			d.want.kind = keyservice.NotFound
		}
	}),
	full(cross(opCreate, qumuloPost, clientErrors, qumuloShapes[:len(qumuloShapes)-1], nil)),
	cross(opDelete, qumuloGone, kinds(false), qumuloShapes, func(d *documented, s shape) {
		if d.status == http.StatusNotFound && !s.silent {
			d.want = fine // after an unexplained 404, the list decides
		}
	}),
	qumuloClasses(opList, qumuloFind), qumuloClasses(opCreate, qumuloPost),
	[]documented{
		{op: opCreate, request: qumuloPost, name: "409 s3_access_key_limit_reached_error", status: 409,
			body: qumuloError("s3_access_key_limit_reached_error"), want: expected{kind: keyservice.QuotaExceeded}},
		{op: opDelete, request: qumuloGone, name: "404 rest_not_found_error", status: 404, body: qumuloError("rest_not_found_error")},
	},
)

// clientErrors may be how a limit is answered of which no source tells the status.
var clientErrors = map[int]keyservice.Kind{
	400: keyservice.QuotaExceeded, 409: keyservice.QuotaExceeded, 412: keyservice.QuotaExceeded, 422: keyservice.QuotaExceeded,
}

func full(rows []documented) []documented {
	for i := range rows {
		rows[i].full = true
	}
	return rows
}

// qumuloClasses are those of the vendor's documents about identities, with the status that live clusters give them.
func qumuloClasses(op string, r request) []documented {
	var rows []documented
	for class, kind := range map[string]keyservice.Kind{
		"cred_invalid_local_user_error":          keyservice.NotFound,
		"cred_invalid_sid_error":                 keyservice.NotFound,
		"cred_error":                             keyservice.NotFound,
		"cred_identity_not_supported_error":      keyservice.Invalid,
		"cred_remote_resource_unavailable_error": keyservice.Unavailable,
		"decode_error":                           keyservice.Invalid,
	} {
		rows = append(rows, documented{op: op, request: r, name: "400 " + class, status: 400, body: qumuloError(class), want: expected{kind: kind}})
	}
	return rows
}
