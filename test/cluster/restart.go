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

// prepareRestarts gives etcd and kube-apiserver folders that outlive their processes, and notes the IDs of the processes,
// which envtest keeps to itself.
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
	if plane.Etcd.Path, err = c.noting(assets, "etcd"); err != nil {
		return err
	}
	server.Path, err = c.noting(assets, "kube-apiserver")
	return err
}

// noting writes a script that notes its process ID and becomes the program.
func (c *Cluster) noting(assets, program string) (path string, err error) {
	path = filepath.Join(c.directory, program+".sh")
	script := fmt.Sprintf("#!/bin/sh\necho $$ >%s\nexec %s \"$@\"\n", quoted(c.noteOf(program)), quoted(filepath.Join(assets, program)))
	return path, os.WriteFile(path, []byte(script), 0o700) // it is to be run
}

func (c *Cluster) noteOf(program string) string { return filepath.Join(c.directory, program+".pid") }

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// KillEtcd kills etcd with SIGKILL. StartEtcd brings it back.
func (c *Cluster) KillEtcd() error { return c.kill("etcd") }

// StartEtcd starts etcd again, on its data and its port, and waits until it is healthy.
func (c *Cluster) StartEtcd() error { return c.environment.ControlPlane.Etcd.Start() }

// KillAPIServer kills kube-apiserver with SIGKILL. StartAPIServer brings it back.
func (c *Cluster) KillAPIServer() error { return c.kill("kube-apiserver") }

// StartAPIServer starts kube-apiserver again, with its certificates and on its port, and waits until it is healthy.
func (c *Cluster) StartAPIServer() error { return c.environment.ControlPlane.APIServer.Start() }

// kill a process of the control plane, and wait until it is gone.
func (c *Cluster) kill(program string) error {
	note, err := os.ReadFile(c.noteOf(program))
	if err != nil {
		return fmt.Errorf("looking up the process of %s: %w", program, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(note)))
	if err != nil {
		return fmt.Errorf("looking up the process of %s: %w", program, err)
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
	return fmt.Errorf("%s, process %d, was killed and does not go", program, pid)
}
