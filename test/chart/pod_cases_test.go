// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

// podChanges are the changes of values that are fields of the Pod.
var podChanges = map[string]change{
	"more memory": {"resources: {requests: {memory: 128Mi}, limits: {memory: 1.5Gi}}", `
		- Deployment: manager.resources.requests.memory = 64Mi
		+ Deployment: manager.resources.requests.memory = 128Mi
		- Deployment: manager.resources.limits.memory = 256Mi
		+ Deployment: manager.resources.limits.memory = 1.5Gi
		- Deployment: manager.env.GOMEMLIMIT.value = 230MiB
		+ Deployment: manager.env.GOMEMLIMIT.value = 1382MiB
		- Pod accesskey-operator-test: spec.containers.manager.resources.requests.memory = 64Mi
		+ Pod accesskey-operator-test: spec.containers.manager.resources.requests.memory = 128Mi
		- Pod accesskey-operator-test: spec.containers.manager.resources.limits.memory = 256Mi
		+ Pod accesskey-operator-test: spec.containers.manager.resources.limits.memory = 1.5Gi
	`},
	"memory in powers of ten": {"resources: {limits: {memory: 500M}}", `
		- Deployment: manager.resources.limits.memory = 256Mi
		+ Deployment: manager.resources.limits.memory = 500M
		- Deployment: manager.env.GOMEMLIMIT.value = 230MiB
		+ Deployment: manager.env.GOMEMLIMIT.value = 429MiB
		- Pod accesskey-operator-test: spec.containers.manager.resources.limits.memory = 256Mi
		+ Pod accesskey-operator-test: spec.containers.manager.resources.limits.memory = 500M
	`},
	"no memory limit": {"resources: {limits: null}", `
		- Deployment: manager.resources.limits.memory = 256Mi
		- Deployment: manager.env.GOMEMLIMIT.name = GOMEMLIMIT
		- Deployment: manager.env.GOMEMLIMIT.value = 230MiB
		- Pod accesskey-operator-test: spec.containers.manager.resources.limits.memory = 256Mi
	`},
	"users and groups": {"{podSecurityContext: {fsGroup: 65532}, securityContext: {runAsUser: 65532}}", `
		+ Deployment: pod.securityContext.fsGroup = 65532
		+ Deployment: manager.securityContext.runAsUser = 65532
		+ Pod accesskey-operator-test: spec.securityContext.fsGroup = 65532
		+ Pod accesskey-operator-test: spec.containers.manager.securityContext.runAsUser = 65532
	`},
	"other probes": {"{livenessProbe: {timeoutSeconds: 5}, readinessProbe: {httpGet: {path: /readyz}}}", `
		+ Deployment: manager.livenessProbe.timeoutSeconds = 5
		- Deployment: manager.readinessProbe.httpGet.path = /readyz/ping
		+ Deployment: manager.readinessProbe.httpGet.path = /readyz
	`},
	"a longer end": {"terminationGracePeriodSeconds: 300", `
		- Deployment: pod.terminationGracePeriodSeconds = 150
		+ Deployment: pod.terminationGracePeriodSeconds = 300
	`},
	"annotations and labels": {"{podAnnotations: {example.com/a: b}, podLabels: {azure.workload.identity/use: 'true'}}", `
		+ Deployment: pod.metadata.annotations.example.com/a = b
		+ Deployment: pod.metadata.labels.azure.workload.identity/use = true
	`},
	"a priority": {"priorityClassName: system-cluster-critical", `
		+ Deployment: pod.priorityClassName = system-cluster-critical
	`},
	"nodes": {"{nodeSelector: {kubernetes.io/os: linux}, tolerations: [{key: control-plane, operator: Exists}]}", `
		+ Deployment: pod.nodeSelector.kubernetes.io/os = linux
		+ Deployment: pod.tolerations[] = {"key":"control-plane","operator":"Exists"}
		+ Pod accesskey-operator-test: spec.nodeSelector.kubernetes.io/os = linux
		+ Pod accesskey-operator-test: spec.tolerations[] = {"key":"control-plane","operator":"Exists"}
	`},
	"one node for each replica": {`
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
    - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app.kubernetes.io/name: accesskey-operator}}}
`, `
		+ Deployment: pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[] = {"labelSelector":{"matchLabels":{"app.kubernetes.io/name":"accesskey-operator"}},"topologyKey":"kubernetes.io/hostname"}
	`},
	"one zone for each replica": {`
topologySpreadConstraints:
- maxSkew: 1
  topologyKey: topology.kubernetes.io/zone
  whenUnsatisfiable: ScheduleAnyway
  labelSelector: {matchLabels: {app.kubernetes.io/name: accesskey-operator}}
`, `
		+ Deployment: pod.topologySpreadConstraints[] = {"labelSelector":{"matchLabels":{"app.kubernetes.io/name":"accesskey-operator"}},"maxSkew":1,"topologyKey":"topology.kubernetes.io/zone","whenUnsatisfiable":"ScheduleAnyway"}
	`},
}
