// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// prepareRestarts gives etcd and kube-apiserver folders that survive a restart, and starts them by scripts that write down the
// IDs of the processes, because envtest does not expose them.
func (c *Cluster) prepareRestarts(assets string) error {
	plane := &c.environment.ControlPlane
	plane.Etcd = &envtest.Etcd{DataDir: filepath.Join(c.directory, "etcd")}
	server := plane.GetAPIServer()
	server.CertDir = filepath.Join(c.directory, "kube-apiserver")
	for _, directory := range []string{plane.Etcd.DataDir, server.CertDir} {
		if err := os.Mkdir(directory, 0o700); err != nil {
			return err
		}
	}
	var err error
	if plane.Etcd.Path, err = c.writeScript(assets, "etcd"); err != nil {
		return err
	}
	server.Path, err = c.writeScript(assets, "kube-apiserver")
	return err
}

// writeScript writes a script that stores its process ID in a file and then executes the program.
func (c *Cluster) writeScript(assets, program string) (path string, err error) {
	path = filepath.Join(c.directory, program+".sh")
	script := fmt.Sprintf("#!/bin/sh\necho $$ >%s\nexec %s \"$@\"\n", quoted(c.pidFile(program)), quoted(filepath.Join(assets, program)))
	return path, os.WriteFile(path, []byte(script), 0o700) // executable
}

func (c *Cluster) pidFile(program string) string { return filepath.Join(c.directory, program+".pid") }

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// KillEtcd kills etcd with SIGKILL. StartEtcd starts it again.
func (c *Cluster) KillEtcd() error { return c.kill("etcd") }

// StartEtcd starts etcd again with the same data and port, and waits until it is healthy.
func (c *Cluster) StartEtcd() error { return c.environment.ControlPlane.Etcd.Start() }

// KillAPIServer kills kube-apiserver with SIGKILL. StartAPIServer starts it again.
func (c *Cluster) KillAPIServer() error { return c.kill("kube-apiserver") }

// StartAPIServer starts kube-apiserver again with the same certificates and port, and waits until it is healthy.
func (c *Cluster) StartAPIServer() error { return c.environment.ControlPlane.APIServer.Start() }

// kill kills a process of the control plane and waits until it has ended.
func (c *Cluster) kill(program string) error {
	text, err := os.ReadFile(c.pidFile(program))
	if err != nil {
		return fmt.Errorf("reading the process ID of %s: %w", program, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("reading the process ID of %s: %w", program, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing %s: %w", program, err)
	}
	// envtest waits for the process, so its ID is free once it is gone.
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return nil
		}
	}
	return fmt.Errorf("process %d of %s still exists a minute after SIGKILL", pid, program)
}
