// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"
)

// The build stamps the version, the commit and the date of the commit into the package version (see the Makefile). A binary of
// "go build" or "go test" has no stamp.

// operatorVersion returns the version, such as v0.1.0, or dev without a stamp.
func operatorVersion() string { return cmp.Or(version.Version, "dev") }

// build describes the binary in one line, as --version prints it.
func build() string {
	return fmt.Sprintf("accesskey-operator %s (commit %s of %s, %s, %s/%s)", operatorVersion(), version.GetRevision(),
		cmp.Or(version.BuildDate, "unknown date"), version.GoVersion, version.GoOS, version.GoArch)
}

// buildInfo returns the metric accesskey_build_info.
func buildInfo() prometheus.Collector { return versioncollector.NewCollector("accesskey") }
