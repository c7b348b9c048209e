// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package process runs bin/simulators for programs that need the key services.
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

// Simulators are the four key services, as a process of their own. The client is of their admin endpoint.
type Simulators struct {
	admin.Client

	// Accounts at the services, by their names.
	Accounts map[string]admin.Account

	process *exec.Cmd
}

// Start returns when all of them answer.
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
		return nil, errors.Join(fmt.Errorf("reading what bin/simulators prints: %w", err), s.Stop())
	}
	s.URL, s.Accounts = welcome.Admin, welcome.Services
	return s, nil
}

// Stop ends the process, unless a Ctrl-C has done so already.
func (s *Simulators) Stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return s.process.Wait()
}
