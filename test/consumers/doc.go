// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package consumers lets real consumers of S3 credentials read what the operator writes to a Secret, and list a bucket of a real
// S3 server with it.
package consumers
