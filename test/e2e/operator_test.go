// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestOperatorOnARealNode installs the operator with Helm, and rotates the keys of two applications while the leader is killed, the
// kubelet is restarted and the operator is upgraded. Then it uninstalls the operator, and installs it from the manifest, as
// the quickstart does.
func TestOperatorOnARealNode(t *testing.T) {
	s := newStory(t)
	s.startServices()

	installed := time.Now()
	s.installWithHelm()
	s.startKeys(installed)
	s.testRelease()
	s.startConsumers()
	s.watchUsage()
	s.killTheLeader("environment", "its Pod was deleted with grace period 0", s.deletePod)
	s.restartKubelet()
	s.killTheLeader("environment", "its process was killed with SIGKILL", s.killProcess)
	s.upgrade("environment")
	s.waitForRotations("files", 3)
	s.figures()
	s.compareUsage()
	s.endTeam()
	s.uninstall("helm uninstall", func() {
		s.helm("uninstall", "accesskey-operator", "--namespace="+system, "--wait")
		s.kubectl("delete", "namespace", system)
	})
	s.uninstall("the last command of the quickstart", s.followQuickstart)
}

// startServices starts the simulators and the S3 server as config/demo does.
func (s *story) startServices() {
	s.t.Helper()
	s.namespace(services)
	manifest, err := os.ReadFile("../../config/demo/simulators.yaml")
	s.must(err)
	manifest = bytes.ReplaceAll(manifest, []byte("image: accesskey-simulators"), []byte("image: accesskey-simulators:dev")) // as its kustomization.yaml does
	_, err = s.node.Kubectl(s.ctx, manifest, "apply", "--namespace="+services, "--filename=-")
	s.must(err)
	s.kubectl("rollout", "status", "--namespace="+services, "deployment/simulators", "--timeout=60s")
	service := &corev1.Service{}
	s.must(s.kube.Get(s.ctx, types.NamespacedName{Namespace: services, Name: "simulators"}, service))
	s.admin.URL = "http://" + service.Spec.ClusterIP + ":9090"
	s.say("key services: the simulators and versitygw run as a Pod")
}

// namespace creates a namespace with the Pod Security level restricted.
func (s *story) namespace(name string) {
	s.t.Helper()
	s.must(s.kube.Create(s.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}))
}

func (s *story) installWithHelm() {
	s.t.Helper()
	s.namespace(system)
	s.helm("install", "accesskey-operator", "../../dist/chart", "--namespace="+system, "--set=image.tag=dev")
	s.say("installed: helm install accesskey-operator dist/chart")
}

// testRelease runs the image once, as users do after an installation.
func (s *story) testRelease() {
	s.t.Helper()
	s.helm("test", "accesskey-operator", "--namespace="+system, "--timeout=60s")
	s.say("helm test accesskey-operator: succeeded")
}

// startKeys creates the AccessKeys while the operator is starting, and waits until they are ready.
func (s *story) startKeys(installed time.Time) {
	s.t.Helper()
	welcome, err := s.admin.Welcome(s.ctx)
	s.must(err)
	s.namespace(team)
	s.must(s.kube.Create(s.ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "services-ca"},
		StringData: map[string]string{"ca.crt": welcome.Services["qumulo"].CA + welcome.Services["ionos"].CA + welcome.S3.CA},
	}))
	// An API server that has just got the CRDs refuses AccessKeys for some seconds (docs/install.md).
	s.until("the API server to accept AccessKeys", 30*time.Second, func() error {
		_, err := s.node.Kubectl(s.ctx, nil, "apply", "--namespace="+team, "--filename=manifests/keys.yaml")
		return err
	})
	for _, name := range []string{"files", "environment"} {
		s.until("AccessKey "+name+" to be ready", time.Minute, func() error { return s.ready(name, 0) })
		s.say("AccessKey %s: ready %.1f s after the installation began", name, time.Since(installed).Seconds())
	}
}

// startConsumers starts an application for each AccessKey, and waits until the S3 server answers it.
func (s *story) startConsumers() {
	s.t.Helper()
	s.collect()
	s.kubectl("apply", "--namespace="+team, "--filename=manifests/consumers.yaml")
	for _, name := range []string{"files", "environment"} {
		s.consumed(name)
	}
	s.say("consumers: two Deployments list a bucket every second, one by envFrom, one with a mounted Secret")
}

// waitForRotations waits until an AccessKey was rotated so often and its application uses the last pair.
func (s *story) waitForRotations(name string, rotations int64) {
	s.t.Helper()
	s.until("rotations of AccessKey "+name, 3*time.Minute, func() error { return s.ready(name, rotations) })
	s.consumed(name)
	s.say("AccessKey %s: rotated at least %d times, and its application uses the current pair", name, rotations)
}

// endTeam deletes the namespace of the team with everything in it.
func (s *story) endTeam() {
	s.t.Helper()
	s.must(s.kube.Delete(s.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: team}}))
	start := time.Now()
	s.noKeysLeft()
	s.say("namespace %s: all of its keys are revoked %.1f s after it was deleted", team, time.Since(start).Seconds())
	s.until("namespace "+team+" to be deleted", time.Minute, func() error { return s.gone("namespace", team) })
	s.say("namespace %s: deleted with its AccessKeys and their credentials", team)
}

// uninstall removes the operator.
func (s *story) uninstall(how string, remove func()) {
	s.t.Helper()
	remove()
	s.until("the Pods of the operator to be gone", time.Minute, func() error { return s.gone("pods", "--namespace="+system) })
	s.noFinalizersLeft()
	s.say("uninstalled: %s; no object has a finalizer of the operator", how)
}
