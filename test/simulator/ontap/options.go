// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ontap simulates the users of an SVM's S3 server in NetApp ONTAP's REST API. The simulator is as strict as the vendor's
// documents, its clients and reports from live clusters require. Options has a field for each behaviour that they leave open.
package ontap

import (
	"cmp"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// These are the credentials of the default account and the SVM with the S3 server.
const (
	DefaultUsername = "admin"
	DefaultPassword = "Netapp1!"
	DefaultSVM      = "svm1"
	DefaultSVMUUID  = "db2ec036-8375-11e9-99e1-0050568e3ed9"
)

// These versions introduced features. Options.Version can name any other version of the same form.
const (
	// V9131 has no key expiry, and can delete a key only together with its user.
	V9131 = "9.13.1"
	// V9141 has key_time_to_live, key_expiry_time and delete_keys.
	V9141 = "9.14.1"
	// V9161 also accepts a pair of the caller.
	V9161 = "9.16.1"
	// V9191 also gives each user a second key.
	V9191 = "9.19.1"
)

// Next is the form of _links.next.href.
type Next string

// The documents show NextPath. A client must not send its password to the URL of another form.
const (
	NextPath     Next = "path"
	NextAbsolute Next = "absolute"
	NextForeign  Next = "foreign host"
	NextAstray   Next = "another path"
	// NextBare omits the parameters of the request, such as fields.
	NextBare Next = "without the caller's query"
)

// Options configures a simulator. The zero value is a documented cluster. The fields below MaxTTL are behaviours that no source
// of the vendor confirms. Each of them has a default.
type Options struct {
	// Clock provides the time for the expiry of keys; default: the real clock.
	Clock clock.PassiveClock
	// Username and Password are the credentials of the account; default: DefaultUsername and DefaultPassword.
	Username, Password string
	// UUID is the UUID of the cluster; default: a random UUID.
	UUID string
	// Version is the version of the cluster; default: V9161.
	Version string
	// MaxTTL is the max_key_time_to_live of the S3 server; default: no maximum.
	MaxTTL time.Duration

	// ErrorStatus is the status of errors of the object store (codes 9240…); default: 400.
	ErrorStatus int
	// NotFoundStatus is the status of code 4; default: 404. Another page of the guide says 405.
	NotFoundStatus int
	// DuplicateStatus and DuplicateCode are the response to creating a user that exists; default: 409 and "1".
	DuplicateStatus int
	DuplicateCode   string
	// NumericCodes returns error.code as a number, as in the general guide. By default it is a string, as in the API reference.
	NumericCodes bool
	// BareErrors removes the body of every error response.
	BareErrors bool
	// EmptyAnswers makes the body of a PATCH or DELETE without a result empty; default: {}.
	EmptyAnswers bool
	// Jobs makes every change return 202 and a job, as in other parts of the API. The change is carried out at once.
	Jobs bool
	// Approval is the form of the response to a change that requires an approval (see Protect); default: ApprovalError.
	Approval Approval
	// ApprovalStatus is the status of ApprovalError; default: 202.
	ApprovalStatus int
	// ExpiryLayout is the layout of key_expiry_time; default: "2006-01-02 15:04:05 -0700", one of the documented layouts.
	ExpiryLayout string
	// Next is the form of _links.next.href; default: NextPath.
	Next Next
	// PageSize is the maximum number of users per page, as after return_timeout; default: 10,000.
	PageSize int
	// NamesIgnoreCase makes names case-insensitive, as their type in the CLI (TextNoCase) suggests.
	NamesIgnoreCase bool
	// TTLKept makes a regeneration without key_time_to_live keep the old one; default: the new key does not expire.
	TTLKept bool
	// PropertiesFail makes a regeneration with other properties return code 92406081, although the key was regenerated.
	PropertiesFail bool
	// InGroupCode, if set, is the code of the error for deleting a member of a group; default: the user is deleted.
	InGroupCode string
	// EmptyDeleteRefused makes delete_keys without a key return code 4; default: 200.
	EmptyDeleteRefused bool
	// MaxUsers is the maximum number of users of the SVM, including root; default: no limit.
	MaxUsers int

	// EmptySlotsListed adds an element without access_key to keys[] for an absent key. 9.19.1.
	EmptySlotsListed bool
	// SecondKeyOnly omits the first key from keys[], because access_key contains it. 9.19.1.
	SecondKeyOnly bool
	// TextKeyIDs returns keys[].id as a string. 9.19.1.
	TextKeyIDs bool
	// PairInKeys makes a regeneration return the pair in keys[] instead of access_key and secret_key. 9.19.1.
	PairInKeys bool
}

func (o Options) withDefaults() Options {
	o.Username = cmp.Or(o.Username, DefaultUsername)
	o.Password = cmp.Or(o.Password, DefaultPassword)
	o.Version = cmp.Or(o.Version, V9161)
	o.ErrorStatus = cmp.Or(o.ErrorStatus, http.StatusBadRequest)
	o.NotFoundStatus = cmp.Or(o.NotFoundStatus, http.StatusNotFound)
	o.DuplicateStatus = cmp.Or(o.DuplicateStatus, http.StatusConflict)
	o.DuplicateCode = cmp.Or(o.DuplicateCode, "1")
	o.Approval = cmp.Or(o.Approval, ApprovalError)
	o.ApprovalStatus = cmp.Or(o.ApprovalStatus, http.StatusAccepted)
	o.ExpiryLayout = cmp.Or(o.ExpiryLayout, "2006-01-02 15:04:05 -0700")
	o.Next = cmp.Or(o.Next, NextPath)
	o.PageSize = cmp.Or(o.PageSize, 10000)
	return o
}
