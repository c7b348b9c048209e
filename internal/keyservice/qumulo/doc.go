// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package qumulo manages the S3 access keys of Qumulo Core through its REST API.
//
// The service can list the keys of one user or of the whole cluster, make a key and delete a key. A deleted key stops working
// at once. A user has at most two keys, so that an old and a new one overlap. The secret is shown once, in the answer to the
// create. The service cannot regenerate, disable, expire, label or describe a key, does not know when a key was last used, and
// chooses the IDs itself. A create is therefore never replayed, except after a 401, which means that it was not carried out.
//
// Sources: the REST API guide and the administrator's guide in the repository Qumulo/docs (s3-server-methods,
// session-management, identity, node, creating-managing-s3-access-keys); identity_util.py and request.py of the vendor's
// command-line tool; and the observations on a live 7.9.2.2 in rsnedigar-cell/cosi-driver-qumulo (docs/status.md): collections
// end in a slash; ?user= is refused together with limit or after; deleting a local user leaves its keys working and its name
// unusable for look-ups, so that only auth_id names a user reliably.
//
// No source gives the status and error_class of the two-keys limit, nor the class of a missing key. The code relies on neither.
package qumulo
