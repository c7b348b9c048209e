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

// What a build takes, in Go's module cache, Go's build cache and ours together. A third of it must be there however
// much is cached already: filling up a disk is worse than not building.
const (
	gib         = 1 << 30
	wantedSpace = 6 * gib
	leastSpace  = 2 * gib
	spaceNeeded = "Building the control plane takes about 6 GiB when nothing is in Go's caches yet."
	spaceElse   = "ACCESSKEY_CACHE, GOCACHE, GOMODCACHE and GOTMPDIR can be set to another disk."
)

// room warns if a first build may fill a disk, and fails if any build would.
func (g *goBuild) room(ctx context.Context, dir string) error {
	output, err := exec.CommandContext(ctx, g.command, "env", "GOCACHE", "GOMODCACHE").Output()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("the go command is needed to build the control plane and is not in PATH")
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

// freeSpace is what the user may still write at a path that need not exist yet, in bytes.
func freeSpace(path string) uint64 {
	var stat syscall.Statfs_t
	for syscall.Statfs(path, &stat) != nil {
		if path == filepath.Dir(path) {
			return wantedSpace // can't be told; the build will say
		}
		path = filepath.Dir(path)
	}
	return uint64(stat.Bavail) * uint64(stat.Bsize) //nolint:unconvert // the types differ between systems
}
