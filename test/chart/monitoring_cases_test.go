// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

// monitoringChanges are the changes of values about the metrics, and who may read them.
var monitoringChanges = map[string]change{
	"no metrics": {"metrics: {enabled: false}", `
		- Deployment: manager.args[] = --metrics-bind-address=:8443
		- Deployment: manager.ports.metrics.containerPort = 8443
		- Deployment: manager.ports.metrics.name = metrics
		- Service accesskey-operator-metrics
		- ClusterRole accesskey-operator-metrics-auth
		- ClusterRole accesskey-operator-metrics-reader
		- ClusterRoleBinding accesskey-operator-metrics-auth
	`},
	"metrics for everyone": {"{metrics: {secure: false, certificate: {certManager: true, issuerRef: {name: unused}}}, serviceMonitor: {enabled: true}}", `
		+ Deployment: manager.args[] = --metrics-secure=false
		- ClusterRole accesskey-operator-metrics-auth
		- ClusterRole accesskey-operator-metrics-reader
		- ClusterRoleBinding accesskey-operator-metrics-auth
		+ ServiceMonitor accesskey-operator
		+ ServiceMonitor accesskey-operator: apiVersion = monitoring.coreos.com/v1
		+ ServiceMonitor accesskey-operator: metadata.labels.app.kubernetes.io/name = accesskey-operator
		+ ServiceMonitor accesskey-operator: spec.selector.matchLabels.app.kubernetes.io/name = accesskey-operator
		+ ServiceMonitor accesskey-operator: spec.endpoints[] = {"honorLabels":true,"port":"https"}
	`},
	"a certificate of one's own": {"metrics: {certificate: {secretName: metrics-tls}}", `
		+ Deployment: manager.args[] = --metrics-cert-path=/etc/accesskey-operator/metrics
		+ Deployment: manager.volumeMounts.metrics.name = metrics
		+ Deployment: manager.volumeMounts.metrics.mountPath = /etc/accesskey-operator/metrics
		+ Deployment: manager.volumeMounts.metrics.readOnly = true
		+ Deployment: pod.volumes.metrics.name = metrics
		+ Deployment: pod.volumes.metrics.secret.secretName = metrics-tls
	`},
	"a certificate of cert-manager": {"{metrics: {certificate: {certManager: true, issuerRef: {name: company}}}, serviceMonitor: {enabled: true}}", `
		+ Deployment: manager.args[] = --metrics-cert-path=/etc/accesskey-operator/metrics
		+ Deployment: manager.volumeMounts.metrics.name = metrics
		+ Deployment: manager.volumeMounts.metrics.mountPath = /etc/accesskey-operator/metrics
		+ Deployment: manager.volumeMounts.metrics.readOnly = true
		+ Deployment: pod.volumes.metrics.name = metrics
		+ Deployment: pod.volumes.metrics.secret.secretName = accesskey-operator-metrics
		+ Certificate accesskey-operator-metrics
		+ Certificate accesskey-operator-metrics: apiVersion = cert-manager.io/v1
		+ Certificate accesskey-operator-metrics: metadata.labels.app.kubernetes.io/name = accesskey-operator
		+ Certificate accesskey-operator-metrics: spec.secretName = accesskey-operator-metrics
		+ Certificate accesskey-operator-metrics: spec.dnsNames[] = accesskey-operator-metrics.accesskey-system.svc
		+ Certificate accesskey-operator-metrics: spec.issuerRef.name = company
		+ Certificate accesskey-operator-metrics: spec.privateKey.rotationPolicy = Always
		+ ServiceMonitor accesskey-operator …
		+ ServiceMonitor accesskey-operator: spec.endpoints[] = {"bearerTokenFile":"/var/run/secrets/kubernetes.io/serviceaccount/token","honorLabels":true,"port":"https","scheme":"https","tlsConfig":{"ca":{"secret":{"key":"ca.crt","name":"accesskey-operator-metrics"}},"serverName":"accesskey-operator-metrics.accesskey-system.svc"}}
	`},
	"traces": {"tracing: {endpoint: 'http://collector.example:4318'}", `
		+ Deployment: manager.env.OTEL_EXPORTER_OTLP_ENDPOINT.name = OTEL_EXPORTER_OTLP_ENDPOINT
		+ Deployment: manager.env.OTEL_EXPORTER_OTLP_ENDPOINT.value = http://collector.example:4318
	`},
	"a ServiceMonitor": {"serviceMonitor: {enabled: true, labels: {release: monitoring}, annotations: {example.com/a: b}, interval: 1m, scrapeTimeout: 10s}", `
		+ ServiceMonitor accesskey-operator …
		+ ServiceMonitor accesskey-operator: metadata.labels.release = monitoring
		+ ServiceMonitor accesskey-operator: metadata.annotations.example.com/a = b
		+ ServiceMonitor accesskey-operator: spec.endpoints[] = {"bearerTokenFile":"/var/run/secrets/kubernetes.io/serviceaccount/token","honorLabels":true,"interval":"1m","port":"https","scheme":"https","scrapeTimeout":"10s","tlsConfig":{"insecureSkipVerify":true}}
	`},
	"alerts": {"prometheusRule: {enabled: true, labels: {release: monitoring}, annotations: {example.com/a: b}}", `
		+ PrometheusRule accesskey-operator …
		+ PrometheusRule accesskey-operator: metadata.labels.release = monitoring
		+ PrometheusRule accesskey-operator: metadata.annotations.example.com/a = b
	`},
	"dashboards": {"dashboards: {enabled: true, labels: {grafana_dashboard: null, dashboard: '1'}, annotations: {grafana_folder: Storage}}", `
		+ ConfigMap accesskey-operator-dashboard …
		+ ConfigMap accesskey-operator-dashboard: metadata.labels.dashboard = 1
		+ ConfigMap accesskey-operator-dashboard: metadata.annotations.grafana_folder = Storage
	`},
	"a network policy": {"networkPolicy: {enabled: true}", `
		+ NetworkPolicy accesskey-operator
		+ NetworkPolicy accesskey-operator: apiVersion = networking.k8s.io/v1
		+ NetworkPolicy accesskey-operator: metadata.labels.app.kubernetes.io/name = accesskey-operator
		+ NetworkPolicy accesskey-operator: spec.podSelector.matchLabels.app.kubernetes.io/name = accesskey-operator
		+ NetworkPolicy accesskey-operator: spec.policyTypes[] = Ingress
		+ NetworkPolicy accesskey-operator: spec.ingress[] = {"ports":[{"port":"metrics"}]}
	`},
	"a network policy for everything": {`
networkPolicy:
  enabled: true
  metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  egress:
  - ports: [{port: 6443}]
  - to: [{ipBlock: {cidr: 192.0.2.0/28}}]
`, `
		+ NetworkPolicy accesskey-operator
		+ NetworkPolicy accesskey-operator: apiVersion = networking.k8s.io/v1
		+ NetworkPolicy accesskey-operator: metadata.labels.app.kubernetes.io/name = accesskey-operator
		+ NetworkPolicy accesskey-operator: spec.podSelector.matchLabels.app.kubernetes.io/name = accesskey-operator
		+ NetworkPolicy accesskey-operator: spec.policyTypes[] = Ingress
		+ NetworkPolicy accesskey-operator: spec.policyTypes[] = Egress
		+ NetworkPolicy accesskey-operator: spec.ingress[] = {"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"monitoring"}}}],"ports":[{"port":"metrics"}]}
		+ NetworkPolicy accesskey-operator: spec.egress[] = {"ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP"}]}
		+ NetworkPolicy accesskey-operator: spec.egress[] = {"ports":[{"port":6443}]}
		+ NetworkPolicy accesskey-operator: spec.egress[] = {"to":[{"ipBlock":{"cidr":"192.0.2.0/28"}}]}
	`},
	"a network policy without metrics": {"{networkPolicy: {enabled: true}, metrics: {enabled: false}}", `
		- Deployment: manager.args[] = --metrics-bind-address=:8443
		- Deployment: manager.ports.metrics.containerPort = 8443
		- Deployment: manager.ports.metrics.name = metrics
		- Service accesskey-operator-metrics
		- ClusterRole accesskey-operator-metrics-auth
		- ClusterRole accesskey-operator-metrics-reader
		- ClusterRoleBinding accesskey-operator-metrics-auth
		+ NetworkPolicy accesskey-operator
		+ NetworkPolicy accesskey-operator: apiVersion = networking.k8s.io/v1
		+ NetworkPolicy accesskey-operator: metadata.labels.app.kubernetes.io/name = accesskey-operator
		+ NetworkPolicy accesskey-operator: spec.podSelector.matchLabels.app.kubernetes.io/name = accesskey-operator
		+ NetworkPolicy accesskey-operator: spec.policyTypes[] = Ingress
	`},
}
