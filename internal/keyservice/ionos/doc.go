// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ionos manages the access keys of IONOS Cloud Object Storage through its management API (version 0.1.0).
//
// What the service can do: list the keys of the token's user, of whom there is no other; make a key under a UUID that the
// caller chose; give a key a new secret in place; carry a description; delete a key. A user holds at most five keys, so an
// old and a new one overlap. What it cannot do: manage another user's keys, disable or expire a key, say when it was last
// used. The secret is taken for shown once, at the create and the renewal: the examples of the API document show it in
// every answer, but the vendor's Terraform provider says that it is not there.
//
// A create is PUT /accesskeys/{UUID}. If the answer is not a 201 with a pair, the key was there before or its secret was
// not shown, and a renewal gives a pair that nobody else has. Nothing is sent twice, but a create whose answer was lost can
// be made again under the same UUID. Deletions are accepted first and done later; until then the key is listed.
//
// The service is eventually consistent: a key that was just made may be unknown to its other calls for a while (the
// vendor's Terraform provider waits until a GET stops answering 404). See memory.
//
// Where this is from: the vendor's API document and its Java and Go SDKs (ionos-cloud/sdk-java, sdk-go-bundle); the
// Terraform provider (ionos-cloud/terraform-provider-ionoscloud, services/objectstoragemanagement/accesskeys.go); the
// pages on key management and limitations under docs.ionos.com/cloud.
//
// No source tells: the status of the five-keys limit; whether keys that are being destroyed count; the secret in the answer
// to a PUT that creates; what becomes of the old pair and the access key in a renewal; what a PUT, renewal or DELETE meets
// while a key is provisioned or destroyed; whether an ID can be used again; the length of a description. None of it is
// relied on.
package ionos
