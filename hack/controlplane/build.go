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

// unfinished is the name prefix of the temporary folder in which a binary is built.
const unfinished = ".building-"

// goBuild builds the binaries with the go command.
type goBuild struct {
	command string // the go command
	source  string // the folder of the nested modules
	pins    pins
	log     io.Writer
	free    func(path string) uint64 // the free space at a path in bytes
}

// binary builds a binary and moves it into dir when it is complete.
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

// run runs go build and logs its progress.
func (g *goBuild) run(ctx context.Context, b binary, output string) error {
	cmd := exec.CommandContext(ctx, g.command, "build", "-v", "-trimpath", "-buildvcs=false",
		"-ldflags", g.pins.ldflags(b.module), "-o", output, b.pkg)
	cmd.Dir = filepath.Join(g.source, b.module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	// Interrupt the whole process group, so that no compiler process is left running.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second

	title := b.name + " " + g.pins[b.module]
	shown := &progress{title: title, start: time.Now()}
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(cmd.Run(), writer.Close()) }()
	shown.follow(reader, g.log)
	err := <-ended
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted while building %s; the packages compiled so far are cached", title)
	}
	if err != nil {
		return buildError(title, err, shown.messages)
	}
	_, _ = fmt.Fprintf(g.log, "built %s in %s\n", title, shown.elapsed())
	return nil
}

// advice maps parts of the output of go to advice for the user.
var advice = []struct {
	says   []string
	advise string
}{
	{[]string{"no space left on device", "disk quota exceeded"},
		"The disk is full. " + spaceNeeded + " " + spaceElse},
	{[]string{"signal: killed", "cannot allocate memory"},
		"The compiler was killed, most likely because memory ran out. The build needs about 4 GiB, or less with GOMAXPROCS=1."},
	{[]string{"dial tcp", "no such host", "i/o timeout", "TLS handshake", "reading http", "unexpected EOF",
		"404 Not Found", "410 Gone", "module lookup disabled", "unrecognized import path"},
		"A Go module could not be downloaded. Check the network and GOPROXY and try again (finished downloads are cached)," +
			" or set KUBEBUILDER_ASSETS to a directory with etcd, kube-apiserver, kube-controller-manager and kubectl."},
}

// buildError returns an error with the output of go and the advice that applies.
func buildError(title string, err error, tail []string) error {
	text := strings.Join(tail, "\n")
	message := fmt.Sprintf("building %s failed (%v); the last lines of its output:\n%s", title, err, indent(text))
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

// removeLeftovers removes the temporary folders of interrupted builds. The caller holds the lock, so none of them is in use.
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

// syncFile flushes a file to disk before it is renamed. Otherwise a crash could leave an incomplete file with the final name.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
