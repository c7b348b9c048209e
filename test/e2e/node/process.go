// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// process is a program of the node that runs until it is stopped.
type process struct {
	name  string
	pid   int
	ended chan struct{} // closed when the process has ended
	log   string
}

// start starts a program in a process group of its own. Its output is appended to a file in the folder of the logs.
func (n *Node) start(program string, arguments ...string) (*process, error) {
	p := &process{name: filepath.Base(program), ended: make(chan struct{})}
	p.log = filepath.Join(n.options.Logs, p.name+".log")
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the child has its own handle
	command := exec.CommandContext(context.Background(), program, arguments...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	p.pid = command.Process.Pid
	go func() {
		_ = command.Wait() // whoever waits for the process learns from its log why it ended
		close(p.ended)
	}()
	return p, nil
}

// stop sends SIGTERM and waits until the process has ended.
func (p *process) stop(ctx context.Context) error {
	if err := syscall.Kill(p.pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s did not end after SIGTERM: %w", p.name, ctx.Err())
	}
}

// lastLines returns the end of the log.
func (p *process) lastLines() string {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// run runs a program to its end and returns its output.
func run(ctx context.Context, stdin []byte, program string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Stdin = bytes.NewReader(stdin)
	var out, failure bytes.Buffer
	command.Stdout, command.Stderr = &out, &failure
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(arguments, " "), err, strings.TrimSpace(failure.String()))
	}
	return out.String(), nil
}
