// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rest is what the backends with a REST API share: the HTTP client, one way to send a request and to read its
// answer, the errors of both, and values that services write in several ways.
package rest
