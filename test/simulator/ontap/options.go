// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ontap simulates the part of NetApp ONTAP's REST API that deals with the users of an SVM's S3 server, as strictly
// as the vendor's documents, its clients and reports from live clusters tell it. What they leave open is an Option.
package ontap

import (
	"cmp"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// What a cluster is made of, unless Options say otherwise.
const (
	DefaultUsername = "admin"
	DefaultPassword = "Netapp1!"
	DefaultSVM      = "svm1"
	DefaultSVMUUID  = "db2ec036-8375-11e9-99e1-0050568e3ed9"
)

// The versions whose features differ; any other of the form 9.16.1 is possible too.
const (
	// V9131 knows no expiry of keys and can't delete them without their user.
	V9131 = "9.13.1"
	// V9141 has key_time_to_live, key_expiry_time and delete_keys.
	V9141 = "9.14.1"
	// V9161 also takes keys that the caller chose.
	V9161 = "9.16.1"
	// V9191 also gives each user a second key.
	V9191 = "9.19.1"
)

// Next is the form of _links.next.href.
type Next string

// The forms of _links.next.href. The documents have the first; the others must not send anyone's password elsewhere.
const (
	NextPath     Next = "path"
	NextAbsolute Next = "absolute"
	NextForeign  Next = "foreign host"
	NextAstray   Next = "another path"
	// NextBare leaves out what the caller asked for, such as fields.
	NextBare Next = "without the caller's query"
	// NextStuck names the page that it is on, for ever: no cluster does, but none may hang the operator either.
	NextStuck Next = "stuck"
)

// Options are the settings of a simulator. The zero value is a cluster as the documents describe it, with a default
// wherever they are silent; every field below MaxTTL is such a thing that no vendor source confirms.
type Options struct {
	// Clock ends keys; nil: the real one.
	Clock clock.PassiveClock
	// Username and Password are the account's; default DefaultUsername and DefaultPassword.
	Username, Password string
	// Version of the cluster; default V9161.
	Version string
	// SVM and SVMUUID are the SVM with the S3 server; default DefaultSVM and DefaultSVMUUID.
	SVM, SVMUUID string
	// MaxTTL is max_key_time_to_live of the S3 server; 0: none.
	MaxTTL time.Duration

	// ErrorStatus answers the codes of the object store (9240…); default 400.
	ErrorStatus int
	// NotFoundStatus answers code 4; default 404. The guide's other page says 405.
	NotFoundStatus int
	// DuplicateStatus and DuplicateCode answer the POST of a user that exists; default 409 and "1", the general rule.
	DuplicateStatus int
	DuplicateCode   string
	// ForbiddenCode answers with 403 what the account has no right to; default "6".
	ForbiddenCode string
	// NumericCodes writes error.code as a number, as the general guide does, instead of the string of the API reference.
	NumericCodes bool
	// BareErrors leaves the body of every error empty.
	BareErrors bool
	// EmptyAnswers leaves the body of a PATCH or DELETE without an answer empty; default: {}.
	EmptyAnswers bool
	// Jobs answers every change with 202 and a job, as other parts of the API do. The change is carried out.
	Jobs bool
	// ExpiryLayout writes key_expiry_time; default "2006-01-02 15:04:05 -0700", one of those in the documents.
	ExpiryLayout string
	// Next is the form of _links.next.href; default NextPath.
	Next Next
	// PageSize is how many users a page holds at most, as if return_timeout had struck; default 10,000.
	PageSize int
	// NamesIgnoreCase lets Backup and backup be one user, as the CLI's type of the name (TextNoCase) suggests.
	NamesIgnoreCase bool
	// TTLKept lets a regeneration without key_time_to_live keep the one before; default: the new key does not end.
	TTLKept bool
	// PropertiesFail makes a regeneration that carries other properties fail after the fact, with code 92406081.
	PropertiesFail bool
	// InGroupCode refuses to delete a user of a group, with this code; default: it is deleted.
	InGroupCode string
	// EmptyDeleteRefused answers delete_keys where there is no key with code 4 instead of 200.
	EmptyDeleteRefused bool
	// MaxUsers is how many users the SVM can have, root included; 0: no limit.
	MaxUsers int

	// EmptySlotsListed gives keys[] a member without access_key for a key that is not there. 9.19.1.
	EmptySlotsListed bool
	// SecondKeyOnly leaves the first key out of keys[], since access_key has it. 9.19.1.
	SecondKeyOnly bool
	// TextKeyIDs writes keys[].id as a string. 9.19.1.
	TextKeyIDs bool
	// PairInKeys answers a regeneration with the pair in keys[] instead of access_key and secret_key. 9.19.1.
	PairInKeys bool
}

func (o Options) withDefaults() Options {
	o.Username = cmp.Or(o.Username, DefaultUsername)
	o.Password = cmp.Or(o.Password, DefaultPassword)
	o.Version = cmp.Or(o.Version, V9161)
	o.SVM = cmp.Or(o.SVM, DefaultSVM)
	o.SVMUUID = cmp.Or(o.SVMUUID, DefaultSVMUUID)
	o.ErrorStatus = cmp.Or(o.ErrorStatus, http.StatusBadRequest)
	o.NotFoundStatus = cmp.Or(o.NotFoundStatus, http.StatusNotFound)
	o.DuplicateStatus = cmp.Or(o.DuplicateStatus, http.StatusConflict)
	o.DuplicateCode = cmp.Or(o.DuplicateCode, "1")
	o.ForbiddenCode = cmp.Or(o.ForbiddenCode, "6")
	o.ExpiryLayout = cmp.Or(o.ExpiryLayout, "2006-01-02 15:04:05 -0700")
	o.Next = cmp.Or(o.Next, NextPath)
	o.PageSize = cmp.Or(o.PageSize, 10000)
	return o
}
