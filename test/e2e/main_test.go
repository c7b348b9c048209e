// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"testing"

	"accesskey.dev/operator/test/e2e/node"
)

// TestMain runs the tests in namespaces of their own.
func TestMain(m *testing.M) {
	if node.Inside() {
		os.Exit(m.Run())
	}
	code, err := node.Isolate()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
