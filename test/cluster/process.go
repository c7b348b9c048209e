// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

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

// run a program to its end and return what it printed.
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

// Manager is the operator as a process of its own.
type Manager struct {
	command *exec.Cmd
	log     *os.File
}

// StartManager starts the manager's binary as the ServiceAccount of config/, with its rights and no others. logPath
// receives what it writes.
func (c *Cluster) StartManager(ctx context.Context, binary, logPath string, arguments ...string) (*Manager, error) {
	token, err := c.Kubectl(ctx, nil, "create", "token", "accesskey-operator", "--namespace=accesskey-system", "--duration=24h")
	if err != nil {
		return nil, err
	}
	kubeconfig, err := c.KubeconfigFor("accesskey-operator", strings.TrimSpace(token))
	if err != nil {
		return nil, err
	}
	m := &Manager{}
	if m.log, err = os.Create(logPath); err != nil {
		return nil, err
	}
	m.command = exec.CommandContext(context.WithoutCancel(ctx), binary,
		append([]string{"--kubeconfig=" + kubeconfig, "--health-probe-bind-address=0"}, arguments...)...)
	m.command.Stdout, m.command.Stderr = m.log, m.log
	return m, m.command.Start()
}

// Stop asks the manager to end, as a kubelet does, and waits for it.
func (m *Manager) Stop() error {
	defer m.log.Close() //nolint:errcheck // nothing is lost by a failing close
	if err := m.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return m.command.Wait()
}
