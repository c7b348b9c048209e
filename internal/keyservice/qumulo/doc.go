// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package qumulo manages the S3 access keys of Qumulo Core through its REST API.
//
// What the service can do: list the keys of one user or of the whole cluster, make one, delete one; a deleted key stops
// working at once. A user holds at most two keys, so an old and a new one overlap. The secret is shown once, in the answer
// to the create. What it cannot do: renew in place, disable, expire, label or describe a key, say when it was last used,
// or let the caller choose its ID. A create is therefore never replayed, except after a 401, which says that it was not
// carried out.
//
// Where this is from: the REST API guide and the administrator's guide in the repository Qumulo/docs (s3-server-methods,
// session-management, identity, creating-managing-s3-access-keys); identity_util.py and request.py of the vendor's
// command-line tool; and what the maintainers of rsnedigar-cell/cosi-driver-qumulo saw on a live 7.9.2.2
// (docs/status.md): collections end in a slash; ?user= is refused together with limit or after; deleting a local user
// leaves its keys alive and its name unusable for look-ups, so that only auth_id names a user reliably.
//
// No source tells the status and error_class of the two-keys limit, nor the class of a missing key. Neither is relied on.
package qumulo
