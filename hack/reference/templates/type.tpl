{{- define "type" -}}
{{- $type := . -}}
{{- if markdownShouldRenderType $type }}
## {{ $type.Name }}

{{ template "prose" $type.Doc }}
{{- if and $type.References (not $type.GVK) }} Used by {{ range $i, $user := $type.SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $user }}{{ end }}.{{ end }}
{{ if $type.Members }}
| Field | Description | Default | Limits |
|---|---|---|---|
{{- if $type.GVK }}
| `apiVersion` string | `{{ $type.GVK.Group }}/{{ $type.GVK.Version }}` | | |
| `kind` string | `{{ $type.GVK.Kind }}` | | |
{{- end }}
{{- range $type.Members }}{{ template "type_members" . }}{{ end }}
{{ end }}
{{- if and $type.Validation (not $type.Members) (not $type.EnumValues) }}
Limits: {{ join "; " $type.Validation }}
{{ end }}
{{- $rules := index $type.Markers "kubebuilder:validation:XValidation" }}
{{- if $rules }}
Rules:
{{ range $rules }}
- {{ .Message }}
{{- end }}
{{ end }}
{{- if $type.EnumValues }}
| Value | Description |
|---|---|
{{- range $type.EnumValues }}
| `{{ .Name }}` | {{ template "prose" (regexReplaceAll "^\\w+ " .Doc "") }} |
{{- end }}
{{ end }}
{{- end }}
{{- end -}}
