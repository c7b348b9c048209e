// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// unfinished is how the folder starts in which a binary is built before it is moved to its place.
const unfinished = ".building-"

// goBuild builds binaries with the go command.
type goBuild struct {
	command string // the go command
	source  string // the folder of the nested modules
	pins    pins
	log     io.Writer
	free    func(path string) uint64 // the free space of a path in bytes
}

// binary builds one binary and moves it into dir when it is whole.
func (g *goBuild) binary(ctx context.Context, b binary, dir string) error {
	work, err := os.MkdirTemp(dir, unfinished)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()

	output := filepath.Join(work, b.name)
	if err := g.run(ctx, b, output); err != nil {
		return err
	}
	if err := syncFile(output); err != nil {
		return err
	}
	return os.Rename(output, filepath.Join(dir, b.name))
}

// run is one go build with its progress on the log.
func (g *goBuild) run(ctx context.Context, b binary, output string) error {
	cmd := exec.CommandContext(ctx, g.command, "build", "-v", "-trimpath", "-buildvcs=false",
		"-ldflags", g.pins.ldflags(b.module), "-o", output, b.pkg)
	cmd.Dir = filepath.Join(g.source, b.module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	// Go gets the interrupt together with its compilers, and no process stays behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second

	title := b.name + " " + g.pins[b.module]
	shown := &progress{log: g.log, title: title, start: time.Now()}
	cmd.Stdout, cmd.Stderr = shown, shown
	stop := shown.every(10 * time.Second)
	err := cmd.Run()
	stop()
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted while building %s; what is compiled so far is kept", title)
	}
	if err != nil {
		return buildError(title, err, shown.tail())
	}
	_, _ = fmt.Fprintf(g.log, "built %s in %s\n", title, shown.elapsed())
	return nil
}

// advice says what to do about a failed build by what go wrote.
var advice = []struct {
	says   []string
	advise string
}{
	{[]string{"no space left on device", "disk quota exceeded"},
		"The disk is full. " + spaceNeeded + " " + spaceElse},
	{[]string{"signal: killed", "cannot allocate memory"},
		"The compiler was stopped, most likely for want of memory: about 4 GiB are needed. GOMAXPROCS=1 needs less."},
	{[]string{"dial tcp", "no such host", "i/o timeout", "TLS handshake", "reading http", "unexpected EOF",
		"404 Not Found", "410 Gone", "module lookup disabled", "unrecognized import path"},
		"A Go module can't be had. Check the network and GOPROXY and try again (what was fetched is kept), or set" +
			" KUBEBUILDER_ASSETS to a directory that holds etcd, kube-apiserver, kube-controller-manager and kubectl."},
}

// buildError quotes go and adds the advice that fits.
func buildError(title string, err error, tail []string) error {
	text := strings.Join(tail, "\n")
	message := fmt.Sprintf("building %s failed (%v); go's last lines:\n%s", title, err, indent(text))
	for _, a := range advice {
		for _, s := range a.says {
			if strings.Contains(text, s) {
				return errors.New(message + "\n" + a.advise)
			}
		}
	}
	return errors.New(message)
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(text, "\n", "\n    ")
}

// removeLeftovers clears what interrupted builds left. The caller holds the lock, so nothing in there is in use.
func removeLeftovers(dir string) error {
	leftovers, err := filepath.Glob(filepath.Join(dir, unfinished+"*"))
	if err != nil {
		return err
	}
	for _, path := range leftovers {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// syncFile puts the content on disk before the name: a crash must not leave a short file under the final name.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
