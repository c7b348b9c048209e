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
