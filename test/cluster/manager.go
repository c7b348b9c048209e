// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Manager is an operator that runs as a separate process.
type Manager struct {
	command *exec.Cmd
	ended   chan struct{}
	err     error // the result of the process, set before ended is closed
}

// operator holds the kubeconfig that all managers share.
type operator struct {
	mu         sync.Mutex
	kubeconfig string
}

// BuildManager builds the manager of this module into a folder, and returns the path of the binary.
func BuildManager(ctx context.Context, folder string) (path string, err error) {
	path = filepath.Join(folder, "manager")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "accesskey.dev/operator/cmd").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the manager: %w: %s", err, out)
	}
	return path, nil
}

// StartManager starts the manager's binary with the identity and the permissions of the ServiceAccount of config/. It appends
// the output of the process to the file logPath.
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

// operatorKubeconfig returns the path of the operator's kubeconfig. It is created once, so that a restarted manager has the same
// token, as a restarted container has.
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

// PID returns the ID of the process.
func (m *Manager) PID() int { return m.command.Process.Pid }

// Ended returns a channel that is closed when the process has ended for any reason.
func (m *Manager) Ended() <-chan struct{} { return m.ended }

// Stop sends SIGTERM to the manager, as a kubelet does, and waits until the process has ended.
func (m *Manager) Stop() error {
	if err := m.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-m.ended
	return m.err
}

// Kill sends SIGKILL to the manager and waits until the process has ended. It may have ended before.
func (m *Manager) Kill() {
	_ = m.command.Process.Kill() // fails only if the process has ended
	<-m.ended
}

// Pause suspends the manager with SIGSTOP until Resume, as if its node hung. The manager does not notice the pause.
func (m *Manager) Pause() error { return m.command.Process.Signal(syscall.SIGSTOP) }

// Resume continues a paused manager.
func (m *Manager) Resume() error { return m.command.Process.Signal(syscall.SIGCONT) }
