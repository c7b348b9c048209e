// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package huawei manages the permanent access keys of the IAM users of a Huawei Cloud account through IAM v5 ("IAM 5.0").
//
// The service can list the keys of one user, make, disable, enable and delete a key, and say when a key was last used. A user
// has at most two keys, including inactive ones, so that an old and a new one overlap. The secret is shown once, in the answer
// to the create. The service cannot list the keys of all users, cannot regenerate, expire, label or describe a key, and chooses
// the IDs itself. A create is therefore never replayed.
//
// Requests are signed with the operator's own access key (SDK-HMAC-SHA256) and name the account in X-Domain-Id. The ID of a
// user never changes, but the name can. Deleting a user deletes its keys.
//
// The service locks a key for five minutes, for all its users, after more than five bad signatures in a row. Therefore nothing
// is sent for a while after a 401, and then one request tries again, alone (rest.Gate). At most five requests are under way at
// a time, so that a key that becomes invalid under load is not locked either.
//
// The gateway refuses a signature whose time is more than 15 minutes off. If the Date of a 401 is more than five minutes from
// the operator's clock, the error reports the difference. Requests are not signed with the service's time instead: the operator
// measures the lifetime of keys by its own clock, so the clock must be corrected.
//
// The key that the operator signs with is never deleted or disabled.
//
// Sources: the API reference of IAM 5.0 (api-iam5: ListAccessKeysV5, CreateAccessKeyV5, UpdateAccessKeyV5,
// DeleteAccessKeyV5, ShowAccessKeyLastUsedV5, ListUsersV5, ErrorCode) and its user guide (usermanual-iam5, managing access
// keys); the API gateway's FAQ on IAM authentication; the request signing guide; and the signer of the vendor's
// huaweicloud-sdk-go-v3, with which test/vendorclients compares this one.
//
// No source gives the code of the two-keys limit or of a missing user or key, or says how long a new key takes to be listed.
// The code relies on none of them.
package huawei
