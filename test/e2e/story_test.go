// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/e2e/node"
	"accesskey.dev/operator/test/e2e/report"
	"accesskey.dev/operator/test/simulator/admin"
)

const (
	// bin is the folder with what make test-e2e builds.
	bin = "../../bin"
	// system is the namespace of the operator, and team the one of the AccessKeys.
	system, team = "accesskey-system", "team-a"
	// services is the namespace of the simulators and the S3 server.
	services = "accesskey-demo"
)

// story is what the steps of the test share.
type story struct {
	t       *testing.T
	ctx     context.Context //nolint:containedctx // one context for all steps of a test
	start   time.Time
	node    *node.Node
	kube    client.Client
	reports *report.Collector
	admin   admin.Client
	usage   *usage
}

// newStory starts a node.
func newStory(t *testing.T) *story {
	t.Helper()
	log.SetLogger(logr.Discard())
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	s := &story{t: t, ctx: ctx, start: time.Now(), reports: &report.Collector{}, usage: &usage{}}
	logs, err := os.MkdirTemp("", "accesskey-e2e-")
	s.must(err)
	t.Cleanup(func() {
		if t.Failed() {
			s.figures()
			t.Logf("The logs of the node and of the Pods are in %s", logs)
			s.keepLogs(logs)
			return
		}
		_ = os.RemoveAll(logs) // a leftover in the folder for temporary files
	})
	images, err := filepath.Glob(bin + "/images/*.tar")
	s.must(err)
	s.node, err = node.Start(ctx, node.Options{Logs: logs, DNS: bin + "/coredns", Images: images})
	s.must(err)
	s.kube, err = client.New(s.node.Config, client.Options{Scheme: controller.Scheme()})
	s.must(err)
	s.say("node: Kubernetes %s with containerd, kube-proxy and CoreDNS is ready, with %d images", s.version(), len(images))
	return s
}

// say prints a line with the time since the start.
func (s *story) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

func (s *story) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// until calls a check until it succeeds. The error of the last check says what is missing.
func (s *story) until(what string, limit time.Duration, check func() error) {
	s.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || s.ctx.Err() != nil {
			s.t.Fatalf("waiting %s for %s: %v", limit, what, err)
		}
	}
}

// kubectl runs kubectl, which must succeed, and returns its output.
func (s *story) kubectl(arguments ...string) string {
	s.t.Helper()
	out, err := s.node.Kubectl(s.ctx, nil, arguments...)
	s.must(err)
	return strings.TrimSpace(out)
}

// helm runs Helm, which must succeed.
func (s *story) helm(arguments ...string) {
	s.t.Helper()
	command := exec.CommandContext(s.ctx, bin+"/helm", append([]string{"--kubeconfig=" + s.node.Kubeconfig}, arguments...)...)
	if out, err := command.CombinedOutput(); err != nil {
		s.t.Fatalf("helm %s: %v: %s", strings.Join(arguments, " "), err, out)
	}
}

func (s *story) version() string {
	s.t.Helper()
	return s.kubectl("get", "nodes", "-o=jsonpath={.items[0].status.nodeInfo.kubeletVersion}")
}

// collect receives the reports of the consumers at the address of the node.
func (s *story) collect() {
	s.t.Helper()
	listener, err := net.Listen("tcp", node.Address+":8099")
	s.must(err)
	server := &http.Server{Handler: s.reports, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // returns after Close
	s.t.Cleanup(func() { _ = server.Close() })
}

// accessKey returns an AccessKey of the team.
func (s *story) accessKey(name string) (*v1alpha1.AccessKey, error) {
	ak := &v1alpha1.AccessKey{}
	return ak, s.kube.Get(s.ctx, types.NamespacedName{Namespace: team, Name: name}, ak)
}

// gone returns an error that lists what kubectl still finds.
func (s *story) gone(arguments ...string) error {
	out, err := s.node.Kubectl(s.ctx, nil, append([]string{"get", "-o=name", "--ignore-not-found"}, arguments...)...)
	if err == nil && strings.TrimSpace(out) != "" {
		err = errors.New("there are still " + strings.Join(strings.Fields(out), ", "))
	}
	return err
}

// keepLogs keeps what a person needs to find out why the test failed.
func (s *story) keepLogs(folder string) {
	if s.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for name, arguments := range map[string][]string{
		"objects.txt":  {"get", "nodes,pods,services,deployments,accesskeys,keyservices,leases", "-A", "-o=wide"},
		"keys.yaml":    {"get", "accesskeys,keyservices", "-A", "-o=yaml"},
		"pods.txt":     {"describe", "pods", "-A"},
		"events.txt":   {"get", "events", "-A"},
		"manager.log":  {"logs", "--namespace=" + system, "--selector=app.kubernetes.io/name=accesskey-operator", "--prefix", "--tail=-1"},
		"services.log": {"logs", "--namespace=" + services, "--selector=app=simulators", "--tail=-1"},
	} {
		out, err := s.node.Kubectl(ctx, nil, arguments...)
		if err != nil {
			out += err.Error()
		}
		_ = os.WriteFile(filepath.Join(folder, name), []byte(out), 0o600) // the test has failed already
	}
}
