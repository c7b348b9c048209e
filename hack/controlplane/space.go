// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A build needs wantedSpace in Go's module cache, Go's build cache and our cache together. Builds with less than leastSpace are
// refused even if much is cached already, because a full disk is worse than a missing build.
const (
	gib         = 1 << 30
	wantedSpace = 6 * gib
	leastSpace  = 2 * gib
	spaceNeeded = "Building the control plane needs about 6 GiB if Go's caches are empty."
	spaceElse   = "Set ACCESSKEY_CACHE, GOCACHE, GOMODCACHE and GOTMPDIR to folders on another disk."
)

// space warns if a first build could fill a disk, and fails if any build could.
func (g *goBuild) space(ctx context.Context, dir string) error {
	output, err := exec.CommandContext(ctx, g.command, "env", "GOCACHE", "GOMODCACHE").Output()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("the go command is not in PATH: install Go to build the control plane")
	}
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	where, least := dir, g.free(dir)
	for cache := range strings.Lines(string(output)) {
		cache = strings.TrimSpace(cache)
		if free := g.free(cache); free < least {
			where, least = cache, free
		}
	}
	message := fmt.Sprintf("%.1f GiB are free at %s. %s", float64(least)/gib, where, spaceNeeded)
	switch {
	case least < leastSpace:
		return fmt.Errorf("only %s %s", message, spaceElse)
	case least < wantedSpace:
		_, _ = fmt.Fprintln(g.log, "warning: only", message)
	}
	return nil
}

// freeSpace returns the number of bytes that the user may write at a path, which need not exist.
func freeSpace(path string) uint64 {
	var stat syscall.Statfs_t
	for syscall.Statfs(path, &stat) != nil {
		if path == filepath.Dir(path) {
			return wantedSpace // unknown; let the build try
		}
		path = filepath.Dir(path)
	}
	return uint64(stat.Bavail) * uint64(stat.Bsize) //nolint:unconvert // the types differ between systems
}
