// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ionos simulates the access keys of the IONOS Cloud Object Storage Management API, as strictly as the vendor's
// OpenAPI document, its SDKs and its Terraform provider tell it. What they leave open is an Option.
package ionos

import (
	"cmp"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

// Hidden is how an answer that must not show the secret writes secretKey.
type Hidden string

// The ways not to show a secret. The vendor's Terraform provider takes it for shown once; the examples of the API
// document show it in every answer.
const (
	HiddenEmpty  Hidden = "empty string"
	HiddenAbsent Hidden = "absent"
	HiddenNull   Hidden = "null"
	HiddenNot    Hidden = "shown all the same"
)

// Next is the form of _links.next. No client follows it: it may lead to plain HTTP.
type Next string

// The forms of _links.next.
const (
	NextHTTP    Next = "plain HTTP"
	NextForeign Next = "foreign host"
	NextAbsent  Next = "absent"
	// NextAlways names a next page even on the last one.
	NextAlways Next = "always"
)

// Options are the settings of a simulator. The zero value is the service as it is documented, with a default wherever
// the documents are silent, and without any delay. Every field below RatePerSecond is a thing that no vendor source
// confirms.
type Options struct {
	// Clock dates keys, ends tokens and runs the delays; nil: the real one.
	Clock clock.PassiveClock
	// Provisioning is how long a new key is PROVISIONING and does not work.
	Provisioning time.Duration
	// Destroying is how long a key whose deletion was accepted is still listed, as DESTROYING.
	Destroying time.Duration
	// Unseen is how long a new key is not found by anything but another PUT of the same ID.
	Unseen time.Duration
	// RatePerSecond is how many requests a second of Clock takes before the answer is 429; 0: any number.
	RatePerSecond int

	// LimitStatus and LimitCode answer the create of a sixth key; default 422 and "err-limit".
	LimitStatus int
	LimitCode   string
	// LimitFirst asks for the limit before it looks whether the ID exists, so that the PUT of an existing key meets it.
	LimitFirst bool
	// DestroyingUncounted: a key that is being destroyed does not count against the limit.
	DestroyingUncounted bool
	// DestroyingStatus answers PUT and renew of a key that is being destroyed; default 409. 200 lets them through.
	DestroyingStatus int
	// DestroyAgainStatus answers the DELETE of a key that is being destroyed; default 202.
	DestroyAgainStatus int
	// DestroyingWorks: a pair works until its key is gone; default: until the deletion is accepted.
	DestroyingWorks bool
	// DestroyedTaken: the ID of a key that is gone is taken for ever.
	DestroyedTaken bool
	// LastKeyStatus, if set, answers the DELETE of a user's only key. The DCD refuses it while the user has buckets.
	LastKeyStatus int
	// Secrets is how answers other than those to a create or a renew write the secret; default HiddenEmpty.
	Secrets Hidden
	// EnsureHides: the 201 to a PUT does not show the secret either.
	EnsureHides bool
	// RenewStatus answers a renewal; default 200.
	RenewStatus int
	// RenewEarlyStatus, if set, answers the renewal of a key that is PROVISIONING; default: it is renewed.
	RenewEarlyStatus int
	// RenewChangesAccessKey gives a renewed key another access key as well.
	RenewChangesAccessKey bool
	// RenewGrace is how long the replaced pair works on.
	RenewGrace time.Duration
	// ChangesProvision: an update or a renewal makes the key PROVISIONING again.
	ChangesProvision bool
	// MaxDescription bounds the description, characters; 0: no bound.
	MaxDescription int
	// PrivilegeStatus answers a user without the privilege to use the Object Storage; default 403.
	PrivilegeStatus int
	// BareErrors leaves both members of every error's body out.
	BareErrors bool
	// Next is the form of _links.next; default NextHTTP.
	Next Next
	// PageSize bounds a page below the documented 1,000.
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
