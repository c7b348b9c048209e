// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// Manager is the operator as a process of its own.
type Manager struct {
	command *exec.Cmd
	ended   chan struct{}
	err     error // of a process that ended
}

// operator is the kubeconfig that all managers share.
type operator struct {
	mu         sync.Mutex
	kubeconfig string
}

// StartManager starts the manager's binary as the ServiceAccount of config/, with its rights and no others. What it writes
// is added to logPath.
func (c *Cluster) StartManager(ctx context.Context, binary, logPath string, arguments ...string) (*Manager, error) {
	kubeconfig, err := c.operatorKubeconfig(ctx)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the child has its own handle
	m := &Manager{ended: make(chan struct{})}
	m.command = exec.CommandContext(context.WithoutCancel(ctx), binary,
		append([]string{"--kubeconfig=" + kubeconfig, "--health-probe-bind-address=0"}, arguments...)...)
	m.command.Stdout, m.command.Stderr = log, log
	if err := m.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		m.err = m.command.Wait()
		close(m.ended)
	}()
	return m, nil
}

// operatorKubeconfig is made once: a manager that is started again has the same token, as in a pod.
func (c *Cluster) operatorKubeconfig(ctx context.Context) (string, error) {
	c.operator.mu.Lock()
	defer c.operator.mu.Unlock()
	if c.operator.kubeconfig != "" {
		return c.operator.kubeconfig, nil
	}
	token, err := c.Kubectl(ctx, nil, "create", "token", "accesskey-operator", "--namespace=accesskey-system", "--duration=24h")
	if err != nil {
		return "", err
	}
	c.operator.kubeconfig, err = c.KubeconfigFor("accesskey-operator", strings.TrimSpace(token))
	return c.operator.kubeconfig, err
}

// PID is the process's ID.
func (m *Manager) PID() int { return m.command.Process.Pid }

// Ended is closed when the process has ended, for whatever reason.
func (m *Manager) Ended() <-chan struct{} { return m.ended }

// Stop asks the manager to end, as a kubelet does, and waits for it.
func (m *Manager) Stop() error {
	if err := m.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-m.ended
	return m.err
}

// Kill ends the manager with SIGKILL, wherever it is, and waits until it is gone. One that ended before is no error.
func (m *Manager) Kill() {
	_ = m.command.Process.Kill() // fails only if it has ended
	<-m.ended
}

// Pause stops the manager with SIGSTOP, as if its node hung. It knows nothing of the time that passes until Resume.
func (m *Manager) Pause() error { return m.command.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused manager go on.
func (m *Manager) Resume() error { return m.command.Process.Signal(syscall.SIGCONT) }
