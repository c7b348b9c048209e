// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// binaryVariable is the environment variable with the path of versitygw. The Makefile sets it.
const binaryVariable = "S3_SERVER"

// Binary returns the path of versitygw. If the environment does not set it, the go command builds the version that
// hack/s3server pins, and keeps it in its build cache. The first build takes about two minutes.
func Binary(ctx context.Context) (string, error) {
	if path := os.Getenv(binaryVariable); path != "" {
		return path, nil
	}
	root, err := goCommand(ctx, "list", "-m", "-f", "{{.Dir}}", "accesskey.dev/operator")
	if err != nil {
		return "", err
	}
	return goCommand(ctx, "-C", filepath.Join(root, "hack", "s3server"), "tool", "-n", "versitygw")
}

// goCommand runs the go command with the settings that the Makefile uses for the S3 server, and returns its output.
func goCommand(ctx context.Context, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(arguments, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
