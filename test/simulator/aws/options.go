// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package aws simulates the access keys of AWS IAM and of the servers that implement the same Query API, with the calls of STS that
// belong to them. The simulator is as strict as AWS: it recomputes every signature with the signer of the vendor's SDK. Options has a
// field for each behaviour in which the servers differ, or that AWS leaves open.
package aws

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// These constants are the default account, and the user and the key of the operator.
const (
	DefaultAccountID       = "123456789012"
	DefaultRegion          = "us-east-1"
	DefaultAccessKeyID     = "AKIAOPERATOR00000001"
	DefaultSecretAccessKey = "OperatorSecret/0123456789+abcdefABCDEF01"
	OperatorName           = "accesskey-operator"
	OperatorPath           = "/operators/"
)

// Shape is the shape of an error body.
type Shape string

// AWS and most servers use ShapeWrapped. S3 servers that also implement IAM often use ShapeBare. ShapeList is that of moto.
const (
	ShapeWrapped Shape = "ErrorResponse with an Error"
	ShapeBare    Shape = "Error, as in S3"
	ShapeList    Shape = "ErrorResponse with Errors"
)

// Markup is how XML is written.
type Markup string

// AWS writes MarkupNamespace. MarkupPlain has neither a namespace nor ResponseMetadata (Ceph). MarkupPrefix has the prefix ns2 on
// every element, and the elements in reverse order (Dell ECS writes ResponseMetadata first).
const (
	MarkupNamespace Markup = "a default namespace"
	MarkupPlain     Markup = "no namespace and no ResponseMetadata"
	MarkupPrefix    Markup = "the prefix ns2 and another order"
)

// Dates is how lists show when a key was created.
type Dates string

// AWS writes DatesSeconds, Ceph DatesNanoseconds, and SeaweedFS DatesAbsent.
const (
	DatesSeconds     Dates = "seconds"
	DatesNanoseconds Dates = "nanoseconds"
	DatesAbsent      Dates = "absent"
)

// Pages is the paging behaviour of lists.
type Pages string

// AWS documents PagesFull and PagesShort. PagesIgnored is SeaweedFS. PagesLoop and PagesLost are defects: a marker that repeats, and
// a truncated page without a marker.
const (
	PagesFull    Pages = "full pages"
	PagesShort   Pages = "pages that are shorter than MaxItems, some empty"
	PagesIgnored Pages = "one page, whatever Marker and MaxItems say"
	PagesLoop    Pages = "the same page again and again"
	PagesLost    Pages = "a truncated page without a marker"
)

