// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// inside is the environment variable that tells a program that it runs in the namespaces of the node. Its value is the name of the
// control group that is the parent of those of the Pods.
const inside = "ACCESSKEY_E2E_INSIDE"

// prefix begins the name of that control group. The ID of the process that isolates the node follows.
const prefix = "accesskey-e2e-"

// Inside reports whether this process runs in namespaces for a node.
func Inside() bool { return os.Getenv(inside) != "" }

// Isolate runs this program again, with its arguments, as the first process of new namespaces, and returns its exit code. When
// that process ends for any reason, the kernel ends all other processes of the namespaces and removes their mounts and network
// interfaces, so the node leaves nothing behind but empty control groups, which Isolate removes.
func Isolate() (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The kernel sends Pdeathsig when the thread ends that started the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	command := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	command.Args[0] = os.Args[0]
	if err := removeAbandoned(); err != nil {
		return 1, err
	}
	controlGroup := prefix + strconv.Itoa(os.Getpid())
	command.Env = append(os.Environ(), inside+"="+controlGroup)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	err = command.Run()
	if errors.Is(err, syscall.EPERM) {
		return 1, fmt.Errorf("making namespaces for a node, which needs root: %w", err)
	}
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		code, err = ended.ExitCode(), nil
	}
	return code, errors.Join(err, removeControlGroups(controlGroup))
}

// controlGroups returns the path of a group in each hierarchy: one with version 2, one for each controller with version 1.
func controlGroups(name string) ([]string, error) {
	const root = "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		return []string{filepath.Join(root, name)}, nil
	}
	hierarchies, err := os.ReadDir(root)
	var groups []string
	for _, hierarchy := range hierarchies {
		if hierarchy.IsDir() {
			groups = append(groups, filepath.Join(root, hierarchy.Name(), name))
		}
	}
	return groups, err
}

// removeAbandoned removes the control groups of a process that was killed before it could remove them.
func removeAbandoned() error {
	groups, err := controlGroups(prefix + "*")
	for _, pattern := range groups {
		found, _ := filepath.Glob(pattern) // the pattern is valid
		for _, group := range found {
			name := filepath.Base(group)
			if _, gone := os.Stat("/proc/" + strings.TrimPrefix(name, prefix)); gone != nil {
				err = errors.Join(err, removeControlGroups(name))
			}
		}
	}
	return err
}

// removeControlGroups removes a control group and those below it, which are empty.
func removeControlGroups(name string) error {
	groups, err := controlGroups(name)
	for _, group := range groups {
		var below []string
		_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				below = append(below, path)
			}
			return nil
		})
		for _, path := range slices.Backward(below) {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// folders are the folders that get an empty file system of their own.
var folders = []string{"/run", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/cni", "/var/log"}

// tunables are settings of the whole machine that a kubelet wants to change. The node sees files with the values it wants.
var tunables = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// mountAll makes the folders private to the namespaces.
func mountAll() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	for _, folder := range folders {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("mounting %s: %w", folder, err)
		}
	}
	for name, value := range tunables {
		file := filepath.Join("/run/tunables", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := syscall.Mount(file, filepath.Join("/proc/sys", name), "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("hiding the setting %s: %w", name, err)
		}
	}
	groups, err := controlGroups(os.Getenv(inside))
	for _, group := range groups {
		err = errors.Join(err, os.MkdirAll(group, 0o755))
	}
	return err
}
