// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package huawei simulates the permanent access keys of Huawei Cloud IAM v5 and the API gateway in front of it, which verifies
// signatures. The simulator is as strict as the vendor's documents and clients require. Options has a field for each
// behaviour that they leave open.
package huawei

import (
	"cmp"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// These constants are the default account, and the user and the key of the operator.
const (
	DefaultDomainID        = "0d1f2e3c4b5a69788796a5b4c3d2e1f0"
	DefaultAccessKeyID     = "HPUAOPERATOR00000001"
	DefaultSecretAccessKey = "OperatorSecret0123456789abcdefABCDEF0123"
	OperatorName           = "accesskey-operator"
	OperatorID             = "00000000000000000000000000000001"
)

// Shape is the shape of an error body.
type Shape string

// IAM 5.0 documents ShapeFlat. The vendor's SDK also understands ShapeCode and ShapeNested. The classic API uses ShapeClassic
// and other services of the vendor use ShapeCamel. ShapeBare simulates a proxy that drops the body.
const (
	ShapeFlat    Shape = "error_code and error_msg"
	ShapeCode    Shape = "code and message"
	ShapeNested  Shape = "nested"
	ShapeClassic Shape = "classic"
	ShapeCamel   Shape = "errorCode and errorMsg"
	ShapeBare    Shape = "no body"
)

// Pages is the paging behaviour of lists.
type Pages string

// The documents allow PagesFull and PagesShort.
const (
	PagesFull  Pages = "full pages"
	PagesShort Pages = "pages that are shorter than the limit, some empty"
)

// Options configures a simulator. The zero value is the documented service. The fields below RateLimit are behaviours that
// no source of the vendor confirms. Each of them has a default.
type Options struct {
	// Clock provides the time for keys and signatures; default: the real clock.
	Clock clock.PassiveClock
	// DomainID is the account; default: DefaultDomainID.
	DomainID string
	// PageSize is the maximum number of items per page; default: 200, the documented maximum.
	PageSize int
	// RateLimit is the number of requests per second before the gateway responds with 429; default: no limit.
	RateLimit int

	// LimitStatus, LimitCode and LimitMessage are the response to creating a third key; default: 409, "PAP5.0003" and a
	// message like those of other limits. The classic API responds with 400 and "akSkNumExceed".
	LimitStatus             int
	LimitCode, LimitMessage string
	// InactiveUncounted excludes inactive keys from the limit.
	InactiveUncounted bool
	// NotFoundCode is the code of the 404 for an unknown user or key; default: "IAM.0004", which another v5 path returns.
	NotFoundCode string
	// Shape is the shape of error bodies; default: ShapeFlat.
	Shape Shape
	// Updated is the body of the response to a PUT, such as "{}" or "no body"; default: the access_key, as in the API
	// reference.
	Updated string
	// Empty is the form of an empty list: "[]" (default), "null" or "absent".
	Empty string
	// Pages is the paging behaviour of lists; default: PagesFull.
	Pages Pages
	// Skew is the allowed offset of X-Sdk-Date; default: 15 minutes (signing guide). SkewCode is the code of the 401 for a
	// larger offset; default: "APIGW.0301", as in one FAQ of the vendor. Another FAQ shows APIGW.0303.
	Skew     time.Duration
	SkewCode string
	// SkewUncounted excludes signatures that are too old or too new from the failures that lock a key.
	SkewUncounted bool
	// NoDate removes the Date header from every response.
	NoDate bool
	// DomainIDOptional accepts requests without X-Domain-Id.
	DomainIDOptional bool
	// RetryAfter is the Retry-After header of a 429 in seconds; default: no header.
	RetryAfter string
	// Lag is the list lag: how long a new key is neither listed nor found, and how long a deleted key is still listed.
	Lag time.Duration
	// UsedAtCreation reports the creation time as last_used_at of a key that was never used, as in the user guide of the
	// console. By default the field is absent, as in the API reference.
	UsedAtCreation bool
}

func (o Options) withDefaults() Options {
	o.DomainID = cmp.Or(o.DomainID, DefaultDomainID)
	o.PageSize = cmp.Or(o.PageSize, 200)
	o.LimitStatus = cmp.Or(o.LimitStatus, http.StatusConflict)
	o.LimitCode = cmp.Or(o.LimitCode, "PAP5.0003")
	o.LimitMessage = cmp.Or(o.LimitMessage, "access keys per user limit exceeded")
	o.NotFoundCode = cmp.Or(o.NotFoundCode, "IAM.0004")
	o.Shape = cmp.Or(o.Shape, ShapeFlat)
	o.Empty = cmp.Or(o.Empty, "[]")
	o.Pages = cmp.Or(o.Pages, PagesFull)
	o.Skew = cmp.Or(o.Skew, 15*time.Minute)
	o.SkewCode = cmp.Or(o.SkewCode, gatewayUnauthorized)
	return o
}
