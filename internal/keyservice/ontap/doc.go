// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ontap manages the users of an S3 server of NetApp ONTAP through the cluster's REST API. There, the user is the
// key: it has one pair of access key and secret, and from 9.19.1 on a second one.
//
// What the service can do: list users with their access keys, make a user with its first key, generate a key of a user anew
// (access key and secret change, and the old pair ends at once), delete a key or a user, end a key by itself
// (key_time_to_live, up to 1095 days; an expired key is still listed), and keep a comment of 256 characters with a user. The
// secret is shown once, in the answer that makes the pair. What it cannot do: disable a key, or say when one was made or last
// used. Versions before 9.14.1 lack expiry and the deletion of keys, and are refused.
//
// A key's ID is its place: the user's name, and "name/2" for the second key. It stays the same when the pair is generated
// anew, by the operator or by a person, so that only the access key ID tells which pair is there.
//
// Whose a key is: of a user that the operator made, the comment says so, and which AccessKey has which key (see mark). Keys
// without a mark are somebody else's, and Create never replaces a key that is there. In a user that a person made, the
// operator uses a place that is free and leaves the comment alone: no mark can say that such a key is the operator's, and
// only the caller's own record does, made before the key is.
//
// A comment is never changed in the request that generates a key, since the service can carry out the one and fail the
// other (code 92406081), and the new secret is then lost. If it says so all the same, the key is generated once more with
// nothing else in the request.
//
// Where this is from: the REST API reference (protocols/s3/services/{svm.uuid}/users, cluster, svm/svms) and the CLI
// reference (vserver object-store-server user); s3-config/regenerate-access-keys in the ONTAP documentation for the second
// key; the generated models in NetApp/trident, release by release, for the version of each field; what
// na_ontap_s3_users.py of the vendor's Ansible collection and the vendor's Python library send and expect.
//
// No source tells the HTTP status of the object store's codes, nor that of a user who exists or is in a group, nor how
// keys[] shows a place without a key. None of that is relied on. The CLI ignores the case of a user's name, and the REST API
// may or may not; a user whose name differs from the AccessKey's in nothing but case is therefore neither used nor made.
package ontap
