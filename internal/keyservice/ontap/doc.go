// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ontap manages the users of an S3 server of NetApp ONTAP through the cluster's REST API. There, the user is the
// key: it has one pair of access key and secret, and from 9.19.1 on a second one.
//
// The service can list users with their access keys, make a user with its first key, regenerate a key of a user (access key and
// secret change, and the old pair ends at once), delete a key or a user, expire a key (key_time_to_live, up to 1095 days; an
// expired key is still listed), and store a comment of 256 characters with a user. The secret is shown once, in the answer that
// makes the pair. The service cannot disable a key, and does not know when a key was made or last used. Versions before 9.14.1
// lack expiry and the deletion of keys, and are refused.
//
// The ID of a key is its slot: the user's name, and "name/2" for the second key. The ID stays the same when the pair is
// regenerated, by the operator or by a person. Only the access key ID tells the pairs apart.
//
// The comment of a user that the operator made says so, and which AccessKey has which key (see mark). Keys without a mark are
// foreign keys, and Create never replaces an existing key. In a user that a person made, the operator uses a free slot and does
// not change the comment. No mark identifies such a key; only the caller's own record does, which is written before the key is
// made.
//
// A comment is never changed in the request that regenerates a key, since the service can carry out the one and fail the other
// (code 92406081), and the new secret is then lost. If the service reports this code anyway, the key is regenerated once more
// with nothing else in the request.
//
// With multi-admin verification, the service answers a change with a request for approval, and does not carry it out. Such an answer
// is an error with reason ApprovalRequired, and the change is sent again every five minutes.
//
// Sources: the REST API reference (protocols/s3/services/{svm.uuid}/users, cluster, svm/svms) and the CLI reference (vserver
// object-store-server user); s3-config/regenerate-access-keys in the ONTAP documentation for the second key; the generated
// models in NetApp/trident, release by release, for the version of each field; na_ontap_s3_users.py of the vendor's Ansible
// collection and the vendor's Python library for what they send and expect; for multi-admin verification, the code in
// na_ontap_mav_config.py, the words in multi-admin-verify/request-operation-task, and the status 202 in NetApp/trident#1141.
//
// No source gives the HTTP status of the object store's codes, the status of a user who exists or is in a group, the form of an
// empty slot in keys[], or that of a request for approval. The code relies on none of them. The CLI ignores the case of a user's
// name, and the REST API may or may not. A user whose name differs from the AccessKey's only in case is therefore neither used nor
// made.
package ontap
