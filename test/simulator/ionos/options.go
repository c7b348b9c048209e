// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ionos simulates the access keys of the IONOS Cloud Object Storage Management API. The simulator is as strict as the
// vendor's OpenAPI document, its SDKs and its Terraform provider require. Options has a field for each behaviour that they
// leave open.
package ionos

import (
	"cmp"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// Hidden is the form of secretKey in a response that must not show the secret.
type Hidden string

// The vendor's Terraform provider assumes that the secret is shown only once. The examples of the API document show it in
// every response.
const (
	HiddenEmpty  Hidden = "empty string"
	HiddenAbsent Hidden = "absent"
	HiddenNull   Hidden = "null"
	HiddenNot    Hidden = "shown"
)

// Next is the form of _links.next. Clients must not follow this link, because it can lead to plain HTTP.
type Next string

// These are the forms of _links.next.
const (
	NextHTTP    Next = "plain HTTP"
	NextForeign Next = "foreign host"
	NextAbsent  Next = "absent"
	// NextAlways returns a next page even for the last page.
	NextAlways Next = "always"
)

// Options configures a simulator. The zero value is the documented service without any delay. The fields below Unseen are
// behaviours that no source of the vendor confirms. Each of them has a default.
type Options struct {
	// Clock provides the time for keys, tokens and delays; default: the real clock.
	Clock clock.PassiveClock
	// Provisioning is how long a new key is PROVISIONING. It does not work during that time.
	Provisioning time.Duration
	// Destroying is how long a key is still listed as DESTROYING after its deletion was accepted.
	Destroying time.Duration
	// Unseen is how long a new key is invisible. Only another PUT of the same ID finds it during that time.
	Unseen time.Duration

	// LimitStatus and LimitCode are the response to creating a sixth key; default: 422 and "err-limit".
	LimitStatus int
	LimitCode   string
	// LimitFirst checks the limit before it looks up the ID, so the PUT of an existing key can also exceed it.
	LimitFirst bool
	// DestroyingUncounted excludes keys that are being destroyed from the limit.
	DestroyingUncounted bool
	// DestroyingStatus is the response to a PUT or renew of a key that is being destroyed; default: 409. 200 carries it out.
	DestroyingStatus int
	// DestroyAgainStatus is the response to the DELETE of a key that is being destroyed; default: 202.
	DestroyAgainStatus int
	// DestroyingWorks lets a pair work until its key is gone; default: until the deletion is accepted.
	DestroyingWorks bool
	// DestroyedTaken prevents reuse of the ID of a deleted key.
	DestroyedTaken bool
	// LastKeyStatus, if set, is the response to the DELETE of the only key of a user. The DCD rejects it while there are buckets.
	LastKeyStatus int
	// Secrets is the form of the secret in responses other than those to a create or renew; default: HiddenEmpty.
	Secrets Hidden
	// EnsureHides hides the secret also in the 201 response to a PUT.
	EnsureHides bool
	// RenewStatus is the response to a renew; default: 200.
	RenewStatus int
	// RenewEarlyStatus, if set, is the response to the renew of a key that is PROVISIONING; default: the renew succeeds.
	RenewEarlyStatus int
	// RenewChangesAccessKey makes a renew change the access key as well as the secret.
	RenewChangesAccessKey bool
	// RenewGrace is how long the old pair works after a renew.
	RenewGrace time.Duration
	// ChangesProvision makes a key PROVISIONING again after an update or renew.
	ChangesProvision bool
	// MaxDescription is the maximum length of the description in characters; default: no limit.
	MaxDescription int
	// PrivilegeStatus is the response to a user without the privilege to use the Object Storage; default: 403.
	PrivilegeStatus int
	// BareErrors makes the body of every error response an empty object.
	BareErrors bool
	// Next is the form of _links.next; default: NextHTTP.
	Next Next
	// PageSize is the maximum number of keys per page; default: 1,000, the documented maximum.
	PageSize int
}

func (o Options) withDefaults() Options {
	o.LimitStatus = cmp.Or(o.LimitStatus, http.StatusUnprocessableEntity)
	o.LimitCode = cmp.Or(o.LimitCode, "err-limit")
	o.DestroyingStatus = cmp.Or(o.DestroyingStatus, http.StatusConflict)
	o.DestroyAgainStatus = cmp.Or(o.DestroyAgainStatus, http.StatusAccepted)
	o.Secrets = cmp.Or(o.Secrets, HiddenEmpty)
	o.RenewStatus = cmp.Or(o.RenewStatus, http.StatusOK)
	o.PrivilegeStatus = cmp.Or(o.PrivilegeStatus, http.StatusForbidden)
	o.Next = cmp.Or(o.Next, NextHTTP)
	o.PageSize = cmp.Or(o.PageSize, maxLimit)
	return o
}
