{{- define "gvList" -}}
<!-- Generated from api/v1alpha1 by make generate. Don't edit it: change the comments of the types. -->

# What fields do the resources have?

`kubectl explain accesskey.spec` shows the same for the version that is installed. The API server enforces the limits and the rules
when you apply an object.
{{ range . }}{{ template "gvDetails" . }}{{ end }}
{{- end -}}
