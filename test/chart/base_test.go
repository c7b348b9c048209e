// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"strings"
	"testing"
)

// always are the differences between config/ and the chart with its default values.
const always = `
	- Namespace accesskey-system
	- Deployment: spec.replicas = 1
	+ Deployment: spec.replicas = 2
	+ Deployment: manager.imagePullPolicy = IfNotPresent
	+ Deployment: manager.args[] = --zap-log-level=info
	+ Deployment: manager.args[] = --zap-encoder=json
	+ PodDisruptionBudget accesskey-operator …
	+ Pod accesskey-operator-test …
	+ CustomResourceDefinition accesskeys.accesskey.dev: metadata.annotations.helm.sh/resource-policy = keep
	+ CustomResourceDefinition keyservices.accesskey.dev: metadata.annotations.helm.sh/resource-policy = keep
	+ CustomResourceDefinition clusterkeyservices.accesskey.dev: metadata.annotations.helm.sh/resource-policy = keep
`

// TestTheChartInstallsWhatConfigInstalls compares every field of every object.
func TestTheChartInstallsWhatConfigInstalls(t *testing.T) {
	for name, test := range map[string]struct {
		kustomizations, values string
	}{
		"for the whole cluster":          {"default", ""},
		"for some namespaces":            {"namespaced", "namespaces: [team-a, team-b]"},
		"with monitoring":                {"default prometheus", "{serviceMonitor: {enabled: true}, prometheusRule: {enabled: true}, dashboards: {enabled: true}}"},
		"with the permission to restart": {"restarts", "rolloutRestarts: {enabled: true}"},
	} {
		t.Run(name, func(t *testing.T) {
			expectDifference(t, built(t, strings.Fields(test.kustomizations)...), rendered(t, test.values), always)
		})
	}
}

// TestTheFinalizerPolicyIsForNewClusters: an older API server would refuse the whole release.
func TestTheFinalizerPolicyIsForNewClusters(t *testing.T) {
	const newer = "--api-versions=admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
	expectDifference(t, built(t, "default", "finalizer"), rendered(t, "", newer), always)
	for _, values := range []string{"finalizerPolicy: {enabled: false}", "namespaces: [team-a]"} {
		for _, each := range rendered(t, values, newer) {
			if strings.HasPrefix(each.GetKind(), "MutatingAdmissionPolicy") {
				t.Errorf("with %s: %s %s", values, each.GetKind(), each.GetName())
			}
		}
	}
}
