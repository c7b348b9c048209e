// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package qumulo simulates the S3 access keys of Qumulo Core's REST API. The simulator is as strict as the vendor's documents,
// its CLI and reports from live clusters require. Options has a field for each behaviour that they leave open.
package qumulo

import (
	"cmp"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/utils/clock"
)

// These are the credentials of the default account.
const (
	DefaultUsername = "admin"
	DefaultPassword = "Admin123!"
)

// These are the documented privileges for access keys. The documents disagree: the REST guide names the first two, the
// administrator's guide names the others.
const (
	CredentialsRead  = "PRIVILEGE_S3_CREDENTIALS_READ"
	CredentialsWrite = "PRIVILEGE_S3_CREDENTIALS_WRITE"
	BucketsRead      = "PRIVILEGE_S3_BUCKETS_READ"
	BucketsWrite     = "PRIVILEGE_S3_BUCKETS_WRITE"
)

// Next is the form of paging.next.
type Next string

// The vendor's SDK accepts NextRelative and NextAbsolute. A cluster behind a proxy can return NextForeign.
const (
	NextRelative Next = "relative"
	NextAbsolute Next = "absolute"
	NextForeign  Next = "foreign host"
)

// Options configures a simulator. The zero value is a documented cluster. The fields below SessionLife are behaviours that no
// source of the vendor confirms. Each of them has a default.
type Options struct {
	// Clock provides the time for keys and tokens; default: the real clock.
	Clock clock.PassiveClock
	// Password is the password of the account DefaultUsername; default: DefaultPassword.
	Password string
	// Version is the revision_id of /v1/version; default: "Qumulo Core 7.9.2.2".
	Version string
	// ClusterID is the cluster_id of /v1/node/state; default: a random UUID.
	ClusterID string
	// SessionLife is the lifetime of a session token; default: 10 hours.
	SessionLife time.Duration

	// LimitStatus and LimitClass are the response to creating a third key; default: 409, "s3_access_key_limit_reached_error".
	LimitStatus int
	LimitClass  string
	// MissingKeyClass is the error_class of the 404 for deleting an unknown key; default: "rest_not_found_error".
	MissingKeyClass string
	// UnknownStatus is the status of the response for an unknown identity; default: 400.
	UnknownStatus int
	// BareErrors removes the body of every error response, which the vendor's SDK tolerates.
	BareErrors bool
	// Next is the form of paging.next; default: NextRelative.
	Next Next
	// PageSize is the maximum number of keys per page; default: 10,000, the documented maximum.
	PageSize int
	// NumericAuthID returns auth_id as a number instead of the documented string.
	NumericAuthID bool
	// DeletedOwnerRefused rejects ?user=auth_id:N of a deleted user with UnknownStatus. By default its keys are listed.
	DeletedOwnerRefused bool
	// TombstonesForgotten resolves a name that was deleted and created again to the new user. By default it is an error.
	TombstonesForgotten bool
	// ReadPrivileges are required to list keys, WritePrivileges to create and delete them; default: the privileges that both
	// vendor documents name.
	ReadPrivileges, WritePrivileges []string
}

func (o Options) withDefaults() Options {
	o.Password = cmp.Or(o.Password, DefaultPassword)
	o.Version = cmp.Or(o.Version, "Qumulo Core 7.9.2.2")
	o.ClusterID = cmp.Or(o.ClusterID, string(uuid.NewUUID()))
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
