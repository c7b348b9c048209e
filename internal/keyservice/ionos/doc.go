// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ionos manages the access keys of IONOS Cloud Object Storage through its management API (version 0.1.0).
//
// The service can list the keys of the token's user, make a key under a UUID that the caller chooses, give a key a new secret
// in place, store a description and delete a key. A user has at most five keys, so that an old and a new one overlap. The
// service cannot manage the keys of another user, cannot disable or expire a key, and does not know when a key was last used.
// The operator assumes that the secret is shown once, by the create and by the regeneration: the examples of the API document
// show it in every answer, but the vendor's Terraform provider says that it is not there.
//
// A create is PUT /accesskeys/{UUID}. If the answer is not a 201 with a pair, the key existed before or its secret was not shown,
// and a regeneration gives a pair that nobody else has. Nothing is sent twice, but a create whose answer was lost can be made
// again under the same UUID. Deletions are accepted first and carried out later; until then the key is listed.
//
// The service is eventually consistent: other calls may not know a new key for a while (the vendor's Terraform provider waits
// until a GET stops answering 404). See memory.
//
// Sources: the vendor's API document and its Java and Go SDKs (ionos-cloud/sdk-java, sdk-go-bundle); the
// Terraform provider (ionos-cloud/terraform-provider-ionoscloud, services/objectstoragemanagement/accesskeys.go); the
// pages on key management and limitations under docs.ionos.com/cloud.
//
// No source gives the status of the five-keys limit, or says whether keys that are being destroyed count, whether a PUT that
// creates shows the secret, what happens to the old pair and the access key in a regeneration, how a PUT, regeneration or DELETE
// is answered while a key is provisioned or destroyed, whether an ID can be used again, or how long a description may be. The
// code relies on none of this.
package ionos
