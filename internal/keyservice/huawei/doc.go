// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package huawei manages the permanent access keys of the IAM users of a Huawei Cloud account through IAM v5 ("IAM 5.0").
//
// What the service can do: list the keys of one user, make one, disable and enable one, delete one, and say when one was
// last used. A user holds at most two keys, inactive ones included, so an old and a new one overlap. The secret is shown
// once, in the answer to the create. What it cannot do: list the keys of all users, renew in place, expire, label or
// describe a key, or let the caller choose its ID. A create is therefore never replayed.
//
// Requests are signed with the operator's own access key (SDK-HMAC-SHA256) and name the account in X-Domain-Id. A user
// has one ID for ever but can be renamed; deleting a user deletes its keys.
//
// A key that signs badly more than five times in a row is locked for five minutes, for everybody who uses it. So after a 401
// nothing is sent for five minutes; then one request tries again, alone. No more than five requests are under way at a
// time, so that a key that goes bad under load is not locked either. What is refused meanwhile is Unauthorized, with the
// words of the 401.
//
// The gateway refuses a signature whose time is more than 15 minutes off. The answer's Date tells: a 401 with a Date that
// is more than five minutes from the operator's clock is reported as that, with the difference. Requests are not signed
// with the service's time instead: the operator measures the life of keys by its own clock, so a clock that is that wrong
// must be set right, and not be worked around where it shows.
//
// The key that the operator signs with is never deleted nor disabled, whoever asks for it.
//
// Where this is from: the API reference of IAM 5.0 (api-iam5: ListAccessKeysV5, CreateAccessKeyV5, UpdateAccessKeyV5,
// DeleteAccessKeyV5, ShowAccessKeyLastUsedV5, ListUsersV5, ErrorCode) and its user guide (usermanual-iam5, managing access
// keys); the API gateway's FAQ on IAM authentication; the request signing guide; and the signer of the vendor's
// huaweicloud-sdk-go-v3, with which test/vendorclients compares this one.
//
// No source tells the code of the two-keys limit, of a missing user or key, nor how long a new key takes to be listed.
// None of them is relied on.
package huawei
