// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// provider finds the binaries, builds the missing ones and collects all of them in one directory.
type provider struct {
	wanted []binary
	assets string // KUBEBUILDER_ASSETS, or empty
	store  string // the folder of setup-envtest, with a folder per version, or empty
	cache  string // the folder of our own builds
	pins   pins
	log    io.Writer

	build func(ctx context.Context, b binary, dir string) error // puts the complete binary into dir, or nothing
	space func(ctx context.Context, dir string) error           // fails if the disk has too little space
}

// directory returns a directory that contains all wanted binaries.
func (p *provider) directory(ctx context.Context) (string, error) {
	if p.assets != "" && !slices.ContainsFunc(p.wanted, p.inAssets) {
		_, _ = fmt.Fprintf(p.log, "warning: KUBEBUILDER_ASSETS is %s, which contains none of the binaries\n", p.assets)
	}
	if len(p.missing()) > 0 {
		if err := p.buildMissing(ctx); err != nil {
			return "", err
		}
	}
	sources := make([]string, len(p.wanted))
	same := true
	for i, b := range p.wanted {
		sources[i] = p.find(b)
		same = same && sources[i] == sources[0]
	}
	if same {
		return sources[0], nil
	}
	return p.link(sources)
}

// find returns the first directory that contains a usable binary, or an empty string.
func (p *provider) find(b binary) string {
	for _, dir := range []string{p.assets, p.newestInStore(), p.built()} {
		if dir != "" && usable(filepath.Join(dir, b.name)) {
			return dir
		}
	}
	return ""
}

func (p *provider) inAssets(b binary) bool {
	return usable(filepath.Join(p.assets, b.name))
}

func (p *provider) missing() []binary {
	var missing []binary
	for _, b := range p.wanted {
		if p.find(b) == "" {
			missing = append(missing, b)
		}
	}
	return missing
}

func (p *provider) built() string {
	return filepath.Join(p.cache, p.pins.key())
}

// newestInStore returns the newest folder with the pinned minor version of Kubernetes, such as 1.36.2-linux-amd64.
func (p *provider) newestInStore() string {
	entries, err := os.ReadDir(p.store)
	if err != nil {
		return ""
	}
	best, dir := -1, ""
	for _, e := range entries {
		patch, ok := strings.CutPrefix(e.Name(), p.pins.minor())
		patch, platform, _ := strings.Cut(patch, "-")
		number, err := strconv.Atoi(patch)
		if !ok || err != nil || platform != runtime.GOOS+"-"+runtime.GOARCH || number <= best {
			continue
		}
		// setup-envtest makes the folder read-only when it has unpacked all binaries.
		if info, err := e.Info(); err != nil || !info.IsDir() || info.Mode()&0o200 != 0 {
			continue
		}
		best, dir = number, filepath.Join(p.store, e.Name())
	}
	return dir
}

func (p *provider) buildMissing(ctx context.Context) error {
	dir := p.built()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, filepath.Join(p.cache, "lock"), func() {
		_, _ = fmt.Fprintln(p.log, "waiting for another build of the control plane…")
	})
	if err != nil {
		return err
	}
	defer unlock()

	missing := p.missing() // another process may have built them in the meantime
	if len(missing) == 0 {
		return nil
	}
	if err := removeLeftovers(dir); err != nil {
		return err
	}
	if err := p.space(ctx, dir); err != nil {
		return err
	}
	const plan = "building %d of %d control plane binaries from source into %s (once; about ten minutes on two cores)\n"
	_, _ = fmt.Fprintf(p.log, plan, len(missing), len(p.wanted), dir)
	for _, b := range missing {
		if err := p.build(ctx, b, dir); err != nil {
			return err
		}
	}
	return nil
}

// link creates a directory of symlinks. Each combination of sources has its own directory, so the links do not change while a
// test uses them.
func (p *provider) link(sources []string) (string, error) {
	sum := sha256.Sum256([]byte(strings.Join(sources, "\n")))
	dir := filepath.Join(p.built(), fmt.Sprintf("mixed-%x", sum[:4]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for i, b := range p.wanted {
		target, name := filepath.Join(sources[i], b.name), filepath.Join(dir, b.name)
		if current, err := os.Readlink(name); err == nil && current == target {
			continue
		}
		// Renaming replaces an old link atomically. The process ID lets two processes do this at the same time.
		temporary := fmt.Sprintf("%s.%d", name, os.Getpid())
		if err := os.Symlink(target, temporary); err != nil {
			return "", err
		}
		if err := os.Rename(temporary, name); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// usable reports whether path is an executable file, or a link to one.
func usable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && info.Size() > 0
}
