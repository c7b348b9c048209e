// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package docs has the pages of the documentation that the kubectl plugin quotes.
package docs

import _ "embed"

// Reasons is the page about the conditions and their reasons.
//
//go:embed reasons.md
var Reasons string
