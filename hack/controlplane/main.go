// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command controlplane provides etcd, kube-apiserver, kube-controller-manager and kubectl, and prints the directory that
// contains them. It uses the binaries in KUBEBUILDER_ASSETS, then those in the store of setup-envtest, and builds the others
// from the Go modules that are pinned below this folder. With --node, it also provides kubelet, kube-scheduler and kube-proxy.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
)

func main() {
	node := flag.Bool("node", false, "also provide kubelet, kube-scheduler and kube-proxy")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	dir, err := run(ctx, *node)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
	fmt.Println(dir)
}

func run(ctx context.Context, node bool) (string, error) {
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
	wanted := binaries
	if node {
		wanted = slices.Concat(binaries, nodeBinaries)
	}
	builder := &goBuild{command: "go", source: source, pins: pins, log: os.Stderr, free: freeSpace}
	p := &provider{
		wanted: wanted,
		assets: assets,
		store:  envtestStore(),
		cache:  filepath.Join(cache, "controlplane"),
		pins:   pins,
		log:    os.Stderr,
		build:  builder.binary,
		space:  builder.space,
	}
	return p.directory(ctx)
}

// cacheDir returns the cache folder. It is outside the checkout, so all checkouts of a user share one build.
func cacheDir() (string, error) {
	if dir := os.Getenv("ACCESSKEY_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the binaries: %w; set ACCESSKEY_CACHE", err)
	}
	return filepath.Join(dir, "accesskey-operator"), nil
}

// envtestStore returns the folder in which setup-envtest stores its binaries. It is empty if the folder is unknown.
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
