{{/* The labels of every object. */}}
{{- define "accesskey-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "accesskey-operator.selectorLabels" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The labels that select the Pods, as in config/. They cannot be changed in an upgrade. */}}
{{- define "accesskey-operator.selectorLabels" -}}
app.kubernetes.io/name: accesskey-operator
{{- end }}

{{- define "accesskey-operator.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default "accesskey-operator" }}
{{- end }}

{{/* The subject of the bindings. */}}
{{- define "accesskey-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "accesskey-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* The usernames that may write statuses, as a list of CEL. */}}
{{- define "accesskey-operator.operators" -}}
{{- $own := printf "system:serviceaccount:%s:%s" .Release.Namespace (include "accesskey-operator.serviceAccountName" .) -}}
['{{ prepend .Values.statusPolicy.otherOperators $own | join "', '" }}']
{{- end }}

{{- define "accesskey-operator.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* 90 % of a memory limit, in the notation of GOMEMLIMIT. */}}
{{- define "accesskey-operator.goMemoryLimit" -}}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- $number := regexFind "^[0-9.]+" . -}}
{{- printf "%dMiB" (divf (mulf $number (get $units (trimPrefix $number .)) 0.9) 1048576 | floor | int64) -}}
{{- end }}

{{/* The Secret with the certificate of the metrics. Empty if they need none, or if the operator signs it itself. */}}
{{- define "accesskey-operator.metricsSecret" -}}
{{- if and .Values.metrics.enabled .Values.metrics.secure -}}
{{ .Values.metrics.certificate.secretName | default (ternary "accesskey-operator-metrics" "" .Values.metrics.certificate.certManager) }}
{{- end }}
{{- end }}

{{/* The host name of the metrics. */}}
{{- define "accesskey-operator.metricsHost" -}}
accesskey-operator-metrics.{{ .Release.Namespace }}.svc
{{- end }}

{{/* What the names of ClusterRoleBindings end with. Those of a second operator in a cluster have its namespace in their names. */}}
{{- define "accesskey-operator.clusterSuffix" -}}
{{- if not .Values.clusterRoles.enabled }}-{{ .Release.Namespace }}{{ end }}
{{- end }}
