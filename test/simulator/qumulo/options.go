// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package qumulo simulates the part of Qumulo Core's REST API that deals with S3 access keys, as strictly as the vendor's
// documents, its CLI and reports from live clusters tell it. What they leave open is an Option.
package qumulo

import (
	"cmp"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// The account that can log in, unless Options name another.
const (
	DefaultUsername = "admin"
	DefaultPassword = "Admin123!"
)

// The privileges that the vendor's documents name for access keys. They disagree: the REST guide has the first two, the
// administrator's guide the others.
const (
	CredentialsRead  = "PRIVILEGE_S3_CREDENTIALS_READ"
	CredentialsWrite = "PRIVILEGE_S3_CREDENTIALS_WRITE"
	BucketsRead      = "PRIVILEGE_S3_BUCKETS_READ"
	BucketsWrite     = "PRIVILEGE_S3_BUCKETS_WRITE"
)

// Next is the form of paging.next.
type Next string

// The forms of paging.next. The vendor's SDK copes with the first two; a cluster behind a proxy gives the third.
const (
	NextRelative Next = "relative"
	NextAbsolute Next = "absolute"
	NextForeign  Next = "foreign host"
	// NextStuck names the page that it is on, for ever: no service does, but none may hang the operator either.
	NextStuck Next = "stuck"
)

// Options are the settings of a simulator. The zero value is a cluster as the documents describe it, with a default
// wherever they are silent; every field below SessionLife is such a thing that no vendor source confirms.
type Options struct {
	// Clock dates keys and ends tokens; nil: the real one.
	Clock clock.PassiveClock
	// Username and Password log in; default DefaultUsername and DefaultPassword.
	Username, Password string
	// Version is revision_id of /v1/version; default "Qumulo Core 7.9.2.2".
	Version string
	// SessionLife is how long a login lasts; default 10 hours.
	SessionLife time.Duration

	// LimitStatus and LimitClass answer the POST of a third key; default 409 and "s3_access_key_limit_reached_error".
	LimitStatus int
	LimitClass  string
	// MissingKeyClass is the error_class of the 404 for the DELETE of an unknown key; default "rest_not_found_error".
	MissingKeyClass string
	// UnknownStatus answers an identity that is not known; default 400.
	UnknownStatus int
	// BareErrors leaves the body of every error empty, as the vendor's SDK is ready for; default: all members present.
	BareErrors bool
	// Next is the form of paging.next; default NextRelative.
	Next Next
	// PageSize is how many keys a page holds at most; default 10,000, the documented maximum.
	PageSize int
	// NumericAuthID writes auth_id as a number instead of the documented string.
	NumericAuthID bool
	// DeletedOwnerRefused answers ?user=auth_id:N of a deleted user with 400, as by name, instead of its keys.
	DeletedOwnerRefused bool
	// TombstonesForgotten lets a name that was deleted and made again be found.
	TombstonesForgotten bool
	// ReadPrivileges and WritePrivileges are what listing keys, and making or deleting them, takes; default: the privileges
	// of both vendor documents.
	ReadPrivileges, WritePrivileges []string
}

func (o Options) withDefaults() Options {
	o.Username = cmp.Or(o.Username, DefaultUsername)
	o.Password = cmp.Or(o.Password, DefaultPassword)
	o.Version = cmp.Or(o.Version, "Qumulo Core 7.9.2.2")
	o.LimitStatus = cmp.Or(o.LimitStatus, http.StatusConflict)
	o.LimitClass = cmp.Or(o.LimitClass, "s3_access_key_limit_reached_error")
	o.MissingKeyClass = cmp.Or(o.MissingKeyClass, "rest_not_found_error")
	o.UnknownStatus = cmp.Or(o.UnknownStatus, http.StatusBadRequest)
	o.Next = cmp.Or(o.Next, NextRelative)
	o.PageSize = cmp.Or(o.PageSize, 10000)
	o.SessionLife = cmp.Or(o.SessionLife, 10*time.Hour)
	if o.ReadPrivileges == nil {
		o.ReadPrivileges = []string{CredentialsRead, BucketsRead}
	}
	if o.WritePrivileges == nil {
		o.WritePrivileges = []string{CredentialsWrite, BucketsWrite}
	}
	return o
}
