// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command controlplane makes sure that etcd, kube-apiserver, kube-controller-manager and kubectl are there, and prints
// the directory that holds them. It takes them from KUBEBUILDER_ASSETS, then from the store of setup-envtest, and
// builds the rest from the Go modules pinned next to it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	dir, err := run(ctx)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
	fmt.Println(dir)
}

func run(ctx context.Context) (string, error) {
	source, err := findSource()
	if err != nil {
		return "", err
	}
	pins, err := readPins(source)
	if err != nil {
		return "", err
	}
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets != "" {
		if assets, err = filepath.Abs(assets); err != nil {
			return "", err
		}
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	builder := &goBuild{command: "go", source: source, pins: pins, log: os.Stderr, free: freeSpace}
	p := &provider{
		assets: assets,
		store:  envtestStore(),
		cache:  filepath.Join(cache, "controlplane"),
		pins:   pins,
		log:    os.Stderr,
		build:  builder.binary,
		room:   builder.room,
	}
	return p.directory(ctx)
}

// cacheDir is outside the checkout, so that every checkout of a user shares one build.
func cacheDir() (string, error) {
	if dir := os.Getenv("ACCESSKEY_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for the binaries, set ACCESSKEY_CACHE: %w", err)
	}
	return filepath.Join(dir, "accesskey-operator"), nil
}

// envtestStore is where setup-envtest keeps its binaries, empty if that can't be told.
func envtestStore() string {
	home, _ := os.UserHomeDir()
	data := os.Getenv("XDG_DATA_HOME")
	switch {
	case runtime.GOOS == "darwin" && home != "":
		return filepath.Join(home, "Library", "Application Support", "io.kubebuilder.envtest", "k8s")
	case data != "":
		return filepath.Join(data, "kubebuilder-envtest", "k8s")
	case home != "":
		return filepath.Join(home, ".local", "share", "kubebuilder-envtest", "k8s")
	}
	return ""
}
