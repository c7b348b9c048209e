// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package aws manages the access keys of the users of AWS IAM, and of every server that speaks its Query API (versitygw,
// SeaweedFS, Ceph RGW and others).
//
// The service can list the keys of one user, make, disable, enable and delete a key, and say when a key was last used. A user of
// AWS has at most two keys, including inactive ones, so that an old and a new one overlap. The secret is shown once, in the answer
// to the create. Keys have no labels and do not end by themselves, and the service chooses the IDs. A create is therefore sent
// once and never replayed.
//
// A new key of AWS is listed as active at once and does not work for 3 to 15 seconds. Nothing tells when it does, so the backend
// lists a key as pending until Config.ActivationDelay after its creation. A deleted key can go on working for some seconds.
//
// Requests are forms signed with version 4 by the signer of aws-sdk-go-v2. The rest of that SDK's client for IAM is not used: it
// sends a create again after a lost answer, and takes any body with a status of 200 for a success.
//
// Servers differ most in what they leave out. Errors are therefore classified by their code first, and by their status only if the
// code is unknown. A missing creation date (SeaweedFS) is the zero time.
//
// SeaweedFS since 4.22 lets the caller choose the pair, and tells its version in each answer. There the operator chooses the ID of a
// new key, so that it finds a key again whose creation was not answered. The answers of no other server tell that it honours the
// parameter, and on one that ignores it, the intent would have the wrong ID and the new key would be lost.
//
// The key that the operator signs with is never deleted or disabled.
//
// Sources: the service model of IAM 2010-05-08 and of STS 2011-06-15 (botocore, from which aws-sdk-go-v2 is generated); the API
// reference and the user guide of IAM; the sources of versitygw 1.8.0, SeaweedFS 4.44 and 4.53, and Ceph RGW; and
// aws-sdk-go-v2/service/iam, with which test/vendorclients compares the requests.
package aws
