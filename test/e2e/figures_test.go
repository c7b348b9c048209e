// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// usage is the highest usage of a Pod of the operator.
type usage struct {
	mu      sync.Mutex
	samples int
	memory  uint64 // bytes
	cpu     uint64 // nanocores
	err     error  // of the last sample; the kubelet is restarted meanwhile
}

// summary is what this test reads of the kubelet's statistics, which kubectl top shows, too.
type summary struct {
	Pods []struct {
		PodRef struct{ Name, Namespace string }
		CPU    struct{ UsageNanoCores uint64 }
		Memory struct{ WorkingSetBytes uint64 }
	}
}

// watch asks the kubelet for the usage of the operator's Pods every five seconds until the context ends.
func (u *usage) watch(ctx context.Context, kube kubernetes.Interface) {
	for {
		text, err := kube.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes/node/proxy/stats/summary").Param("only_cpu_and_memory", "true").DoRaw(ctx)
		var now summary
		if err == nil {
			err = json.Unmarshal(text, &now)
		}
		u.add(now, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
		}
	}
}

func (u *usage) add(now summary, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = err
	for _, pod := range now.Pods {
		if pod.PodRef.Namespace == system {
			u.samples++
			u.memory, u.cpu = max(u.memory, pod.Memory.WorkingSetBytes), max(u.cpu, pod.CPU.UsageNanoCores)
		}
	}
}

// watchUsage measures the Pods of the operator until the test ends.
func (s *story) watchUsage() {
	s.t.Helper()
	kube, err := kubernetes.NewForConfig(s.node.Config)
	s.must(err)
	go s.usage.watch(s.ctx, kube)
}

// compareUsage compares the usage with the resources of the Deployment. A usage of memory above half of the limit fails the test.
func (s *story) compareUsage() {
	s.t.Helper()
	deployment := &appsv1.Deployment{}
	s.must(s.kube.Get(s.ctx, types.NamespacedName{Namespace: system, Name: "accesskey-operator"}, deployment))
	resources := deployment.Spec.Template.Spec.Containers[0].Resources
	s.usage.mu.Lock()
	defer s.usage.mu.Unlock()
	s.say("a Pod of the operator used at most %d MiB of memory (request %s, limit %s) and %d millicores (request %s), in %d samples",
		s.usage.memory>>20, resources.Requests.Memory(), resources.Limits.Memory(), s.usage.cpu/1e6, resources.Requests.Cpu(), s.usage.samples)
	if s.usage.samples == 0 || int64(s.usage.memory) > resources.Limits.Memory().Value()/2 {
		s.t.Errorf("the limit of the memory has too little reserve, or there are no samples (%v)", s.usage.err)
	}
}

// figures prints what the consumers were answered, and fails the test with the first failures of each.
func (s *story) figures() {
	s.t.Helper()
	for _, consumer := range s.reports.Consumers() {
		counts := s.reports.Counts(consumer)
		s.say("consumer %s: %d requests answered, %d failed, with %d pairs, from %d Pods; the slowest answer took %.2f s, the longest pause %.1f s",
			consumer, counts.Answered, counts.Failed, len(counts.Keys), len(counts.Pods), counts.Slowest.Seconds(), counts.LongestPause.Seconds())
		for _, failure := range counts.Failures[:min(len(counts.Failures), 5)] {
			s.t.Errorf("%s: a request with %s failed: %s", failure.Pod, short(failure.AccessKeyID), failure.Error)
		}
	}
}

// short shortens an access key ID of IONOS, which has 92 characters.
func short(id string) string {
	if len(id) <= 24 {
		return id
	}
	return id[:16] + "…"
}
