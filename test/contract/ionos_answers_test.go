// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"net/http"
	"slices"

	"accesskey.dev/operator/internal/keyservice"
)

// ionosShapes: httpStatus and messages are both optional (the vendor's API document).
var ionosShapes = []shape{
	{name: "both members", body: `{"httpStatus":422,"messages":[{"errorCode":"err-1234","message":"words"}]}`},
	{name: "messages only", body: `{"messages":[{"errorCode":"err-1234","message":"words"},{"message":"more words"}]}`},
	{name: "httpStatus only", body: `{"httpStatus":422}`},
	{name: "a number for errorCode", body: `{"httpStatus":422,"messages":[{"errorCode":1234,"message":"words"}]}`},
	{name: "a text for httpStatus", body: `{"httpStatus":"422","messages":[{"message":"words"}]}`},
	{name: "null members", body: `{"httpStatus":null,"messages":null}`, silent: true},
	emptyObject, emptyBody, proxyPage,
}

const ionosPrivilege = `{"httpStatus":422,"messages":[{"errorCode":"err-1","message":` +
	`"The user needs to be part of a group that has ACCESS_S3_OBJECT_STORAGE privilege"}]}`

// ionosAnswers of the IONOS Object Storage Management API: the statuses of its document.
var ionosAnswers = slices.Concat(
	cross(opList, ionosList, kinds(false), ionosShapes, nil),
	cross(opListAll, ionosList, kinds(false), ionosShapes, nil),
	cross(opProbe, ionosList, kinds(false), ionosShapes, nil),
	cross(opCreate, ionosPut, kinds(true), ionosShapes, nil),
	full(cross(opCreate, ionosPut, map[int]keyservice.Kind{
		400: keyservice.QuotaExceeded, 403: keyservice.QuotaExceeded, 409: keyservice.QuotaExceeded, 422: keyservice.QuotaExceeded,
	}, ionosShapes, nil)),
	cross(opRegenerate, ionosRegenerate, kinds(true), ionosShapes, nil),
	cross(opDelete, ionosGone, kinds(false), ionosShapes, func(d *documented, s shape) {
		if d.status == http.StatusNotFound && !s.silent {
			d.want = fine
		}
	}),
	[]documented{
		{op: opCreate, request: ionosPut, name: "422 without the privilege", status: 422, body: ionosPrivilege, want: expected{kind: keyservice.Unauthorized}},
		{op: opRegenerate, request: ionosRegenerate, name: "422 without the privilege", status: 422, body: ionosPrivilege, want: expected{kind: keyservice.Unauthorized}},
		{op: opCreate, request: ionosPut, name: "409 taken by another party", status: 409, body: `{"httpStatus":409,"messages":[{"errorCode":"err-1","message":` +
			`"The UUID is already taken by another party, follow the guides to generate UUIDs uniquely."}]}`, want: expected{kind: keyservice.Invalid}},
	},
)
