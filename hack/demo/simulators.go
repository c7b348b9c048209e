// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

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

// simulators are the four key services, as a process of their own. The client is of their admin endpoint.
type simulators struct {
	admin.Client

	accounts map[string]admin.Account
	process  *exec.Cmd
}

// startSimulators returns when all of them answer.
func startSimulators(ctx context.Context) (*simulators, error) {
	s := &simulators{process: exec.CommandContext(context.WithoutCancel(ctx), "bin/simulators")}
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
		return nil, errors.Join(fmt.Errorf("reading what bin/simulators prints: %w", err), s.stop())
	}
	s.URL, s.accounts = welcome.Admin, welcome.Services
	return s, nil
}

// stop ends the process, unless a Ctrl-C has done so already.
func (s *simulators) stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return s.process.Wait()
}
