// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package vendorclients proves the simulators, and what the backends send, with the vendors' own clients. It has tests only.
package vendorclients
