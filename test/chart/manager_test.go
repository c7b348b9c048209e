// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/test/cluster"
	"accesskey.dev/operator/test/simulator"
)

// buildManager builds the manager and returns its path.
func buildManager(t *testing.T) string {
	t.Helper()
	path, err := cluster.BuildManager(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// freePort returns a port that no process uses.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := simulator.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// startManager runs the container of the installed Deployment as a process: with its arguments, its environment, the files that it
// mounts, and a token of its ServiceAccount. It returns once the readiness probe succeeds.
func startManager(t *testing.T, binary string) (stop func()) {
	t.Helper()
	deployment := &appsv1.Deployment{}
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "accesskey-operator"}, deployment); err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template.Spec
	container := pod.Containers[0]
	command := exec.CommandContext(context.Background(), binary, container.Args...)
	command.Env = append(environment(t, container, mounted(t, pod)), "KUBECONFIG="+kubeconfig(t, pod.ServiceAccountName))
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	stop = func() {
		_ = command.Process.Signal(syscall.SIGTERM) // fails only if the process has ended
		if err := <-ended; err != nil {
			t.Errorf("the manager ended with %v", err)
		}
		ended <- nil
		if t.Failed() {
			t.Log(log.String())
		}
	}
	t.Cleanup(stop)
	until(t, "the readiness probe", func() error { return probe(container) })
	return stop
}

// probe sends the request of the readiness probe.
func probe(container corev1.Container) error {
	get := container.ReadinessProbe.HTTPGet
	for _, port := range container.Ports {
		if port.Name != get.Port.StrVal {
			continue
		}
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port.ContainerPort, get.Path))
		if err != nil {
			return err
		}
		defer response.Body.Close() //nolint:errcheck // the body is not read
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("got %s", response.Status)
		}
		return nil
	}
	return fmt.Errorf("the container has no port %s", get.Port.StrVal)
}

// expectMetricsRefused asks for the metrics without a token. The manager is ready before it serves them, since it makes a certificate first.
func expectMetricsRefused(t *testing.T, port int) {
	t.Helper()
	anyCertificate := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer anyCertificate.CloseIdleConnections()
	until(t, "an answer to a request for the metrics", func() error {
		response, err := anyCertificate.Get(fmt.Sprintf("https://127.0.0.1:%d/metrics", port))
		if err != nil {
			return err
		}
		defer response.Body.Close() //nolint:errcheck // the body is not read
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("the metrics are served without a token: %s", response.Status)
		}
		return nil
	})
}

// kubeconfig returns the path of a kubeconfig with a token of a ServiceAccount.
func kubeconfig(t *testing.T, account string) string {
	t.Helper()
	token, err := plane.Kubectl(t.Context(), nil, "create", "token", account, "--namespace="+namespace)
	if err != nil {
		t.Fatal(err)
	}
	path, err := plane.KubeconfigFor(account, strings.TrimSpace(token))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// environment returns the environment of a container. Paths in it are those of the folders in which the test has mounted volumes.
func environment(t *testing.T, container corev1.Container, folders map[string]string) (all []string) {
	t.Helper()
	for _, each := range container.Env {
		value := each.Value
		if each.ValueFrom != nil && each.ValueFrom.FieldRef.FieldPath == "metadata.namespace" {
			value = namespace
		}
		for _, mount := range container.VolumeMounts {
			value = strings.ReplaceAll(value, mount.MountPath, folders[mount.Name])
		}
		all = append(all, each.Name+"="+value)
	}
	return all
}

// mounted writes the ConfigMaps that a Pod mounts to folders, as a kubelet does, and returns the folders by the names of the volumes.
func mounted(t *testing.T, pod corev1.PodSpec) map[string]string {
	t.Helper()
	folders := map[string]string{}
	for _, volume := range pod.Volumes {
		content := &corev1.ConfigMap{}
		if err := kube.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: volume.ConfigMap.Name}, content); err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		folders[volume.Name] = folder
		// The files are symbolic links into a hidden folder.
		if err := os.Mkdir(filepath.Join(folder, "..2026"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range content.Data {
			if err := os.WriteFile(filepath.Join(folder, "..2026", name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join("..2026", name), filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return folders
}

// until waits up to a minute for a check to succeed.
func until(t *testing.T, what string, check func() error) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("waited a minute for %s: %v", what, err)
		}
	}
}
