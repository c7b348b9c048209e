// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package process runs bin/simulators as a child process, for the demo and the benchmark.
package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"accesskey.dev/operator/test/simulator/admin"
)

// Simulators is a running bin/simulators. The embedded Client is a client of its admin endpoint.
type Simulators struct {
	admin.Client

	// Accounts contains an account of each service, by name.
	Accounts map[string]admin.Account
	// S3 is the S3 server that the keys open. It is nil without --s3-server.
	S3 *admin.S3

	process *exec.Cmd
}

// Start starts bin/simulators and waits until all services run.
func Start(ctx context.Context, arguments ...string) (*Simulators, error) {
	s := &Simulators{process: exec.CommandContext(context.WithoutCancel(ctx), "bin/simulators", arguments...)}
	s.process.Stderr = os.Stderr
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	var welcome admin.Welcome
	if err := json.NewDecoder(out).Decode(&welcome); err != nil {
		return nil, errors.Join(fmt.Errorf("read the output of bin/simulators: %w", err), s.Stop())
	}
	s.URL, s.Accounts, s.S3 = welcome.Admin, welcome.Services, welcome.S3
	return s, nil
}

// Stop stops the process. It may have stopped already, because Ctrl-C also reaches child processes.
func (s *Simulators) Stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return s.process.Wait()
}
