// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

// change is a change of values, and what it changes in the objects that the chart renders with its default values.
type change struct {
	values, want string
}

// changes are named by what the values do.
var changes = map[string]change{
	"an image of one's own": {"image: {repository: registry.example/operator, tag: v1, pullPolicy: Always}", `
		- Deployment: manager.image = accesskey-operator:dev
		+ Deployment: manager.image = registry.example/operator:v1
		- Deployment: manager.imagePullPolicy = IfNotPresent
		+ Deployment: manager.imagePullPolicy = Always
		- Pod accesskey-operator-test: spec.containers.manager.image = accesskey-operator:dev
		+ Pod accesskey-operator-test: spec.containers.manager.image = registry.example/operator:v1
		- Pod accesskey-operator-test: spec.containers.manager.imagePullPolicy = IfNotPresent
		+ Pod accesskey-operator-test: spec.containers.manager.imagePullPolicy = Always
	`},
	"a digest instead of a tag": {"image: {tag: v1, digest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}", `
		- Deployment: manager.image = accesskey-operator:dev
		+ Deployment: manager.image = accesskey-operator@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
		- Pod accesskey-operator-test: spec.containers.manager.image = accesskey-operator:dev
		+ Pod accesskey-operator-test: spec.containers.manager.image = accesskey-operator@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	`},
	"credentials of the registry": {"imagePullSecrets: [{name: registry}]", `
		+ Deployment: pod.imagePullSecrets.registry.name = registry
		+ Pod accesskey-operator-test: spec.imagePullSecrets.registry.name = registry
	`},
	"a single replica without an election": {"{replicaCount: 1, leaderElection: {enabled: false}}", `
		- Deployment: spec.replicas = 2
		+ Deployment: spec.replicas = 1
		- Deployment: manager.args[] = --leader-elect
	`},
	"another disruption budget": {"podDisruptionBudget: {maxUnavailable: 50%}", `
		- PodDisruptionBudget accesskey-operator: spec.maxUnavailable = 1
		+ PodDisruptionBudget accesskey-operator: spec.maxUnavailable = 50%
	`},
	"no disruption budget": {"podDisruptionBudget: {enabled: false}", `
		- PodDisruptionBudget accesskey-operator
	`},
	"permission to restart workloads": {"rolloutRestarts: {enabled: true}", `
		+ ClusterRoleBinding accesskey-operator-restarts …
	`},
	"one namespace": {"{namespaces: [team-a], rolloutRestarts: {enabled: true}}", `
		- ClusterRole accesskey-operator-cluster
		- ClusterRoleBinding accesskey-operator
		- ClusterRoleBinding accesskey-operator-cluster
		+ ClusterRole accesskey-operator: rules[] = {"apiGroups":["rbac.authorization.k8s.io"],"resourceNames":["accesskey-operator"],"resources":["rolebindings"],"verbs":["get","patch"]}
		+ RoleBinding accesskey-operator in team-a …
		+ RoleBinding accesskey-operator-restarts in team-a …
		+ Deployment: manager.args[] = --namespaces=team-a
	`},
	"no CRDs": {"crds: {enabled: false}", `
		- CustomResourceDefinition accesskeys.accesskey.dev
		- CustomResourceDefinition keyservices.accesskey.dev
		- CustomResourceDefinition clusterkeyservices.accesskey.dev
	`},
	"CRDs that are deleted with the release": {"crds: {keep: false}", `
		- CustomResourceDefinition accesskeys.accesskey.dev: metadata.annotations.helm.sh/resource-policy = keep
		- CustomResourceDefinition keyservices.accesskey.dev: metadata.annotations.helm.sh/resource-policy = keep
		- CustomResourceDefinition clusterkeyservices.accesskey.dev: metadata.annotations.helm.sh/resource-policy = keep
	`},
	"no ClusterRoles": {"clusterRoles: {enabled: false}", `
		- ClusterRole accesskey-operator
		- ClusterRole accesskey-operator-admin
		- ClusterRole accesskey-operator-cluster
		- ClusterRole accesskey-operator-edit
		- ClusterRole accesskey-operator-metrics-auth
		- ClusterRole accesskey-operator-metrics-reader
		- ClusterRole accesskey-operator-restarts
		- ClusterRole accesskey-operator-view
		- ClusterRoleBinding accesskey-operator
		- ClusterRoleBinding accesskey-operator-cluster
		- ClusterRoleBinding accesskey-operator-metrics-auth
		+ ClusterRoleBinding accesskey-operator-accesskey-system …
		+ ClusterRoleBinding accesskey-operator-cluster-accesskey-system …
		+ ClusterRoleBinding accesskey-operator-metrics-auth-accesskey-system …
	`},
	"no policy": {"statusPolicy: {enabled: false}", `
		- ValidatingAdmissionPolicy accesskey-operator-status
		- ValidatingAdmissionPolicyBinding accesskey-operator-status
	`},
	"no finalizer policy": {"finalizerPolicy: {enabled: false}", ""},
	"another operator": {"statusPolicy: {otherOperators: ['system:serviceaccount:other:accesskey-operator']}", `
		- ValidatingAdmissionPolicy accesskey-operator-status: spec.variables.operators.expression = ['system:serviceaccount:accesskey-system:accesskey-operator']
		+ ValidatingAdmissionPolicy accesskey-operator-status: spec.variables.operators.expression = ['system:serviceaccount:accesskey-system:accesskey-operator', 'system:serviceaccount:other:accesskey-operator']
	`},
	"annotations for workload identity": {"serviceAccount: {annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::1:role/operator'}}", `
		+ ServiceAccount accesskey-operator: metadata.annotations.eks.amazonaws.com/role-arn = arn:aws:iam::1:role/operator
	`},
	"an existing ServiceAccount": {"serviceAccount: {create: false, name: existing}", `
		- ServiceAccount accesskey-operator
		- Deployment: pod.serviceAccountName = accesskey-operator
		+ Deployment: pod.serviceAccountName = existing
		- ClusterRoleBinding accesskey-operator: subjects.accesskey-operator.kind = ServiceAccount
		- ClusterRoleBinding accesskey-operator: subjects.accesskey-operator.name = accesskey-operator
		- ClusterRoleBinding accesskey-operator: subjects.accesskey-operator.namespace = accesskey-system
		+ ClusterRoleBinding accesskey-operator: subjects.existing.kind = ServiceAccount
		+ ClusterRoleBinding accesskey-operator: subjects.existing.name = existing
		+ ClusterRoleBinding accesskey-operator: subjects.existing.namespace = accesskey-system
		- ClusterRoleBinding accesskey-operator-cluster: subjects.accesskey-operator.kind = ServiceAccount
		- ClusterRoleBinding accesskey-operator-cluster: subjects.accesskey-operator.name = accesskey-operator
		- ClusterRoleBinding accesskey-operator-cluster: subjects.accesskey-operator.namespace = accesskey-system
		+ ClusterRoleBinding accesskey-operator-cluster: subjects.existing.kind = ServiceAccount
		+ ClusterRoleBinding accesskey-operator-cluster: subjects.existing.name = existing
		+ ClusterRoleBinding accesskey-operator-cluster: subjects.existing.namespace = accesskey-system
		- ClusterRoleBinding accesskey-operator-metrics-auth: subjects.accesskey-operator.kind = ServiceAccount
		- ClusterRoleBinding accesskey-operator-metrics-auth: subjects.accesskey-operator.name = accesskey-operator
		- ClusterRoleBinding accesskey-operator-metrics-auth: subjects.accesskey-operator.namespace = accesskey-system
		+ ClusterRoleBinding accesskey-operator-metrics-auth: subjects.existing.kind = ServiceAccount
		+ ClusterRoleBinding accesskey-operator-metrics-auth: subjects.existing.name = existing
		+ ClusterRoleBinding accesskey-operator-metrics-auth: subjects.existing.namespace = accesskey-system
		- RoleBinding accesskey-operator-own: subjects.accesskey-operator.kind = ServiceAccount
		- RoleBinding accesskey-operator-own: subjects.accesskey-operator.name = accesskey-operator
		- RoleBinding accesskey-operator-own: subjects.accesskey-operator.namespace = accesskey-system
		+ RoleBinding accesskey-operator-own: subjects.existing.kind = ServiceAccount
		+ RoleBinding accesskey-operator-own: subjects.existing.name = existing
		+ RoleBinding accesskey-operator-own: subjects.existing.namespace = accesskey-system
		- ValidatingAdmissionPolicy accesskey-operator-status: spec.variables.operators.expression = ['system:serviceaccount:accesskey-system:accesskey-operator']
		+ ValidatingAdmissionPolicy accesskey-operator-status: spec.variables.operators.expression = ['system:serviceaccount:accesskey-system:existing']
		- Pod accesskey-operator-test: spec.serviceAccountName = accesskey-operator
		+ Pod accesskey-operator-test: spec.serviceAccountName = existing
	`},
	"a log for people": {"logging: {level: 2, format: console}", `
		- Deployment: manager.args[] = --zap-log-level=info
		+ Deployment: manager.args[] = --zap-log-level=2
		- Deployment: manager.args[] = --zap-encoder=json
		+ Deployment: manager.args[] = --zap-encoder=console
	`},
	"other ports": {"{metrics: {port: 18443}, healthPort: 18081}", `
		- Deployment: manager.args[] = --metrics-bind-address=:8443
		+ Deployment: manager.args[] = --metrics-bind-address=:18443
		- Deployment: manager.ports.metrics.containerPort = 8443
		+ Deployment: manager.ports.metrics.containerPort = 18443
		- Deployment: manager.args[] = --health-probe-bind-address=:8081
		+ Deployment: manager.args[] = --health-probe-bind-address=:18081
		- Deployment: manager.ports.health.containerPort = 8081
		+ Deployment: manager.ports.health.containerPort = 18081
	`},
	"a proxy": {"proxy: {https: 'http://proxy.example:3128', noProxy: '10.0.0.0/8,.svc'}", `
		+ Deployment: manager.env.HTTPS_PROXY.name = HTTPS_PROXY
		+ Deployment: manager.env.HTTPS_PROXY.value = http://proxy.example:3128
		+ Deployment: manager.env.NO_PROXY.name = NO_PROXY
		+ Deployment: manager.env.NO_PROXY.value = $(KUBERNETES_SERVICE_HOST),10.0.0.0/8,.svc
	`},
	"CA certificates in a ConfigMap": {"caBundle: {configMap: company-ca}", `
		+ Deployment: manager.env.SSL_CERT_DIR.name = SSL_CERT_DIR
		+ Deployment: manager.env.SSL_CERT_DIR.value = /etc/accesskey-operator/ca
		+ Deployment: manager.volumeMounts.ca.name = ca
		+ Deployment: manager.volumeMounts.ca.mountPath = /etc/accesskey-operator/ca
		+ Deployment: manager.volumeMounts.ca.readOnly = true
		+ Deployment: pod.volumes.ca.name = ca
		+ Deployment: pod.volumes.ca.configMap.name = company-ca
	`},
	"CA certificates in a Secret": {"caBundle: {secret: company-ca}", `
		+ Deployment: manager.env.SSL_CERT_DIR.name = SSL_CERT_DIR
		+ Deployment: manager.env.SSL_CERT_DIR.value = /etc/accesskey-operator/ca
		+ Deployment: manager.volumeMounts.ca.name = ca
		+ Deployment: manager.volumeMounts.ca.mountPath = /etc/accesskey-operator/ca
		+ Deployment: manager.volumeMounts.ca.readOnly = true
		+ Deployment: pod.volumes.ca.name = ca
		+ Deployment: pod.volumes.ca.secret.secretName = company-ca
	`},
	"arguments and variables": {"{extraArgs: [--resync-period=5m], extraEnv: [{name: TZ, value: UTC}]}", `
		+ Deployment: manager.args[] = --resync-period=5m
		+ Deployment: manager.env.TZ.name = TZ
		+ Deployment: manager.env.TZ.value = UTC
	`},
}
