// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package huawei simulates the part of Huawei Cloud IAM v5 that deals with permanent access keys, and the API gateway in
// front of it that checks signatures, as strictly as the vendor's documents and clients tell it. What they leave open is
// an Option.
package huawei

import (
	"cmp"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// The account, and the user and key that it gives the operator, unless Options name another key.
const (
	DefaultDomainID        = "0d1f2e3c4b5a69788796a5b4c3d2e1f0"
	DefaultAccessKeyID     = "HPUAOPERATOR00000001"
	DefaultSecretAccessKey = "OperatorSecret0123456789abcdefABCDEF0123"
	OperatorName           = "accesskey-operator"
	OperatorID             = "00000000000000000000000000000001"
)

// The actions of an identity policy that the calls take (API reference of IAM 5.0, each call's page).
const (
	ListUsers    = "iam:users:listUsersV5"
	ListKeys     = "iam:credentials:listCredentialsV5"
	CreateKeys   = "iam:credentials:createCredentialV5"
	UpdateKeys   = "iam:credentials:updateCredentialV5"
	DeleteKeys   = "iam:credentials:deleteCredentialV5"
	ShowLastUsed = "iam:credentials:showAccessKeyLastUsedV5"
)

// Shape is the form of an error's body.
type Shape string

// The shapes of an error's body: the first as IAM 5.0 documents it, the next two as the vendor's SDK is ready for, the
// fourth as the classic API's, the fifth as other services of the vendor have it, the last for one that a proxy lost.
const (
	ShapeFlat    Shape = "error_code and error_msg"
	ShapeCode    Shape = "code and message"
	ShapeNested  Shape = "nested"
	ShapeClassic Shape = "classic"
	ShapeCamel   Shape = "errorCode and errorMsg"
	ShapeBare    Shape = "no body"
)

// Pages is how a list goes from page to page.
type Pages string

// The ways from page to page. Only the first two are the documented ones.
const (
	PagesFull  Pages = "full pages"
	PagesShort Pages = "pages that are shorter than the limit, some empty"
	// PagesStuck names the page that it is on, for ever: no service does, but none may hang the operator either.
	PagesStuck Pages = "stuck"
)

// Options are the settings of a simulator. The zero value is a service as the documents describe it, with a default
// wherever they are silent; every field below RateLimit is such a thing that no vendor source confirms.
type Options struct {
	// Clock dates keys and checks signatures; nil: the real one.
	Clock clock.PassiveClock
	// DomainID is the account; AccessKeyID and SecretAccessKey are the operator's; default the constants.
	DomainID, AccessKeyID, SecretAccessKey string
	// PageSize is how many items a page holds at most; default 200, the documented maximum.
	PageSize int
	// RateLimit is how many requests a second are answered, the others with 429; default: all.
	RateLimit int

	// LimitStatus, LimitCode and LimitMessage answer the POST of a third key; default 409, "PAP5.0003" and words after
	// those of other limits. The classic API has 400 and "akSkNumExceed".
	LimitStatus             int
	LimitCode, LimitMessage string
	// InactiveUncounted leaves inactive keys out of the limit.
	InactiveUncounted bool
	// NotFoundCode is the code of the 404 for an unknown user or key; default "IAM.0004", seen for another v5 path.
	NotFoundCode string
	// Shape of the errors' bodies; default ShapeFlat.
	Shape Shape
	// Updated is the body of the 200 for a PUT, such as "{}" or "no body"; default the access_key that the API reference
	// shows.
	Updated string
	// Empty is what an empty list is written as: "[]" (default), "null" or "absent".
	Empty string
	// Pages is how lists go on; default PagesFull.
	Pages Pages
	// Skew is how far X-Sdk-Date may be off; default 15 minutes (signing guide). SkewCode is the code of the 401 beyond it;
	// default "APIGW.0301", which a vendor's FAQ shows; another shows APIGW.0303.
	Skew     time.Duration
	SkewCode string
	// SkewUncounted leaves signatures that are too old or too new out of the count that locks a key.
	SkewUncounted bool
	// NoDate leaves the header Date out of every answer.
	NoDate bool
	// DomainIDOptional answers requests without X-Domain-Id.
	DomainIDOptional bool
	// RetryAfter is that header of a 429, seconds; default: none.
	RetryAfter string
	// Lag is how long a new key is neither listed nor found, and a deleted one still listed.
	Lag time.Duration
	// UsedAtCreation gives a key that was never used the time of its creation as last_used_at, as the console's manual says;
	// the API reference says that the field is absent.
	UsedAtCreation bool
}

func (o Options) withDefaults() Options {
	o.DomainID = cmp.Or(o.DomainID, DefaultDomainID)
	o.AccessKeyID = cmp.Or(o.AccessKeyID, DefaultAccessKeyID)
	o.SecretAccessKey = cmp.Or(o.SecretAccessKey, DefaultSecretAccessKey)
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
