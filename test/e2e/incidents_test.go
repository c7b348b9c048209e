// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// holder returns the process that holds the lease, as the name of its Pod and an ID of its own.
func (s *story) holder() (string, error) {
	lease := &coordinationv1.Lease{}
	if err := s.kube.Get(s.ctx, types.NamespacedName{Namespace: system, Name: "accesskey-operator"}, lease); err != nil {
		return "", err
	}
	if ptr.Deref(lease.Spec.HolderIdentity, "") == "" {
		return "", errors.New("nobody holds the lease")
	}
	return *lease.Spec.HolderIdentity, nil
}

// renew requests a rotation, as the annotation does, and returns the number of rotations before it.
func (s *story) renew(name string) (before int64) {
	s.t.Helper()
	ak, err := s.accessKey(name)
	s.must(err)
	s.kubectl("annotate", "--namespace="+team, "accesskey", name, "--overwrite", fmt.Sprintf("%s=%d", v1alpha1.RenewAnnotation, time.Now().UnixNano()))
	return ak.Status.Revision - 1
}

// killTheLeader requests a rotation and kills the leader while it is under way: the new key exists, and its pair waits in a Secret of
// its own until the service accepts it. Another replica must publish it. (A kill a moment earlier loses the pair. Then it takes two
// minutes until the service lists for sure whether there is a key to revoke. The crash simulation tests that.)
func (s *story) killTheLeader(name, how string, kill func(*corev1.Pod)) {
	s.t.Helper()
	holder, err := s.holder()
	s.must(err)
	podName, _, _ := strings.Cut(holder, "_")
	pod := &corev1.Pod{}
	s.must(s.kube.Get(s.ctx, types.NamespacedName{Namespace: system, Name: podName}, pod))
	before := s.renew(name)
	s.until("the new pair of AccessKey "+name, 30*time.Second, func() error {
		return s.kube.Get(s.ctx, types.NamespacedName{Namespace: team, Name: name + "-next"}, &corev1.Secret{})
	})
	start := time.Now()
	kill(pod)
	s.until("another leader", time.Minute, func() error {
		now, err := s.holder()
		if err == nil && now == holder {
			err = errors.New("the dead leader still holds the lease")
		}
		return err
	})
	took := time.Since(start)
	s.until("the rotation of AccessKey "+name, 3*time.Minute, func() error { return s.ready(name, before+1) })
	s.consumed(name)
	s.say("killed the leader in the middle of a rotation (%s): another one led after %.1f s, and the rotation was complete after %.1f s",
		how, took.Seconds(), time.Since(start).Seconds())
}

// deletePod deletes a Pod with grace period 0.
func (s *story) deletePod(pod *corev1.Pod) {
	s.t.Helper()
	s.must(s.kube.Delete(s.ctx, pod, client.GracePeriodSeconds(0)))
}

// killProcess kills the process of a Pod, so that it cannot do anything any more.
func (s *story) killProcess(pod *corev1.Pod) {
	s.t.Helper()
	s.must(s.node.KillContainer(s.ctx, pod.Status.ContainerStatuses[0].ContainerID))
}

// restartKubelet restarts the kubelet. No container must be restarted for that.
func (s *story) restartKubelet() {
	s.t.Helper()
	before := s.containers()
	s.must(s.node.RestartKubelet(s.ctx))
	s.until("the Pods to be ready after the restart of the kubelet", time.Minute, s.podsReady)
	for _, container := range s.containers() {
		if !slices.Contains(before, container) {
			s.t.Errorf("container %s was started after the restart of the kubelet", container)
		}
	}
	s.say("restarted the kubelet: all containers kept running")
}

// containers returns the IDs of all containers.
func (s *story) containers() []string {
	s.t.Helper()
	return strings.Fields(s.kubectl("get", "pods", "-A", `-o=jsonpath={.items[*].status.containerStatuses[*].containerID}`))
}

// podsReady returns an error while a Pod of the operator or of the team is not ready.
func (s *story) podsReady() error {
	for _, namespace := range []string{system, team} {
		pods := &corev1.PodList{}
		if err := s.kube.List(s.ctx, pods, client.InNamespace(namespace)); err != nil {
			return err
		}
		for i := range pods.Items {
			if !ready(&pods.Items[i]) {
				return fmt.Errorf("pod %s is not ready", pods.Items[i].Name)
			}
		}
	}
	return nil
}

func ready(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// upgrade upgrades the release with a changed value, and requests a rotation meanwhile.
func (s *story) upgrade(name string) {
	s.t.Helper()
	start := time.Now()
	s.helm("upgrade", "accesskey-operator", "../../dist/chart", "--namespace="+system, "--reuse-values", "--set=logging.level=debug")
	before := s.renew(name)
	s.kubectl("rollout", "status", "--namespace="+system, "deployment/accesskey-operator", "--timeout=60s")
	s.until("the rotation of AccessKey "+name, time.Minute, func() error { return s.ready(name, before+1) })
	s.consumed(name)
	s.say("upgraded the release (helm upgrade --set logging.level=debug) during a rotation, which was complete after %.1f s", time.Since(start).Seconds())
}