// Options configures a simulator. The zero value is AWS IAM without delays. Each field has a default.
type Options struct {
	// Clock provides the time for keys and signatures; default: the real clock.
	Clock clock.PassiveClock
	// AccountID is the account; default: DefaultAccountID. Partition is that of its ARNs; default: "aws".
	AccountID, Partition string
	// Path is the path of the API; default: "/". Dell ECS uses "/iam".
	Path string
	// Region and STSRegion are the regions to sign requests with; default: DefaultRegion. STS is a regional service.
	Region, STSRegion string
	// AnyScope accepts signatures for every region and service, as SeaweedFS does.
	AnyScope bool

	// KeysPerUser is the quota; default: 2, as at AWS, which does not raise it. A negative number is no quota.
	KeysPerUser int
	// LimitStatus, LimitCode and LimitMessage are the response to creating a key beyond the quota; default: 409, "LimitExceeded" and
	// the text of AWS. Other servers use 403 or 400.
	LimitStatus             int
	LimitCode, LimitMessage string
	// QuotaLag is how long a new key does not count against the quota. AWS does not enforce the quota on parallel requests.
	QuotaLag time.Duration
	// RateLimit is the number of requests per second before the service throttles; default: no limit. ThrottleStatus and ThrottleCode
	// are the response; default: 400 and "Throttling". Ceph responds with 503 and "SlowDown".
	RateLimit      int
	ThrottleStatus int
	ThrottleCode   string

	// ActivationLag is how long a new key does not work yet, although lists show it as active: 3 to 15 s at AWS. RevokeLag is how long
	// a deleted or disabled key still works, and an enabled one does not: 3 to 4 s at AWS.
	ActivationLag, RevokeLag time.Duration
	// ListLag is how long a new key is neither listed nor found, and how long a deleted key is still listed.
	ListLag time.Duration

	// Shape is the shape of error bodies; default: ShapeWrapped.
	Shape Shape
	// Markup is how XML is written; default: MarkupNamespace.
	Markup Markup
	// Dates is how lists show when a key was created; default: DatesSeconds.
	Dates Dates
	// Pages is the paging behaviour of lists; default: PagesFull. PageSize is the maximum number of items per page; default: 1000.
	Pages    Pages
	PageSize int
	// InactiveWord is the status of a disabled key; default: "Inactive". The enumeration of AWS also contains "Expired".
	InactiveWord string

	// Missing are the actions that the server does not implement. MissingStatus and MissingCode are the response; default: 400 and
	// "InvalidAction". SeaweedFS responds with 501 and "NotImplemented", or 404 and "InvalidAction".
	Missing       []string
	MissingStatus int
	MissingCode   string
	// InvalidKeyCode is the code of the 403 for an unknown or disabled signing key; default: "InvalidClientTokenId". Ceph and SeaweedFS
	// use the "InvalidAccessKeyId" of S3. SkewCode is the code of the 403 for a clock that is more than 15 minutes off; default:
	// "SignatureDoesNotMatch". Ceph uses "RequestTimeTooSkewed".
	InvalidKeyCode, SkewCode string
	// Lenient responds to a list of an unknown user with an empty list, and to the deletion of an absent key or user with success,
	// as SeaweedFS does.
	Lenient bool
	// DeniesUnknown responds to GetAccessKeyLastUsed of an unknown key with AccessDenied instead of NoSuchEntity.
	DeniesUnknown bool
	// CaseSensitive tells names of users apart by case, as SeaweedFS does.
	CaseSensitive bool
	// ChoosesKeys lets the caller of CreateAccessKey choose the pair, as SeaweedFS does since 4.22.
	ChoosesKeys bool
	// Server is the header with the product and its version; default: none. SeaweedFS 4.53 sends "SeaweedFS 30GB 4.53".
	Server string
}

func (o Options) withDefaults() Options {
	o.AccountID = cmp.Or(o.AccountID, DefaultAccountID)
	o.Partition = cmp.Or(o.Partition, "aws")
	o.Path = cmp.Or(o.Path, "/")
	o.Region = cmp.Or(o.Region, DefaultRegion)
	o.STSRegion = cmp.Or(o.STSRegion, DefaultRegion)
	o.KeysPerUser = cmp.Or(o.KeysPerUser, 2)
	o.LimitStatus = cmp.Or(o.LimitStatus, http.StatusConflict)
	o.LimitCode = cmp.Or(o.LimitCode, "LimitExceeded")
	o.LimitMessage = cmp.Or(o.LimitMessage, fmt.Sprint("Cannot exceed quota for AccessKeysPerUser: ", o.KeysPerUser))
	o.ThrottleStatus = cmp.Or(o.ThrottleStatus, http.StatusBadRequest)
	o.ThrottleCode = cmp.Or(o.ThrottleCode, "Throttling")
	o.Shape = cmp.Or(o.Shape, ShapeWrapped)
	o.Markup = cmp.Or(o.Markup, MarkupNamespace)
	o.Dates = cmp.Or(o.Dates, DatesSeconds)
	o.Pages = cmp.Or(o.Pages, PagesFull)
	o.PageSize = cmp.Or(o.PageSize, maxItems)
	o.InactiveWord = cmp.Or(o.InactiveWord, inactive)
	o.MissingStatus = cmp.Or(o.MissingStatus, http.StatusBadRequest)
	o.MissingCode = cmp.Or(o.MissingCode, "InvalidAction")
	o.InvalidKeyCode = cmp.Or(o.InvalidKeyCode, "InvalidClientTokenId")
	o.SkewCode = cmp.Or(o.SkewCode, signatureDoesNotMatch)
	return o
}
